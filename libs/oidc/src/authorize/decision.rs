//! The decision on an authorization request: a code, a sign-in first, or an error (OpenID Connect Core §3.1.2.2–6).

use super::{
    AuthorizationError, AuthorizationRequest, ErrorRedirect, ResponseTarget, UnverifiedAuthorizationRequest,
};
use crate::acr;
use crate::authorization_details::AuthorizationDetails;
use crate::client::{GrantType, RegisteredClient};
use crate::consent::GivenConsent;
use crate::error::{ErrorCode, OAuthError};
use crate::grant::{self, GrantDetails, User};
use crate::id_token_hint::IdTokenHint;
use crate::pkce::CodeChallenge;
use crate::redirect_uri::RedirectUri;
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
    /// The scope that the user is asked for: that of the grant, and the scopes of single claims.
    pub consent_scope: Scope,
    /// The redirect URI that the code is sent to.
    pub redirect_uri: String,
    /// True if the request had a `redirect_uri`, which the token request then has to repeat (RFC 6749
    /// §4.1.3).
    pub redirect_uri_sent: bool,
    /// True if the client may have a code only while the consent of the user is stored.
    pub requires_stored_consent: bool,
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

/// Checks that the client may use the authorization endpoint, and that it pushed the request if it has to (RFC 9126 §5).
pub(super) fn check_way(
    request: &UnverifiedAuthorizationRequest,
    client: RegisteredClient<'_>,
    server: AuthorizationServer<'_>,
) -> Result<(), OAuthError> {
    client.check_grant(GrantType::AuthorizationCode)?;
    if !request.is_pushed() && (server.requires_pushed_requests || client.requires_pushed_requests()) {
        return Err(ErrorCode::InvalidRequest
            .because("push the request to pushed_authorization_request_endpoint first (RFC 9126)"));
    }
    Ok(())
}

/// Everything that is wrong with a request whatever the session is. The first error is reported.
fn check_parameters(
    request: &UnverifiedAuthorizationRequest,
    client: RegisteredClient<'_>,
    server: AuthorizationServer<'_>,
    now: i64,
) -> Result<Parameters, OAuthError> {
    check_way(request, client, server)?;
    if client.metadata.require_signed_request_object && !request.is_signed() && !request.is_stored() {
        return Err(ErrorCode::InvalidRequest
            .because("send the request as a signed request object in the parameter request (RFC 9101)"));
    }
    let request = request.validate()?;
    if request.code_challenge.is_none() && client.requires_pkce() {
        return Err(ErrorCode::InvalidRequest
            .because("PKCE is required: send code_challenge with code_challenge_method=S256"));
    }
    if request.prompt.create && !server.registers_users {
        return Err(
            ErrorCode::InvalidRequest.because("people cannot register here: prompt create is not supported")
        );
    }
    // Every session has this class. A request that needs another could not be met by a new sign-in.
    if request
        .claims
        .as_ref()
        .is_some_and(|claims| !claims.accepts_acr(acr::ONE_FACTOR))
    {
        return Err(ErrorCode::UnmetAuthenticationRequirements
            .because("claims asks for a class of authentication that is not available here"));
    }
    let registered = &client.metadata.authorization_details_types;
    server
        .detail_types
        .check(&request.authorization_details, registered)?;
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

    /// The authorization details of the request (RFC 9396), for the consent page.
    pub fn authorization_details(&self) -> &AuthorizationDetails {
        &self.request.authorization_details
    }

    /// The audiences of the tokens that the user is asked for: those that a client is registered for itself. Without any it has those of
    /// the server.
    fn consent_audiences(&self) -> &[Resource] {
        match self.client.metadata.audiences.is_empty() {
            true => &[],
            false => &self.audiences,
        }
    }

    /// True if the decision depends on the consent that is stored for the user and the client, so that the caller has to read
    /// it.
    pub fn reads_consent(&self) -> bool {
        self.client.metadata.require_consent
    }

    fn decide_on_consent(&self, session: &Session<'_>, scope: Scope) -> Decision {
        let details = self.details(&scope);
        let consent_scope = self.consent_scope(&scope, &details);
        if !self.lacks_consent(session, &consent_scope) {
            Decision::IssueCode(Box::new(self.code_grant(scope, details, consent_scope)))
        } else if self.request.prompt.none {
            self.error(ErrorCode::ConsentRequired.because("the person has to allow this"))
        } else {
            Decision::AskConsent { scope: consent_scope }
        }
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

    /// The scope that the user is asked for. A single claim is asked for as the scope that gives it
    /// with the fewest others: what is allowed is stored.
    fn consent_scope(&self, scope: &Scope, details: &GrantDetails) -> Scope {
        let registered = &self.client.metadata.scope;
        let claims = details.claims.of_id_token().chain(details.claims.of_userinfo());
        let of_claims = claims.filter_map(|claim| {
            let of_claims = self.server.claims;
            let scopes: Vec<_> = of_claims
                .with_claim(claim)
                .filter(|token| registered.contains(token))
                .collect();
            if scopes.iter().any(|token| scope.contains(token)) {
                return None;
            }
            let given_by = |token: &&str| of_claims.claims_of(|other| other == *token).len();
            scopes.into_iter().min_by_key(given_by)
        });
        Scope::of(scope.iter().chain(of_claims)).unwrap_or_else(|_| registered.clone())
    }

    /// True if the user has to be asked. A stored consent suffices, unless the client asks for a new one (`prompt=consent`) or
    /// may be another program than the one that the user consented to (RFC 8252 §8.6).
    fn lacks_consent(&self, session: &Session<'_>, scope: &Scope) -> bool {
        let consent = session.consent;
        // The page shows all audiences of the client, and the consent is stored for them.
        let shown = &self.client.metadata.audiences;
        if consent
            .for_request
            .is_some_and(|allowed| allowed.covers(scope, shown))
        {
            return false;
        }
        let asked = self.consent_audiences();
        // Details are allowed one by one: they are about this payment and not about payments.
        let stored = consent.stored.is_some_and(|allowed| allowed.covers(scope, asked))
            && self.request.authorization_details.is_empty();
        self.request.prompt.consent
            || (self.client.metadata.require_consent && !stored)
            || (self.may_be_impersonated() && !session.signed_in_for_request)
    }

    /// True if another program on the device of the user could pretend to be the client: a client without a secret, whose
    /// redirect URI is a loopback address or has a private scheme (RFC 8252 §8.6).
    fn may_be_impersonated(&self) -> bool {
        self.client.metadata.is_public() && RedirectUri::is_of_native_app(&self.target.redirect_uri)
    }

    /// True if the request names no other user by `id_token_hint` or by the claim `sub` (OpenID Connect Core §3.1.2.1, §5.5.1).
    fn expects(&self, subject: &str) -> bool {
        let claims = self.request.claims.as_ref();
        self.hinted_subject
            .as_deref()
            .is_none_or(|hinted| hinted == subject)
            && claims.is_none_or(|claims| claims.accepts_subject(subject))
    }

    fn code_grant(&self, scope: Scope, details: GrantDetails, consent_scope: Scope) -> CodeGrant {
        CodeGrant {
            scope,
            audiences: self.audiences.clone(),
            nonce: self.request.nonce.clone(),
            code_challenge: self.request.code_challenge.clone(),
            dpop_jkt: self.request.dpop_jkt.clone(),
            details,
            consent_scope,
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
