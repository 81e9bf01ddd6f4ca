//! Permissions as extractors: a handler that takes a [`Scoped`] cannot forget the check.

use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use ::http::header::AUTHORIZATION;
use ::http::request::Parts;
use axum::extract::FromRequestParts;

use super::{AccessError, AccessToken, BoxFuture, Verifier};
use crate::http::{BodyLimit, Problem};
use crate::telemetry::set_token_holder;

/// Router state with a token verifier.
pub trait HasVerifier {
    /// The verifier.
    fn verifier(&self) -> &Verifier;

    /// Checks that a verified token is not revoked. Long-lived requests check it every few seconds (SB-47). The default
    /// knows no revocations: a token is valid until it expires.
    ///
    /// # Errors
    /// The response: 401 if the grant, user or client of the token is gone; 503 if that cannot be determined.
    fn recheck<'a>(&'a self, token: &'a AccessToken) -> BoxFuture<'a, Result<(), Problem>> {
        let _ = token;
        Box::pin(async { Ok(()) })
    }
}

impl<T: HasVerifier + ?Sized> HasVerifier for Arc<T> {
    fn verifier(&self) -> &Verifier {
        (**self).verifier()
    }

    fn recheck<'a>(&'a self, token: &'a AccessToken) -> BoxFuture<'a, Result<(), Problem>> {
        (**self).recheck(token)
    }
}

impl HasVerifier for Verifier {
    fn verifier(&self) -> &Verifier {
        self
    }
}

/// A scope that a route requires.
pub trait Scope: Send + Sync + 'static {
    /// The scope token, as in the claim `scope`.
    const NAME: &'static str;
}

macro_rules! scopes {
    ($($(#[$doc:meta])* $scope:ident = $name:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $scope;

        impl Scope for $scope {
            const NAME: &'static str = $name;
        }
    )*};
}

scopes! {
    /// `users:read`: read the directory.
    UsersRead = "users:read";
    /// `users:write`: change the directory.
    UsersWrite = "users:write";
    /// `groups:read`: read the groups and their members.
    GroupsRead = "groups:read";
    /// `groups:write`: change the groups and their members.
    GroupsWrite = "groups:write";
    /// `events:read`: read the feed.
    EventsRead = "events:read";
    /// `admin`: administer.
    Admin = "admin";
    /// `openid`: the user's own data.
    OpenId = "openid";
}

/// The challenge to a request without a token. RFC 6750 §3 requires a parameter after the scheme, and §3.1 asks for no
/// error code here.
const CHALLENGE: &str = r#"Bearer realm="vestibule""#;

/// A valid access token in `Authorization: Bearer` (RFC 6750 §2.1). The rejection is 401.
#[derive(Clone, Debug)]
pub struct Bearer(pub Arc<AccessToken>);

/// A valid access token with the scope `S`. The rejection is 401 without the token, 403 without the scope.
#[derive(Clone, Debug)]
pub struct Scoped<S> {
    /// The token.
    pub token: Arc<AccessToken>,
    scope: PhantomData<S>,
}

impl<S> Deref for Scoped<S> {
    type Target = AccessToken;

    fn deref(&self) -> &AccessToken {
        &self.token
    }
}

impl Deref for Bearer {
    type Target = AccessToken;

    fn deref(&self) -> &AccessToken {
        &self.0
    }
}

impl<St: HasVerifier + Sync> FromRequestParts<St> for Bearer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &St) -> Result<Self, Problem> {
        let token = bearer_token(parts)?;
        match state.verifier().verify(token).await {
            Ok(token) => {
                set_token_holder(&token.subject, &token.client_id);
                Ok(Self(token))
            }
            Err(AccessError::Invalid(reason)) => {
                Err(Problem::unauthorized(r#"Bearer error="invalid_token""#).detail(format!("{reason}.")))
            }
            Err(AccessError::Unavailable(_)) => Err(Problem::unavailable(Duration::from_secs(1))
                .detail("The keys that tokens are verified with are not known yet.")),
        }
    }
}

impl<St: HasVerifier + Sync, S: Scope> FromRequestParts<St> for Scoped<S> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &St) -> Result<Self, Problem> {
        let Bearer(token) = Bearer::from_request_parts(parts, state).await?;
        if !token.allows(S::NAME) {
            return Err(insufficient_scope(S::NAME));
        }
        // SB-43: from here on the body may be large.
        if let Some(limit) = parts.extensions.get::<BodyLimit>() {
            limit.allow_large_body();
        }
        Ok(Self {
            token,
            scope: PhantomData,
        })
    }
}

/// The token of the single `Authorization` header.
fn bearer_token(parts: &Parts) -> Result<&str, Problem> {
    let mut values = parts.headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        // RFC 6750 §3.1: without any authentication, no error code.
        return Err(
            Problem::unauthorized(CHALLENGE).detail("Send an access token: Authorization: Bearer TOKEN.")
        );
    };
    let malformed = || {
        Problem::bad_request("The Authorization header is not `Bearer TOKEN`, once.").header(
            ::http::header::WWW_AUTHENTICATE,
            r#"Bearer error="invalid_request""#,
        )
    };
    if values.next().is_some() {
        return Err(malformed());
    }
    let value = value.to_str().map_err(|_| malformed())?;
    let (scheme, token) = value.split_once(' ').ok_or_else(malformed)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Problem::unauthorized(CHALLENGE).detail("Only the scheme Bearer is known here."));
    }
    let token = token.trim();
    if token.is_empty() || token.contains(' ') {
        return Err(malformed());
    }
    Ok(token)
}

/// 403 `insufficient_scope`, with the required scope (RFC 6750 §3.1).
fn insufficient_scope(scope: &'static str) -> Problem {
    Problem::forbidden(format!("The token lacks the scope {scope}."))
        .with("scope", scope)
        .header(
            ::http::header::WWW_AUTHENTICATE,
            &format!(r#"Bearer error="insufficient_scope", scope="{scope}""#),
        )
}
