//! Checks of a verified access token: its grant may have been revoked, or its user deactivated (SB-47).

use std::sync::Arc;
use std::time::Duration;

use chassis::access::{AccessToken, Scheme, invalid_token};
use chassis::db::{Db, DbError, Reader};
use chassis::http::Problem;
use contract::UserId;

use crate::authority::Authority;
use crate::delegations::{Delegations, DelegationsTo};
use crate::revocations::Revocations;
use crate::{groups, users};

/// The reason why a token is refused though it verifies.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenRefused {
    /// It was revoked, or its user may no longer do what it is for.
    #[error("the token is no longer valid")]
    NoLongerValid(Scheme),
    /// `auth` was not heard for five seconds.
    #[error("the authentication service is not heard")]
    Unknown,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl TokenRefused {
    /// The refusal of a token that is no longer valid.
    pub(crate) fn no_longer_valid(token: &AccessToken) -> Self {
        Self::NoLongerValid(Scheme::of(token))
    }
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
            return Err(TokenRefused::no_longer_valid(token));
        }
        if !self.revocations.becomes_fresh().await {
            return Err(TokenRefused::Unknown);
        }
        // RFC 9068 §2.2: a client that acts for itself is its own subject.
        if token.is_of_client() {
            return Ok(());
        }
        let mut reader = self.db.reader().await?;
        let id = active_user(&mut reader, token).await?;
        match groups::is_administrator(&mut reader, id).await? {
            true => Ok(()),
            false => Err(TokenRefused::no_longer_valid(token)),
        }
    }

    /// Checks a person's token with the scope for what is delegated, and reads what that is at this moment; `None` when it is
    /// nothing.
    ///
    /// # Errors
    /// See [`TokenRefused`].
    pub(crate) async fn check_delegated(
        &self,
        token: &AccessToken,
        delegations: &Delegations,
    ) -> Result<Option<Authority>, TokenRefused> {
        if self.is_revoked(token) {
            return Err(TokenRefused::no_longer_valid(token));
        }
        if !self.revocations.becomes_fresh().await {
            return Err(TokenRefused::Unknown);
        }
        let mut reader = self.db.reader().await?;
        let id = active_user(&mut reader, token).await?;
        let authority = delegations.authority_of(&mut reader, id).await?;
        let source = DelegationsTo {
            delegations: delegations.clone(),
            user: id,
        };
        Ok(authority.map(|authority| authority.with_source(Arc::new(source))))
    }
}

/// The user whose token it is, who is active.
async fn active_user(reader: &mut Reader, token: &AccessToken) -> Result<UserId, TokenRefused> {
    let id = user_of(token).ok_or_else(|| TokenRefused::no_longer_valid(token))?;
    let found = users::find_stored(reader, id).await?;
    match found.is_some_and(|user| user.active) {
        true => Ok(id),
        false => Err(TokenRefused::no_longer_valid(token)),
    }
}

/// The user whose token it is; nothing for a client that acts for itself.
pub(crate) fn user_of(token: &AccessToken) -> Option<UserId> {
    if token.is_of_client() {
        return None;
    }
    token.subject.parse().ok()
}

/// RFC 6750 §3.1, RFC 9449 §7.1: `invalid_token` is also for a token that was revoked.
impl From<TokenRefused> for Problem {
    fn from(refused: TokenRefused) -> Self {
        match refused {
            TokenRefused::NoLongerValid(scheme) => invalid_token(scheme, "This token is no longer valid."),
            TokenRefused::Unknown => Self::unavailable(Duration::from_secs(1)).detail(
                "The authentication service is not heard; whether this token was revoked cannot be told.",
            ),
            TokenRefused::Db(error) => error.into(),
        }
    }
}
