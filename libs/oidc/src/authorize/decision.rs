//! The decision on an authorization request: a code, a sign-in first, or an error (OpenID Connect Core §3.1.2.2–6).

use super::{
    AuthorizationError, AuthorizationRequest, ErrorRedirect, ResponseTarget, UnverifiedAuthorizationRequest,
};
use crate::client::{GrantType, RegisteredClient};
use crate::error::{ErrorCode, OAuthError};
use crate::grant::{self, User};
use crate::id_token_hint::IdTokenHint;
use crate::pkce::CodeChallenge;
use crate::resource::Resource;
use crate::scope::Scope;
use crate::server::AuthorizationServer;

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
    /// The redirect URI that the code is sent to.
    pub redirect_uri: String,
    /// True if the request had a `redirect_uri`, which the token request then has to repeat (RFC 6749
    /// §4.1.3).
    pub redirect_uri_sent: bool,
}

/// An authorization request that is valid for its client. Only the session is missing for a decision.
#[derive(Clone, Debug)]
pub struct CheckedRequest<'a> {
    target: ResponseTarget,
    redirect_uri_sent: bool,
    request: AuthorizationRequest,
    audiences: Vec<Resource>,
    hinted_subject: Option<String>,
    client: RegisteredClient<'a>,
    server: AuthorizationServer<'a>,
}

/// Checks a request against the client that it names. The client and its redirect URI come first: without them an error must
/// not be redirected (RFC 6749 §4.1.2.1). `now` is in seconds since the Unix epoch.
///
/// # Errors
/// [`AuthorizationError`] says whether the user or the client is told.
pub fn check<'a>(
    request: &UnverifiedAuthorizationRequest,
    client: RegisteredClient<'a>,
    server: AuthorizationServer<'a>,
    now: i64,
) -> Result<CheckedRequest<'a>, AuthorizationError> {
    let target = ResponseTarget::choose(request, &client, server.issuer)?;
    match check_parameters(request, client, server, now) {
        Ok((parameters, audiences, hinted_subject)) => Ok(CheckedRequest {
            target,
            redirect_uri_sent: request.redirect_uri.is_some(),
            request: parameters,
            audiences,
            hinted_subject,
            client,
            server,
        }),
        Err(error) => Err(target.error(error).into()),
    }
}

type Parameters = (AuthorizationRequest, Vec<Resource>, Option<String>);

/// Everything that is wrong with a request whatever the session is. The first error is reported.
fn check_parameters(
    request: &UnverifiedAuthorizationRequest,
    client: RegisteredClient<'_>,
    server: AuthorizationServer<'_>,
    now: i64,
) -> Result<Parameters, OAuthError> {
    client.check_grant(GrantType::AuthorizationCode)?;
    let request = request.validate()?;
    if request.code_challenge.is_none() && client.requires_pkce() {
        return Err(ErrorCode::InvalidRequest
            .because("PKCE is required: send code_challenge with code_challenge_method=S256"));
    }
    let audiences = grant::audiences(client, server.audiences, &request.resources)?;
    let hinted_subject = hinted_subject(&request, client, server, now)?;
    Ok((request, audiences, hinted_subject))
}

/// The `sub` of the `id_token_hint`. An expired hint is valid (OpenID Connect Core §3.1.2.1).
fn hinted_subject(
    request: &AuthorizationRequest,
    client: RegisteredClient<'_>,
    server: AuthorizationServer<'_>,
    now: i64,
) -> Result<Option<String>, OAuthError> {
    let Some(hint) = &request.id_token_hint else {
        return Ok(None);
    };
    IdTokenHint::verify(hint, server, now)
        .verified()
        .filter(|claims| claims.aud == client.client_id)
        .map(|claims| Some(claims.sub))
        .ok_or_else(|| {
            ErrorCode::InvalidRequest.because("id_token_hint is not an ID token that this client got here")
        })
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
        if self
            .hinted_subject
            .as_ref()
            .is_some_and(|subject| subject != session.subject)
        {
            // A user who was asked to sign in as the subject of the hint and signed in as another is not asked again.
            if session.signed_in_for_request {
                let why = "another person signed in than the one of id_token_hint";
                return self.error(ErrorCode::LoginRequired.because(why));
            }
            return self.sign_in();
        }
        let Some(user) = session.user else {
            return self.error(ErrorCode::AccessDenied.because("the person may not sign in"));
        };
        match grant::user_scope(
            self.client,
            self.server.privileged_scopes,
            user,
            &self.request.scope,
        ) {
            Ok(scope) => Decision::IssueCode(Box::new(self.code_grant(scope))),
            Err(error) => self.error(error),
        }
    }

    fn code_grant(&self, scope: Scope) -> CodeGrant {
        CodeGrant {
            scope,
            audiences: self.audiences.clone(),
            nonce: self.request.nonce.clone(),
            code_challenge: self.request.code_challenge.clone(),
            redirect_uri: self.target.redirect_uri.clone(),
            redirect_uri_sent: self.redirect_uri_sent,
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
        prompt.login || prompt.select_account || self.request.max_age == Some(0)
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
