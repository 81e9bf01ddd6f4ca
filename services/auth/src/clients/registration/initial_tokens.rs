//! Initial access tokens: the right to register some clients (RFC 7591 §3).

use std::time::Duration;

use chassis::clock::Timestamp;
use chassis::db::DbError;
use chassis::secret::Token;
use uuid::Uuid;

use super::{ClientRegistration, store};

/// The most initial access tokens at a time.
const MAX_TOKENS: i64 = 1000;
/// The most clients that one token registers.
pub(crate) const MAX_USES: u32 = 10_000;
/// The longest life of a token in hours.
pub(crate) const MAX_HOURS: u32 = 24 * 366;

/// An initial access token, without the token itself.
#[derive(Clone, Debug)]
pub struct InitialAccessToken {
    /// Its id.
    pub id: Uuid,
    /// The name for administrators.
    pub name: String,
    /// The number of clients that it registers.
    pub max_uses: i64,
    /// The number of clients that it has registered.
    pub uses: i64,
    /// The time at which it was made.
    pub created_at: Timestamp,
    /// The time until which it is good.
    pub expires_at: Timestamp,
}

/// The properties of a new initial access token.
#[derive(Clone, Debug)]
pub struct NewInitialToken {
    /// The name for administrators.
    pub name: String,
    /// The number of clients that it registers.
    pub uses: u32,
    /// The hours for which it is good.
    pub hours: u32,
}

/// An initial access token was not made.
#[derive(Debug, thiserror::Error)]
pub enum InitialTokenError {
    /// A value is out of range.
    #[error("{field}: {detail}")]
    Invalid {
        /// The member.
        field: &'static str,
        /// The problem with it.
        detail: &'static str,
    },
    /// There are too many.
    #[error("there are {MAX_TOKENS} initial access tokens already")]
    TooMany,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl ClientRegistration {
    /// Makes an initial access token.
    ///
    /// # Errors
    /// See [`InitialTokenError`].
    pub async fn create_initial_token(
        &self,
        new: NewInitialToken,
    ) -> Result<(InitialAccessToken, Token), InitialTokenError> {
        let invalid = |field, detail| Err(InitialTokenError::Invalid { field, detail });
        let name = new.name.trim();
        if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
            return invalid("name", "expected 1 to 100 printable characters");
        }
        if !(1..=MAX_USES).contains(&new.uses) {
            return invalid("uses", "expected a number from 1 to 10000");
        }
        if !(1..=MAX_HOURS).contains(&new.hours) {
            return invalid("expires_in_hours", "expected a number from 1 to 8784");
        }
        let (clock, random) = (&self.clients.clock, &self.clients.random);
        let (now, secret) = (clock.now(), random.token());
        let token = InitialAccessToken {
            id: random.uuid(&**clock),
            name: name.to_owned(),
            max_uses: i64::from(new.uses),
            uses: 0,
            created_at: now,
            expires_at: now + Duration::from_secs(u64::from(new.hours) * 3600),
        };
        let mut tx = self.clients.db.begin("create_initial_token").await?;
        if store::count(&mut tx).await? >= MAX_TOKENS {
            return Err(InitialTokenError::TooMany);
        }
        store::insert(&mut tx, &token, &secret.hash()).await?;
        tx.commit().await?;
        Ok((token, secret))
    }

    /// The initial access tokens, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn initial_tokens(&self) -> Result<Vec<InitialAccessToken>, DbError> {
        store::list(&mut self.clients.db.reader().await?).await
    }

    /// Deletes an initial access token. Returns whether there was one. The clients that it registered stay.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_initial_token(&self, id: Uuid) -> Result<bool, DbError> {
        let mut tx = self.clients.db.begin("delete_initial_token").await?;
        let deleted = store::delete(&mut tx, id).await?;
        tx.commit().await?;
        Ok(deleted)
    }
}
