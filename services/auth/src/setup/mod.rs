//! Set-up links, which work once: they make the first administrator, or an invited person chooses a password
//! (SB-11).

#[cfg(test)]
mod tests;

use std::net::IpAddr;

use chassis::clock::SharedClock;
use chassis::db::{Db, DbError};
use chassis::secret::{SecretString, Token};
use contract::SessionEnd;
use url::Url;
use uuid::Uuid;

use crate::accounts::{self, Accounts};
use crate::credentials::{self, Password, Passwords, PersonalContext, Verdict};
use crate::sessions::Sessions;
use crate::setup_links::{self, Purpose, SetUpLinks};
use crate::sign_up::{FieldError, NewAccount, RegisterError, Registered, SignUp};
use crate::subjects::{self, ADMINISTRATORS, Subject};
use crate::throttle::{self, Key, Throttle};

/// The reason why a link had no effect.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The link is unknown, used or expired. The caller cannot tell these apart.
    #[error("this link is not valid any more")]
    NotValid,
    /// The input is invalid. The link stays valid.
    #[error(transparent)]
    Register(#[from] RegisterError),
}

impl From<DbError> for SetupError {
    fn from(error: DbError) -> Self {
        Self::Register(error.into())
    }
}

/// Does what one-time links are for.
#[derive(Clone)]
pub struct SetUp {
    db: Db,
    clock: SharedClock,
    links: SetUpLinks,
    accounts: Accounts,
    sessions: Sessions,
    sign_up: SignUp,
    passwords: Passwords,
    throttle: Throttle,
}

impl SetUp {
    /// A set-up with these links, accounts and sessions.
    pub fn new(
        (db, clock): (Db, SharedClock),
        links: SetUpLinks,
        (accounts, sessions): (Accounts, Sessions),
        sign_up: SignUp,
        passwords: Passwords,
        throttle: Throttle,
    ) -> Self {
        Self {
            db,
            clock,
            links,
            accounts,
            sessions,
            sign_up,
            passwords,
            throttle,
        }
    }

    /// Makes an account for an administrator who calls. An account without a password gets an invitation, with
    /// which the person chooses one.
    ///
    /// # Errors
    /// [`RegisterError::Invalid`] names the fields.
    pub async fn create_account(&self, new: NewAccount) -> Result<(Registered, Option<Url>), RegisterError> {
        let is_invited = new.password.is_none();
        let prepared = self.sign_up.prepare(new).await?;
        let mut tx = self.db.begin("admin_create_user").await?;
        self.sign_up.record(&prepared, &mut tx).await?;
        let link = match is_invited {
            true => Some(self.links.issue_invitation(&mut tx, prepared.id()).await?),
            false => None,
        };
        tx.commit().await?;
        Ok((self.sign_up.submit(prepared).await?, link))
    }

    /// Makes the first administrator with a set-up link, which works once.
    ///
    /// # Errors
    /// [`SetupError::NotValid`] when the link is invalid. The input is validated only with a valid link.
    pub async fn make_administrator(
        &self,
        token: &Token,
        mut new: NewAccount,
        ip: Option<IpAddr>,
    ) -> Result<Registered, SetupError> {
        if self.links.inspect(token).await? != Some(Purpose::Administrator) {
            return Err(SetupError::NotValid);
        }
        if new.password.is_none() {
            return Err(missing_password().into());
        }
        new.groups = vec![ADMINISTRATORS.to_owned()];
        let prepared = self.throttled(ip, self.sign_up.prepare(new)).await?;
        let mut tx = self.db.begin("make_administrator").await?;
        let now = self.clock.now();
        if !setup_links::consume_administrator_link(&mut tx, &token.hash(), prepared.id(), now).await?
            || subjects::has_administrator(&mut tx).await?
        {
            return Err(SetupError::NotValid);
        }
        self.sign_up.record(&prepared, &mut tx).await?;
        tx.commit().await?;
        let done = self.sign_up.submit(prepared).await?;
        tracing::info!(event.action = "administrator-created", event.outcome = "success", user.target.id = %done.id, "first administrator created with the set-up link");
        Ok(done)
    }

    /// Runs `work`, which checks a password, and counts it for the source like a sign-in (SB-43).
    async fn throttled<T>(
        &self,
        ip: Option<IpAddr>,
        work: impl Future<Output = Result<T, RegisterError>>,
    ) -> Result<T, RegisterError> {
        let guess = self.throttle.reserve_source(ip).await?;
        let outcome = work.await;
        let failed = matches!(outcome, Err(RegisterError::Invalid(_)));
        self.throttle.settle(guess, failed).await?;
        outcome
    }

    /// Sets the password of an account with its invitation, once, and clears the failures of the account. A new
    /// password ends all sessions and grants. When the typed password is the current one, it stays and so do the
    /// sessions, unless its hash is an imported or outdated one. Returns the account.
    ///
    /// # Errors
    /// [`SetupError::NotValid`] when the link is invalid. The password is checked only with a valid link.
    pub async fn choose_password(
        &self,
        token: &Token,
        password: SecretString,
        ip: Option<IpAddr>,
    ) -> Result<Uuid, SetupError> {
        let account = self
            .links
            .invited_account(&token.hash())
            .await?
            .ok_or(SetupError::NotValid)?;
        let mut reader = self.db.reader().await?;
        let subject = subjects::find(&mut reader, account).await?;
        let stored = credentials::find_hash(&mut reader, account).await?;
        drop(reader);
        let known = personal_context(subject.as_ref());
        let new = self.throttled(ip, async {
            match self.is_current_password(&password, stored.as_deref()).await? {
                true => Ok(None),
                false => self.hash_new(&password, &known).await.map(Some),
            }
        });
        let new = new.await?;
        let mut tx = self.db.begin("choose_password").await?;
        let now = self.clock.now();
        // The account is locked first, in the same order as its erasure.
        if !accounts::lock(&mut tx, account).await?
            || setup_links::consume_invitation(&mut tx, &token.hash(), now).await? != Some(account)
        {
            return Err(SetupError::NotValid);
        }
        if let Some(hash) = &new {
            credentials::set_password(&mut tx, account, hash, now).await?;
            self.sessions
                .end_all(&mut tx, account, SessionEnd::PasswordChanged)
                .await?;
        }
        throttle::clear(&mut tx, &Key::devices(account)).await?;
        if let Some(subject) = &subject {
            throttle::clear(&mut tx, &Key::account(subject.claims.user_name.key())).await?;
        }
        if new.is_some() {
            self.accounts.append_password_added(&mut tx, account).await?;
        }
        tx.commit().await?;
        tracing::info!(event.action = "password-chosen", event.outcome = "success", user.id = %account, "password chosen with a set-up link");
        Ok(account)
    }

    /// True if `typed` is the current password of the account.
    async fn is_current_password(
        &self,
        typed: &SecretString,
        stored: Option<&str>,
    ) -> Result<bool, RegisterError> {
        let (Some(password), Some(stored)) = (Password::new(typed), stored) else {
            return Ok(false);
        };
        // A password with an imported or outdated hash is checked and hashed as a new one.
        let verdict = self.passwords.verify(password, Some(stored)).await?;
        Ok(matches!(verdict, Verdict::Match { outdated: false }))
    }

    async fn hash_new(
        &self,
        typed: &SecretString,
        person: &PersonalContext<'_>,
    ) -> Result<String, RegisterError> {
        let password = self.passwords.check_length(typed)?;
        Ok(self.passwords.check_and_hash(password, person).await?)
    }
}

fn missing_password() -> RegisterError {
    RegisterError::Invalid(vec![FieldError {
        field: "password",
        detail: "choose a password".to_owned(),
    }])
}

fn personal_context(subject: Option<&Subject>) -> PersonalContext<'_> {
    subject.map_or_else(PersonalContext::default, |subject| PersonalContext {
        user_name: &subject.user_name,
        email: subject.claims.emails.first().map(|email| email.value.as_str()),
        name: Some(&subject.claims.name),
    })
}
