//! The sign-in use case.
//!
//! One read, one hash; a failure is counted in one transaction, a success leaves the writing to the transaction that
//! starts the session. Whoever is asked for, the same statements run and one password is hashed (SB-8).

use std::time::Duration;

use chassis::clock::Timestamp;
use chassis::db::DbError;

use chassis::secret::{SecretString, Token, TokenHash};
use events::contract::{LoginFailed, LoginFailure, UserName};
use metrics::counter;
use uuid::Uuid;

use super::store::{self, Asked, Candidate};
use super::{append_at, append_event};
use crate::app::App;
use crate::credentials::{self, HashError, Password, Verdict};
use crate::http::ClientInfo;
use crate::throttle::{self, Key};

/// A try to sign in.
#[derive(Debug)]
pub struct SignIn {
    /// The user name as typed.
    pub user_name: String,
    /// The password as typed.
    pub password: SecretString,
    /// Where the try comes from.
    pub client: ClientInfo,
    /// The device token that an earlier sign-in gave to this browser or program, if it sent one.
    pub device: Option<Token>,
}

/// A person who proved who they are; [`crate::sessions::start`] makes a session of it.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The account, which has the id of the user.
    pub account_id: Uuid,
    /// When the proof was given (OpenID Connect Core §2, `auth_time`).
    pub auth_time: Timestamp,
    /// How (RFC 8176): `pwd`.
    pub amr: Vec<String>,
    /// Whether the device token named a device of this account; when not, give it one with
    /// [`crate::accounts::remember_device`].
    pub known_device: bool,
    /// No session starts when the password was chosen anew after this.
    pub(crate) password_of: Timestamp,
    /// Whose failures must still be below the limit when the session starts.
    pub(crate) counted: Option<Key>,
    /// Failures that are forgotten when the session starts.
    pub(crate) forgiven: Vec<Key>,
}

impl SignedIn {
    /// Somebody who proved who they are otherwise than by [`sign_in`]: by choosing the password of a new account.
    pub fn by_password(account_id: Uuid, auth_time: Timestamp) -> Self {
        Self {
            account_id,
            auth_time,
            amr: vec!["pwd".to_owned()],
            known_device: false,
            // What a browser's cookie says of `auth_time` is in whole seconds.
            password_of: auth_time + Duration::from_secs(1),
            counted: None,
            forgiven: Vec::new(),
        }
    }
}

/// Why nobody is signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The pair is wrong, the person unknown or disabled: never told apart.
    #[error("the user name or the password is wrong")]
    Wrong,
    /// Too many failures, from here or for this account.
    #[error("too many tries")]
    Throttled {
        /// When another try is looked at.
        retry_after: Duration,
    },
    /// More sign-ins at once than passwords can be hashed.
    #[error("too many sign-ins at once")]
    Busy {
        /// When another try is worth it.
        retry_after: Duration,
    },
    /// The password is right and the account is still being set up.
    #[error("the account is being set up")]
    Pending {
        /// The registration, for [`crate::registration::status`].
        id: Uuid,
    },
    /// The pool that hashes passwords failed.
    #[error("the password could not be checked")]
    Hash,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<HashError> for SignInError {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Full { retry_after } => Self::Busy { retry_after },
            HashError::Failed => Self::Hash,
        }
    }
}

/// Checks a user name and a password.
///
/// # Errors
/// [`SignInError::Wrong`] after the same work whether or not the person exists or is disabled (SB-8).
pub async fn sign_in(app: &App, try_: SignIn) -> Result<SignedIn, SignInError> {
    let attempt = Attempt::new(&try_);
    let outcome = attempt.judge(app, &try_).await;
    attempt.report(&outcome);
    outcome
}

/// What a try is counted under.
struct Attempt {
    user_name_key: String,
    account: Key,
    source: Key,
    device: Option<(TokenHash, Key)>,
    client_ip: Option<String>,
}

impl Attempt {
    fn new(try_: &SignIn) -> Self {
        let typed = try_.user_name.trim();
        // A text that is no user name is nobody's, and is looked up, hashed for and counted all the same.
        let user_name_key = typed
            .parse::<UserName>()
            .map_or_else(|_| typed.to_owned(), |name| name.key().to_owned());
        Self {
            account: Key::account(&user_name_key),
            source: Key::source(try_.client.ip),
            device: try_
                .device
                .as_ref()
                .map(|token| (token.hash(), Key::device(token.expose()))),
            client_ip: try_.client.ip.map(|ip| ip.to_string()),
            user_name_key,
        }
    }

    async fn judge(&self, app: &App, try_: &SignIn) -> Result<SignedIn, SignInError> {
        let mut reader = app.db.reader().await?;
        let found = store::candidate(&mut reader, &self.asked()).await?;
        drop(reader);
        if let Some(retry_after) = self.wait(app, &found) {
            return Err(SignInError::Throttled { retry_after });
        }
        let password = Password::new(&try_.password);
        let stored = match &password {
            // Too long to be anybody's: hash something for nobody.
            None => None,
            // Whoever registers a name that somebody has must not get in with their own password, not even while that
            // somebody has none.
            Some(_) => match found.id {
                Some(_) => found.hash.as_deref(),
                None => found.pending_hash.as_deref(),
            },
        };
        let password = password.unwrap_or_else(Password::empty);
        let verdict = app.hasher.verify(password.clone(), stored).await?;
        let Verdict::Right { outdated } = verdict else {
            return self.fail(app, &found).await;
        };
        match (found.id, found.active, found.pending_id) {
            (Some(id), Some(true), _) => {
                if let (true, Some(old)) = (outdated, stored) {
                    rehash(app, id, old, password).await;
                }
                Ok(self.signed_in(id, app.clock.now(), &found))
            }
            (None, _, Some(id)) => Err(SignInError::Pending { id }),
            _ => self.fail(app, &found).await,
        }
    }

    fn asked(&self) -> Asked<'_> {
        Asked {
            user_name_key: &self.user_name_key,
            account: &self.account,
            source: &self.source,
            device: self.device.as_ref().map(|(hash, key)| (hash, key)),
        }
    }

    /// The key of the device, if it is known to the account.
    fn known_device(&self, found: &Candidate) -> Option<&Key> {
        found.device_account.and(self.device.as_ref()).map(|(_, key)| key)
    }

    fn wait(&self, app: &App, found: &Candidate) -> Option<Duration> {
        let now = app.clock.now();
        if self.known_device(found).is_some() {
            return found.device_tally()?.account_wait(now);
        }
        let account = found.account_tally().and_then(|tally| tally.account_wait(now));
        let free = i64::from(app.settings.throttle.source_failures);
        let source = found
            .source_tally()
            .and_then(|tally| tally.source_wait(free, now));
        account.max(source)
    }

    fn signed_in(&self, id: Uuid, auth_time: Timestamp, found: &Candidate) -> SignedIn {
        let device = self.known_device(found);
        let forgiven = [
            found.account_tally().map(|_| &self.account),
            found.device_tally().and(device),
        ];
        SignedIn {
            account_id: id,
            auth_time,
            amr: vec!["pwd".to_owned()],
            known_device: device.is_some(),
            password_of: found.password_of.unwrap_or(auth_time),
            counted: Some(device.unwrap_or(&self.account).clone()),
            forgiven: forgiven.into_iter().flatten().cloned().collect(),
        }
    }

    /// Counts the failure and tells of it, in one transaction.
    async fn fail(&self, app: &App, found: &Candidate) -> Result<SignedIn, SignInError> {
        let now = app.clock.now();
        let nobody = app.random.uuid(&*app.clock);
        let id = found.id.unwrap_or(nobody);
        let mut tx = app.db.begin("sign_in_failed").await?;
        let known = store::lock(&mut tx, id).await?;
        let beginning = Timestamp::from_micros(0);
        let counted = self.known_device(found).unwrap_or(&self.account);
        throttle::store::count(&mut tx, counted, now, beginning).await?;
        throttle::store::count(&mut tx, &self.source, now, now - throttle::SOURCE_MEMORY).await?;
        let event = |version| LoginFailed {
            id,
            reason: match (known, found.active) {
                (false, _) => LoginFailure::UnknownUser,
                (true, Some(false)) => LoginFailure::Inactive,
                (true, _) => LoginFailure::WrongPassword,
            },
            client_ip: self.client_ip.clone(),
            version,
        };
        match known {
            true => append_event(app, &mut tx, id, event).await.map(drop)?,
            false => append_at(app, &mut tx, id, 1, &event(1)).await?,
        }
        tx.commit().await?;
        Err(SignInError::Wrong)
    }

    /// Counts and logs the outcome; ECS `authentication` events. What was typed is never logged: people type
    /// passwords into the wrong field.
    fn report(&self, outcome: &Result<SignedIn, SignInError>) {
        let (label, reason) = match outcome {
            Ok(_) => ("success", "right"),
            Err(SignInError::Wrong) => ("failure", "wrong"),
            Err(SignInError::Throttled { .. }) => ("failure", "throttled"),
            Err(SignInError::Busy { .. }) => ("failure", "busy"),
            Err(SignInError::Pending { .. }) => ("failure", "pending"),
            Err(SignInError::Hash | SignInError::Db(_)) => ("failure", "error"),
        };
        counter!("vestibule_sign_ins_total", "method" => "password", "outcome" => reason).increment(1);
        let user = outcome.as_ref().ok().map(|who| who.account_id.to_string());
        tracing::info!(
            event.action = "sign-in",
            event.outcome = label,
            event.reason = reason,
            user.id = user,
            client.ip = self.client_ip,
            "sign-in with a password"
        );
    }
}

/// Brings a hash up to today's cost. The sign-in is good without it, so nothing that fails here is told.
async fn rehash(app: &App, account: Uuid, old: &str, password: Password) {
    let Ok(new) = app.hasher.hash(password).await else {
        return;
    };
    let stored = async {
        let mut tx = app.db.begin("rehash").await?;
        credentials::store::rehash(&mut tx, account, old, &new).await?;
        tx.commit().await
    };
    if let Err(error) = stored.await {
        tracing::warn!(%error, "a password hash could not be brought up to date");
    }
}
