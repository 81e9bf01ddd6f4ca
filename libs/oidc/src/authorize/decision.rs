//! The decision on an authorization request: a code, a sign-in first, or an error (OpenID Connect Core §3.1.2.3–6).

mod consent;

use super::check::CheckedRequest;
use super::{ErrorRedirect, ResponseTarget};
use crate::authorization_details::AuthorizationDetails;
use crate::consent::{AllowedAccess, GivenConsent};
use crate::error::{ErrorCode, OAuthError};
use crate::grant::{self, GrantDetails, User};
use crate::pkce::CodeChallenge;
use crate::resource::Resource;
use crate::scope::Scope;

/// The seconds that a browser may take from the sign-in back to the authorization request.
const REDIRECT_ALLOWANCE: i64 = 60;

/// The session of the browser that sends an authorization request.
#[derive(Clone, Copy, Debug)]
pub struct Session<'a> {
    /// The id of its user, as in `sub`.
    pub subject: &'a str,
    /// The time of the sign-in, in seconds since the Unix epoch, as in `auth_time`.
    pub auth_time: i64,
    /// True if the user signed in for this request: the request was saved and the sign-in is newer. The store
    /// decides that and never a parameter, which a client could set.
    pub signed_in_for_request: bool,
    /// The user; `None` when they are not active.
    pub user: Option<User>,
    /// The access that the user allowed to the client.
    pub consent: GivenConsent<'a>,
}

/// The decision on a request that may be answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// The client gets a code for this grant.
    IssueCode(Box<CodeGrant>),
    /// The user has to sign in first.
    SignIn {
        /// True if the request requires a new sign-in, so that an existing session is not sufficient.
        fresh: bool,
    },
    /// The user is asked whether the client may have this scope (OpenID Connect Core §3.1.2.4).
    AskConsent {
        /// The scope of the grant.
        scope: Scope,
    },
    /// The user may not use the client, and is told so on a page.
    NotAssigned,
    /// The client gets an error response.
    Error(ErrorRedirect),
}

/// The grant that a code stands for.
#[derive(Clone, Debug, PartialEq)]
pub struct CodeGrant {
    /// The scope that is granted.
    pub scope: Scope,
    /// The audiences of the tokens (RFC 8707 §2.1).
    pub audiences: Vec<Resource>,
    /// `nonce`, for the ID token.
    pub nonce: Option<String>,
    /// The code challenge that the verifier must fit (RFC 7636 §4.4).
    pub code_challenge: Option<CodeChallenge>,
    /// The thumbprint of the key that the code is bound to (RFC 9449 §10).
    pub dpop_jkt: Option<String>,
    /// The details of the grant: all that it gives beside its scope.
    pub details: GrantDetails,
    /// The access that the user is asked for: the scope of the grant with the scopes of single claims, at the audiences that a consent
    /// has to be for.
    pub asked: AllowedAccess,
    /// The redirect URI that the code is sent to.
    pub redirect_uri: String,
    /// True if the request had a `redirect_uri`, which the token request then has to repeat (RFC 6749
    /// §4.1.3).
    pub redirect_uri_sent: bool,
    /// True if the client may have a code only while the consent of the user is stored.
    pub requires_stored_consent: bool,
}

impl CheckedRequest<'_> {
    /// The target of the response.
    pub fn target(&self) -> &ResponseTarget {
        &self.target
    }

    /// Decides the request for the session of the browser. `now` is in seconds since the Unix epoch.
    pub fn decide(&self, session: Option<&Session<'_>>, now: i64) -> Decision {
        let Some(session) = session.filter(|session| self.is_sufficient(session, now)) else {
            return self.sign_in();
        };
        if !self.expects(session.subject) {
            // A user who was asked to sign in as the subject of the hint and signed in as another is not asked again.
            if session.signed_in_for_request {
                let why = "another person signed in than the one of id_token_hint or claims";
                return self.error(ErrorCode::LoginRequired.because(why));
            }
            return self.sign_in();
        }
        let Some(user) = session.user else {
            return self.error(ErrorCode::AccessDenied.because("the person may not sign in"));
        };
        if !user.assigned {
            return match self.request.prompt.none {
                true => {
                    self.error(ErrorCode::AccessDenied.because("the person is not assigned to this client"))
                }
                false => Decision::NotAssigned,
            };
        }
        match grant::user_scope(
            self.client,
            self.server.privileged_scopes,
            user,
            &self.request.scope,
        ) {
            Ok(scope) => self.decide_on_consent(session, scope),
            Err(error) => self.error(error),
        }
    }

    /// The audiences of the tokens (RFC 8707 §2.1).
    pub fn audiences(&self) -> &[Resource] {
        &self.audiences
    }

    /// The authorization details of the request (RFC 9396), for the consent page.
    pub fn authorization_details(&self) -> &AuthorizationDetails {
        &self.request.authorization_details
    }

    /// The details of the grant. Single claims need `openid` (OpenID Connect Core §5.5).
    fn details(&self, scope: &Scope) -> GrantDetails {
        let registered = &self.client.metadata.scope;
        let claims = self.request.claims.as_ref().filter(|_| scope.contains("openid"));
        GrantDetails {
            claims: claims
                .map(|claims| claims.granted(registered, self.server.claims))
                .unwrap_or_default(),
            authorization_details: self.request.authorization_details.clone(),
        }
    }

    /// True if the request names no other user by `id_token_hint` or by the claim `sub` (OpenID Connect Core §3.1.2.1, §5.5.1).
    fn expects(&self, subject: &str) -> bool {
        let claims = self.request.claims.as_ref();
        self.hinted_subject
            .as_deref()
            .is_none_or(|hinted| hinted == subject)
            && claims.is_none_or(|claims| claims.accepts_subject(subject))
    }

    fn code_grant(&self, scope: Scope, details: GrantDetails, asked: AllowedAccess) -> CodeGrant {
        CodeGrant {
            scope,
            audiences: self.audiences.clone(),
            nonce: self.request.nonce.clone(),
            code_challenge: self.request.code_challenge.clone(),
            dpop_jkt: self.request.dpop_jkt.clone(),
            details,
            asked,
            redirect_uri: self.target.redirect_uri.clone(),
            redirect_uri_sent: self.redirect_uri_sent,
            requires_stored_consent: self.client.metadata.require_consent,
        }
    }

    /// The decision without a sufficient session (OpenID Connect Core §3.1.2.3, §3.1.2.6).
    fn sign_in(&self) -> Decision {
        if self.request.prompt.none {
            return self.error(ErrorCode::LoginRequired.because("the person has to sign in"));
        }
        Decision::SignIn {
            fresh: self.requires_fresh_sign_in(),
        }
    }

    fn error(&self, error: OAuthError) -> Decision {
        Decision::Error(self.target.error(error))
    }

    /// True if the request requires a new sign-in. `max_age=0` does, also within the second of the last one
    /// (OpenID Connect Core §3.1.2.1).
    fn requires_fresh_sign_in(&self) -> bool {
        let prompt = self.request.prompt;
        prompt.login || prompt.select_account || prompt.create || self.request.max_age == Some(0)
    }

    /// True if the session is recent enough for `max_age` and `prompt`. A request that requires a new sign-in
    /// gets it, unless the user signed in for this request.
    fn is_sufficient(&self, session: &Session<'_>, now: i64) -> bool {
        let recent = self.request.max_age.is_none_or(|most| {
            let most = i64::from(most);
            // A browser that returns from the sign-in for this request gets an allowance. Otherwise it would never arrive.
            let most = if session.signed_in_for_request {
                most.max(REDIRECT_ALLOWANCE)
            } else {
                most
            };
            (0..=most).contains(&self.age(session, now))
        });
        recent && (session.signed_in_for_request || !self.requires_fresh_sign_in())
    }

    /// The age of the sign-in in whole seconds, as the client reads `auth_time`. The clock of the replica that signed the user
    /// in may be a little ahead. A sign-in from further in the future has a negative age, because it is unknown: the clock was
    /// set back.
    fn age(&self, session: &Session<'_>, now: i64) -> i64 {
        let age = now.saturating_sub(session.auth_time);
        if (-self.server.clock_skew..0).contains(&age) {
            0
        } else {
            age
        }
    }
}
