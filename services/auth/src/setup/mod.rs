//! One-time links: the set-up link, which makes the first administrator, and invitations to choose a
//! password.
//!
//! There are no default credentials (SB-11). As long as there is no administrator, every start of the service
//! logs a new set-up link and invalidates earlier ones. A link works once and for a day. When its
//! registration is rejected, for example because the name is taken, the link is valid again.

pub(crate) mod store;
#[cfg(test)]
mod tests;

use std::net::IpAddr;
use std::time::Duration;

use chassis::clock::SKEW;
use chassis::db::{DbError, Tx};
use chassis::secret::{SecretString, Token};
use contract::SessionEnd;
use url::Url;
use uuid::Uuid;

use crate::app::App;
use crate::credentials::{Password, Verdict};
use crate::registration::{self, FieldError, NewAccount, PersonalContext, RegisterError, Registered};
use crate::subjects::{self, ADMINISTRATORS, Subject};
use crate::throttle::{self, Key};
use crate::{accounts, credentials, sessions};

/// The lifetime of a set-up link.
pub const SETUP_LINK_LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// The lifetime of an invitation.
pub const INVITATION_LIFETIME: Duration = Duration::from_secs(72 * 3600);

/// The purpose of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// It makes the first administrator.
    Administrator,
    /// It sets the password of an account.
    Invitation {
        /// The user name of the account. It is `None` while the registration is pending.
        user_name: Option<String>,
    },
}

/// Why a link had no effect.
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

/// Issues a new set-up link for the operator when there is no administrator. Earlier ones become invalid. Of
/// replicas that start at the same moment, one issues a link and the others get `None`.
///
/// # Errors
/// When the database fails.
pub async fn issue_setup_link(app: &App) -> Result<Option<Url>, DbError> {
    let mut tx = app.db.begin("setup_link").await?;
    let before = store::unused_administrator_link(&mut tx).await?;
    store::lock(&mut tx).await?;
    if subjects::store::has_administrator(&mut tx).await? || store::is_administrator_pending(&mut tx).await? {
        return Ok(None);
    }
    let open = store::unused_administrator_link(&mut tx).await?;
    if open.is_some() && open != before {
        // Another replica has issued it while this one waited, and shows it. It stays valid.
        return Ok(None);
    }
    store::delete_unused_administrator_links(&mut tx).await?;
    let now = app.clock.now();
    let token = app.random.token();
    store::insert(&mut tx, &token.hash(), None, now, now + SETUP_LINK_LIFETIME).await?;
    tx.commit().await?;
    Ok(Some(setup_url(app, &token)))
}

/// Issues an invitation, with which the password of an account can be set. Earlier invitations of the account
/// become invalid.
///
/// # Errors
/// When the database fails.
pub async fn issue_invitation(app: &App, tx: &mut Tx, account: Uuid) -> Result<Url, DbError> {
    let now = app.clock.now();
    let token = app.random.token();
    accounts::store::lock(tx, account).await?;
    store::delete_by_account(tx, account).await?;
    store::insert(tx, &token.hash(), Some(account), now, now + INVITATION_LIFETIME).await?;
    Ok(setup_url(app, &token))
}

fn setup_url(app: &App, token: &Token) -> Url {
    let mut url = app.settings.issuer.url().clone();
    url.set_path(&app.settings.issuer.local("/setup"));
    url.query_pairs_mut().append_pair("token", token.expose());
    url
}

/// The purpose of a valid link. It changes nothing.
///
/// # Errors
/// When the database fails.
pub async fn inspect(app: &App, token: &Token) -> Result<Option<Purpose>, DbError> {
    let mut reader = app.db.reader().await?;
    let Some(link) = store::find(&mut reader, &token.hash(), app.clock.now()).await? else {
        return Ok(None);
    };
    match link.account_id {
        Some(account) => {
            let subject = subjects::find(&mut reader, account).await?;
            let user_name = subject.map(|subject| subject.user_name);
            Ok(Some(Purpose::Invitation { user_name }))
        }
        None if subjects::store::has_administrator(&mut reader).await? => Ok(None),
        None => Ok(Some(Purpose::Administrator)),
    }
}

/// Makes the first administrator with a set-up link, which works once.
///
/// # Errors
/// [`SetupError::NotValid`] when the link is invalid. The input is validated only with a valid link.
pub async fn make_administrator(
    app: &App,
    token: &Token,
    mut new: NewAccount,
    ip: Option<IpAddr>,
) -> Result<Registered, SetupError> {
    if inspect(app, token).await? != Some(Purpose::Administrator) {
        return Err(SetupError::NotValid);
    }
    if new.password.is_none() {
        return Err(missing_password().into());
    }
    new.groups = vec![ADMINISTRATORS.to_owned()];
    let prepared = throttled(app, ip, registration::prepare(app, new)).await?;
    let mut tx = app.db.begin("make_administrator").await?;
    let now = app.clock.now();
    if !store::consume_administrator_link(&mut tx, &token.hash(), prepared.id(), now).await?
        || subjects::store::has_administrator(&mut tx).await?
    {
        return Err(SetupError::NotValid);
    }
    prepared.record(app, &mut tx).await?;
    tx.commit().await?;
    let done = registration::submit(app, prepared).await?;
    tracing::info!(event.action = "administrator-created", event.outcome = "success", user.target.id = %done.id, "the set-up link made the first administrator");
    Ok(done)
}

fn missing_password() -> RegisterError {
    RegisterError::Invalid(vec![FieldError {
        field: "password",
        detail: "choose a password".to_owned(),
    }])
}

/// Runs `work`, which checks a password, and counts it for the source like a sign-in (SB-43).
async fn throttled<T>(
    app: &App,
    ip: Option<IpAddr>,
    work: impl Future<Output = Result<T, RegisterError>>,
) -> Result<T, RegisterError> {
    let guess = app.throttle.reserve_source(ip).await?;
    let outcome = work.await;
    let failed = matches!(outcome, Err(RegisterError::Invalid(_)));
    app.throttle.settle(guess, failed).await?;
    outcome
}

/// Sets the password of an account with its invitation, once, and clears the failures of the account. A new
/// password ends all sessions and grants. When the typed password is the current one, it stays and so do the
/// sessions. Returns the account.
///
/// # Errors
/// [`SetupError::NotValid`] when the link is invalid. The password is checked only with a valid link.
pub async fn choose_password(
    app: &App,
    token: &Token,
    password: SecretString,
    ip: Option<IpAddr>,
) -> Result<Uuid, SetupError> {
    let mut reader = app.db.reader().await?;
    let link = store::find(&mut reader, &token.hash(), app.clock.now()).await?;
    let account = link
        .and_then(|link| link.account_id)
        .ok_or(SetupError::NotValid)?;
    let subject = subjects::find(&mut reader, account).await?;
    let stored = credentials::store::find_hash(&mut reader, account).await?;
    drop(reader);
    let known = personal_context(subject.as_ref());
    let new = throttled(app, ip, async {
        match is_current_password(app, &password, stored.as_deref()).await? {
            true => Ok(None),
            false => registration::hash_new_password(app, &password, &known)
                .await
                .map(Some),
        }
    });
    let new = new.await?;
    let mut tx = app.db.begin("choose_password").await?;
    let now = app.clock.now();
    // The account is locked first, in the same order as its erasure.
    if !accounts::store::lock(&mut tx, account).await?
        || store::consume_invitation(&mut tx, &token.hash(), now).await? != Some(account)
    {
        return Err(SetupError::NotValid);
    }
    if let Some(hash) = &new {
        credentials::store::set_password(&mut tx, account, hash, now).await?;
        sessions::end_all(app, &mut tx, account, SessionEnd::PasswordChanged).await?;
    }
    throttle::clear(&mut tx, &Key::devices(account)).await?;
    if let Some(subject) = &subject {
        throttle::clear(&mut tx, &Key::account(subject.claims.user_name.key())).await?;
    }
    if new.is_some() {
        registration::append_password_added(app, &mut tx, account).await?;
    }
    tx.commit().await?;
    tracing::info!(event.action = "password-chosen", event.outcome = "success", user.id = %account, "a person chose a password with a link");
    Ok(account)
}

/// Whether `typed` is the current password of the account.
async fn is_current_password(
    app: &App,
    typed: &SecretString,
    stored: Option<&str>,
) -> Result<bool, RegisterError> {
    let (Some(password), Some(stored)) = (Password::new(typed), stored) else {
        return Ok(false);
    };
    let verdict = app.hasher.verify(password, Some(stored)).await?;
    Ok(matches!(verdict, Verdict::Match { .. }))
}

fn personal_context(subject: Option<&Subject>) -> PersonalContext<'_> {
    subject.map_or_else(PersonalContext::default, |subject| PersonalContext {
        user_name: &subject.user_name,
        email: subject.claims.emails.first().map(|email| email.value.as_str()),
        name: Some(&subject.claims.name),
    })
}

/// Deletes links that expired long ago, and corrects those that were made before the clock was set back.
///
/// # Errors
/// When the database fails.
pub(crate) async fn sweep(app: &App, tx: &mut Tx) -> Result<u64, DbError> {
    let now = app.clock.now();
    store::correct_times(tx, now, now + SKEW).await?;
    store::sweep(tx, now - SETUP_LINK_LIFETIME).await
}

/// Deletes every link, because the database was restored from a backup.
///
/// # Errors
/// When the database fails.
pub(crate) async fn after_restore(tx: &mut Tx) -> Result<(), DbError> {
    store::delete_all(tx).await
}
