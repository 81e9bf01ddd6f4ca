//! One-time links: the set-up link that makes the first administrator, and invitations to choose a password.
//!
//! There are no default credentials (SB-11). As long as nobody administers, every start of the service prints a new
//! link and makes the earlier ones worthless; each works once and for a day. A link whose registration is refused,
//! because the name is taken say, is good again.

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

/// How long a set-up link is good.
pub const SETUP_LINK_LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// How long an invitation is good.
pub const INVITATION_LIFETIME: Duration = Duration::from_secs(72 * 3600);

/// What a link is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To make the first administrator.
    Administrator,
    /// To choose the password of an account.
    Invitation {
        /// Whose account; nothing while the user service has not answered yet.
        user_name: Option<String>,
    },
}

/// Why a link did nothing.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// There is no such link, it was used, or it is too old: never told apart.
    #[error("this link is not valid any more")]
    NotValid,
    /// What was typed cannot be accepted; the link stays good.
    #[error(transparent)]
    Register(#[from] RegisterError),
}

impl From<DbError> for SetupError {
    fn from(error: DbError) -> Self {
        Self::Register(error.into())
    }
}

/// A new set-up link if nobody administers, for the operator's eyes. Earlier ones are worthless from then on. Of
/// replicas that start at the same moment, one makes a link; to the others this answers nothing.
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
        // Another replica has made it while this one waited, and shows it: it stays good.
        return Ok(None);
    }
    store::delete_unused_administrator_links(&mut tx).await?;
    let now = app.clock.now();
    let token = app.random.token();
    store::insert(&mut tx, &token.hash(), None, now, now + SETUP_LINK_LIFETIME).await?;
    tx.commit().await?;
    Ok(Some(setup_url(app, &token)))
}

/// A new link with which an account's password can be chosen; earlier ones of the account are worthless from then on.
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

/// What the link is for, if it is still good. Changes nothing.
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
/// [`SetupError::NotValid`] when the link is no good; what was typed is judged only with a good one.
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

/// Does `work`, which judges a password, counted for the source like a sign-in (SB-43).
async fn throttled<T>(
    app: &App,
    ip: Option<IpAddr>,
    work: impl Future<Output = Result<T, RegisterError>>,
) -> Result<T, RegisterError> {
    let guess = throttle::reserve_source(app, ip).await?;
    let outcome = work.await;
    let failed = matches!(outcome, Err(RegisterError::Invalid(_)));
    guess.settle(app, failed).await?;
    outcome
}

/// Chooses the password of an account with its link, once, and forgets the failures of the account. A new password ends
/// what was open under the earlier one; whoever types the password that the account has keeps it, and everything that is
/// open. The account's id.
///
/// # Errors
/// [`SetupError::NotValid`] when the link is no good; the password is judged only with a good one.
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
    // The account first, as whatever erases it does.
    if !accounts::store::lock(&mut tx, account).await?
        || store::consume_invitation(&mut tx, &token.hash(), now).await? != Some(account)
    {
        return Err(SetupError::NotValid);
    }
    if let Some(hash) = &new {
        credentials::store::set_password(&mut tx, account, hash, now).await?;
        sessions::end_all(app, &mut tx, account, SessionEnd::PasswordChanged).await?;
    }
    throttle::store::clear(&mut tx, &Key::devices(account)).await?;
    if let Some(subject) = &subject {
        throttle::store::clear(&mut tx, &Key::account(subject.claims.user_name.key())).await?;
    }
    if new.is_some() {
        registration::append_password_added(app, &mut tx, account).await?;
    }
    tx.commit().await?;
    tracing::info!(event.action = "password-chosen", event.outcome = "success", user.id = %account, "a person chose a password with a link");
    Ok(account)
}

/// Whether `typed` is the password that the account has.
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

/// Removes links that are long over, and has those that were made before the clock went back end no later for it.
///
/// # Errors
/// When the database fails.
pub(crate) async fn sweep(app: &App, tx: &mut Tx) -> Result<u64, DbError> {
    let now = app.clock.now();
    store::correct_times(tx, now, now + SKEW).await?;
    store::sweep(tx, now - SETUP_LINK_LIFETIME).await
}
