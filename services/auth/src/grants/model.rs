//! What is granted, and why it is not.

use chassis::clock::Timestamp;
use chassis::db::DbError;
use oidc::error::{ErrorCode, OAuthError};
use oidc::jose::SignError;
use oidc::resource::Resource;
use oidc::scope::Scope;
use uuid::Uuid;

use crate::app::App;
use crate::clients::{Client, GrantType};
use crate::subjects::Subject;

/// Scopes that only administrators may pass on to a client, and clients of their own only by registration.
const PRIVILEGED_SCOPES: [&str; 6] = [
    "admin",
    "users:read",
    "users:write",
    "groups:read",
    "groups:write",
    "events:read",
];

/// Scopes that mean nothing without a person.
const SUBJECT_ONLY_SCOPES: [&str; 2] = ["openid", "offline_access"];

/// A person, signed in, lets a client in.
#[derive(Clone, Debug)]
pub struct Grant {
    /// The person.
    pub subject: Uuid,
    /// What is granted: see [`subject_scope`].
    pub scope: Scope,
    /// The services that the tokens are for: see [`audiences`].
    pub audiences: Vec<Resource>,
    /// The session, at whose end the grant ends unless it has `offline_access`.
    pub session_id: Option<Uuid>,
    /// When the person proved who they are.
    pub auth_time: Timestamp,
    /// How (RFC 8176).
    pub amr: Vec<String>,
    /// From the authorization request, for the ID token.
    pub nonce: Option<String>,
}

/// Why there are no tokens.
#[derive(Debug, thiserror::Error)]
pub enum GrantError {
    /// What the client is told.
    #[error(transparent)]
    OAuth(#[from] OAuthError),
    /// A token could not be signed.
    #[error("a token could not be signed")]
    Sign(#[from] SignError),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// The code or token is not good. One sentence for every reason: it tells nobody how near they were.
pub(super) fn invalid_grant() -> GrantError {
    ErrorCode::InvalidGrant
        .because("the code or token is unknown, expired, used or not for this client")
        .into()
}

/// Whether a person needs to administer to pass `scope` on.
pub(crate) fn is_privileged(scope: &str) -> bool {
    PRIVILEGED_SCOPES.contains(&scope)
}

/// What a client is given that names no scope: of what it is registered for, all that is neither privileged nor outlives
/// the session. That much is given to nobody unasked (SB-48).
fn default_scope(registered: &Scope) -> Result<Scope, OAuthError> {
    let modest = |token: &&str| !is_privileged(token) && *token != "offline_access";
    Ok(Scope::of(registered.iter().filter(modest))?)
}

/// What a person may grant to a client of what it asks for; a client that asks for nothing gets what is modest of what
/// it is registered for. What is not known is passed over (OpenID Connect Core §3.1.2.1).
///
/// # Errors
/// `invalid_scope` when nothing is left.
pub fn subject_scope(client: &Client, subject: &Subject, asked: &Scope) -> Result<Scope, OAuthError> {
    let registered = &client.metadata.scope;
    let default = default_scope(registered)?;
    let asked = if asked.is_empty() { &default } else { asked };
    let administrator = subject.is_administrator();
    let may_refresh = client.may_use(GrantType::RefreshToken);
    let granted = asked.iter().filter(|token| {
        registered.contains(token)
            && (administrator || !is_privileged(token))
            && (may_refresh || *token != "offline_access")
    });
    let granted = Scope::of(granted)?;
    if granted.is_empty() && !registered.is_empty() {
        return Err(ErrorCode::InvalidScope.because("the client may have none of these scopes"));
    }
    Ok(granted)
}

/// What a client may have for itself: nothing that stands for a person, whatever it is registered for, and nothing
/// privileged that it does not name.
///
/// # Errors
/// `invalid_scope` when it asks for more than it is registered for, or for nothing and there is nothing to be had that
/// is not privileged.
pub fn client_scope(client: &Client, asked: Option<&Scope>) -> Result<Scope, OAuthError> {
    let registered = &client.metadata.scope;
    let impersonal =
        |scope: &Scope| Scope::of(scope.iter().filter(|token| !SUBJECT_ONLY_SCOPES.contains(token)));
    if let Some(asked) = asked.filter(|asked| !asked.is_empty()) {
        if !registered.covers(asked) {
            return Err(ErrorCode::InvalidScope.because("the client is not registered for these scopes"));
        }
        return Ok(impersonal(asked)?);
    }
    let granted = impersonal(&default_scope(registered)?)?;
    if granted.is_empty() && registered.iter().any(is_privileged) {
        return Err(
            ErrorCode::InvalidScope.because("the parameter scope must name the scopes that are wanted")
        );
    }
    Ok(granted)
}

/// The services that a token will be for: those asked for, or all that the client may reach (RFC 8707 §2).
///
/// # Errors
/// `invalid_target` for a service that is not the client's.
pub fn audiences(app: &App, client: &Client, asked: &[Resource]) -> Result<Vec<Resource>, OAuthError> {
    let registered = &client.metadata.audiences;
    let reachable = if registered.is_empty() {
        app.issuer.audiences()
    } else {
        registered
    };
    narrow_audiences(reachable, asked)
}

/// `asked`, if all of it is in `reachable`; all of `reachable` if nothing is asked.
pub(super) fn narrow_audiences(
    reachable: &[Resource],
    asked: &[Resource],
) -> Result<Vec<Resource>, OAuthError> {
    if asked.is_empty() {
        return Ok(reachable.to_vec());
    }
    if asked.iter().all(|resource| reachable.contains(resource)) {
        Ok(asked.to_vec())
    } else {
        Err(ErrorCode::InvalidTarget.because("the client may not ask for a token for this resource"))
    }
}
