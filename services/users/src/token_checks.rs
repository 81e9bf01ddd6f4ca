//! Checks of a verified access token: its grant may have been revoked, or its user deactivated (SB-47).

use std::time::Duration;

use chassis::access::AccessToken;
use chassis::db::{Db, DbError};
use chassis::http::Problem;
use contract::UserId;
use http::StatusCode;
use http::header::WWW_AUTHENTICATE;

use crate::revocations::Revocations;
use crate::{groups, users};

/// The reason why a token is refused though it verifies.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenRefused {
    /// It was revoked, or its user may no longer do what it is for.
    #[error("the token is no longer valid")]
    NoLongerValid,
    /// `auth` was not heard for five seconds.
    #[error("the authentication service is not heard")]
    Unknown,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// The data that tokens are checked with. Cheap to clone.
#[derive(Clone)]
pub(crate) struct TokenChecks {
    db: Db,
    revocations: Revocations,
    registrar: String,
}

impl TokenChecks {
    /// `registrar` is the OAuth client that may register users: `auth` itself.
    pub(crate) fn new(db: Db, revocations: Revocations, registrar: String) -> Self {
        Self {
            db,
            revocations,
            registrar,
        }
    }

    /// True if a client is `auth` itself.
    pub(crate) fn is_registrar(&self, client: Option<&str>) -> bool {
        client == Some(self.registrar.as_str())
    }

    /// True if `token` was revoked, as far as is known.
    pub(crate) fn is_revoked(&self, token: &AccessToken) -> bool {
        self.revocations.contains(token)
    }

    /// Checks a token with a privileged scope.
    ///
    /// # Errors
    /// See [`TokenRefused`].
    pub(crate) async fn check_privileged(&self, token: &AccessToken) -> Result<(), TokenRefused> {
        // Nobody revokes the tokens of `auth`, and that it asks shows that it is there.
        if token.is_of_client() && self.is_registrar(Some(&token.client_id)) {
            return Ok(());
        }
        if self.is_revoked(token) {
            return Err(TokenRefused::NoLongerValid);
        }
        if !self.revocations.becomes_fresh().await {
            return Err(TokenRefused::Unknown);
        }
        // RFC 9068 §2.2: a client that acts for itself is its own subject.
        if token.is_of_client() {
            return Ok(());
        }
        let id = user_of(token).ok_or(TokenRefused::NoLongerValid)?;
        let mut reader = self.db.reader().await?;
        let active = users::find_stored(&mut reader, id)
            .await?
            .is_some_and(|user| user.active);
        if active && groups::is_administrator(&mut reader, id).await? {
            Ok(())
        } else {
            Err(TokenRefused::NoLongerValid)
        }
    }
}

/// The user whose token it is; nothing for a client that acts for itself.
pub(crate) fn user_of(token: &AccessToken) -> Option<UserId> {
    if token.is_of_client() {
        return None;
    }
    token.subject.parse().ok()
}

/// RFC 6750 §3.1: `invalid_token` is also for a token that was revoked.
impl From<TokenRefused> for Problem {
    fn from(refused: TokenRefused) -> Self {
        match refused {
            TokenRefused::NoLongerValid => Self::new(
                StatusCode::UNAUTHORIZED,
                "unauthorized",
                "Authentication is needed",
            )
            .detail("This token is no longer valid.")
            .header(
                WWW_AUTHENTICATE,
                "Bearer error=\"invalid_token\", error_description=\"the token is no longer valid\"",
            ),
            TokenRefused::Unknown => Self::unavailable(Duration::from_secs(1)).detail(
                "The authentication service is not heard; whether this token was revoked cannot be told.",
            ),
            TokenRefused::Db(error) => error.into(),
        }
    }
}
