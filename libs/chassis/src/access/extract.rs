//! Permissions as extractors: a handler that takes a [`Scoped`] cannot forget the check.

use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use ::http::header::AUTHORIZATION;
use ::http::request::Parts;
use axum::extract::FromRequestParts;

use super::challenge::{CHALLENGE, Scheme, invalid_token, lacks_scope};
use super::possession::check_possession;
use super::{AccessError, AccessToken, BoxFuture, Scope, Verifier};
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

/// A valid access token in `Authorization`: `Bearer` (RFC 6750 §2.1), or `DPoP` with a proof if it is bound to a key (RFC 9449
/// §7.1). The rejection is 401.
#[derive(Clone, Debug)]
pub struct Bearer(pub Arc<AccessToken>);

/// The token of a request, an extension of it. A proof is used once, and several extractors want the token.
#[derive(Clone)]
struct CheckedToken(Arc<AccessToken>);

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
        if let Some(CheckedToken(token)) = parts.extensions.get() {
            return Ok(Self(Arc::clone(token)));
        }
        let (scheme, presented) = presented_token(parts)?;
        match state.verifier().verify(presented).await {
            Ok(token) => {
                check_possession(state.verifier(), parts, scheme, presented, &token)?;
                set_token_holder(&token.subject, &token.client_id);
                parts.extensions.insert(CheckedToken(Arc::clone(&token)));
                Ok(Self(token))
            }
            Err(AccessError::Invalid(reason)) => Err(invalid_token(scheme, format!("{reason}."))),
            Err(AccessError::Unavailable(_)) => Err(Problem::unavailable(Duration::from_secs(1))
                .detail("The keys that tokens are verified with are not known yet.")),
        }
    }
}

impl<St: HasVerifier + Sync, S: Scope> FromRequestParts<St> for Scoped<S> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &St) -> Result<Self, Problem> {
        let Bearer(token) = Bearer::from_request_parts(parts, state).await?;
        if !S::is_in(&token) {
            return Err(lacks_scope(Scheme::of(&token), S::NAME));
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

/// The token of the single `Authorization` header with the scheme `Bearer` (RFC 6750 §2.1). `None` with the scheme `DPoP`, whose
/// proof [`Bearer`] checks.
///
/// # Errors
/// 401 without a token, 400 for a header that cannot be read.
pub fn bearer_token(parts: &Parts) -> Result<Option<&str>, Problem> {
    let (scheme, token) = presented_token(parts)?;
    Ok(Some(token).filter(|_| scheme == Scheme::Bearer))
}

fn presented_token(parts: &Parts) -> Result<(Scheme, &str), Problem> {
    let mut values = parts.headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        // RFC 6750 §3.1: without any authentication, no error code.
        return Err(
            Problem::unauthorized(CHALLENGE).detail("Send an access token: Authorization: Bearer TOKEN.")
        );
    };
    let malformed = || {
        Problem::bad_request("The Authorization header is not `Bearer TOKEN` or `DPoP TOKEN`, once.").header(
            ::http::header::WWW_AUTHENTICATE,
            r#"Bearer error="invalid_request""#,
        )
    };
    if values.next().is_some() {
        return Err(malformed());
    }
    let value = value.to_str().map_err(|_| malformed())?;
    // Without a space it is the name of a scheme (RFC 9110 §11.4), and hardly ever ours.
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    let scheme = if scheme.eq_ignore_ascii_case("bearer") {
        Scheme::Bearer
    } else if scheme.eq_ignore_ascii_case("dpop") {
        Scheme::Dpop
    } else {
        return Err(
            Problem::unauthorized(CHALLENGE).detail("Only the schemes Bearer and DPoP are known here.")
        );
    };
    let token = token.trim();
    if token.is_empty() || token.contains(' ') {
        return Err(malformed());
    }
    Ok((scheme, token))
}
