//! One try to sign in: what it is counted under, its guess, and what becomes of it.

use chassis::db::DbError;
use chassis::http::ClientInfo;
use chassis::secret::TokenHash;
use contract::{LoginFailure, UserName};
use metrics::counter;
use uuid::Uuid;

use super::failures::{self, FailedSignIn};
use super::sign_in::{SignIn, SignInError, SignedIn};
use super::store::{self, Candidate};
use crate::app::App;
use crate::credentials::{self, HashError, Password, Verdict};
use crate::throttle::{self, Admission, Key, Limit, Reservation, Tally};

/// What a try is counted under.
pub(super) struct Attempt {
    user_name_key: String,
    account: Key,
    daily: Key,
    device: Option<(TokenHash, Key)>,
    client: ClientInfo,
}

/// What was read of whoever is asked for.
struct Found {
    candidate: Candidate,
    /// The key of the known devices together, and of this device, if it is known to the account.
    device: Option<(Key, Key)>,
    account: Option<Tally>,
    source: Option<Tally>,
    daily: Option<Tally>,
    of_device: Option<Tally>,
    of_devices: Option<Tally>,
}

impl Found {
    /// The keys of a known device, as long as it is an exception: a hundred failures of known devices end that (SB-7).
    fn exempt(&self) -> Option<&(Key, Key)> {
        self.device
            .as_ref()
            .filter(|_| !Limit::DEVICES.is_exhausted(self.of_devices))
    }
}

/// What became of a password.
enum Judged {
    Right(Uuid),
    Pending(Uuid),
    Wrong,
}

impl Attempt {
    pub(super) fn new(try_: &SignIn) -> Self {
        let typed = try_.user_name.trim();
        // A text that is no user name is nobody's, and is looked up, hashed for and counted all the same.
        let user_name_key = typed
            .parse::<UserName>()
            .map_or_else(|_| typed.to_owned(), |name| name.key().to_owned());
        Self {
            account: Key::account(&user_name_key),
            daily: Key::daily(&user_name_key, try_.client.ip),
            device: try_
                .device
                .as_ref()
                .map(|token| (token.hash(), Key::device(token.expose()))),
            client: try_.client.clone(),
            user_name_key,
        }
    }

    /// Counts a guess, judges the password and notes what became of it.
    pub(super) async fn run(&self, app: &App, try_: &SignIn) -> Result<SignedIn, SignInError> {
        let found = self.find(app).await?;
        let guess = Reservation::make(app, self.admissions(app, &found)).await?;
        match self.judge(app, try_, &found.candidate).await {
            Ok(Judged::Right(id)) => Ok(self.signed_in(app, id, &found, &guess)),
            Ok(Judged::Wrong) => self.fail(app, &found, &guess).await,
            Ok(Judged::Pending(id)) => {
                guess.give_back(app).await?;
                Err(SignInError::Pending { id })
            }
            Err(error) => {
                guess.give_back(app).await?;
                Err(error.into())
            }
        }
    }

    /// Whether every counter would admit a guess.
    pub(super) async fn is_admitted(&self, app: &App) -> Result<bool, DbError> {
        let found = self.find(app).await?;
        let now = app.clock.now();
        let admissions = self.admissions(app, &found);
        Ok(admissions.iter().all(|one| one.wait(now).is_none()))
    }

    async fn find(&self, app: &App) -> Result<Found, DbError> {
        let mut reader = app.db.reader().await?;
        let token = self.device.as_ref().map(|(hash, _)| hash);
        let candidate = store::candidate(&mut reader, &self.user_name_key, token).await?;
        let device = match (candidate.device_account, &self.device) {
            (Some(account), Some((_, key))) => Some((Key::devices(account), key.clone())),
            _ => None,
        };
        let (source_key, _) = throttle::source_limit(app, self.client.ip);
        let (devices_key, device_key) = device.as_ref().map(|(all, one)| (all, one)).unzip();
        let keys = [
            Some(&self.account),
            Some(&source_key),
            Some(&self.daily),
            device_key,
            devices_key,
        ];
        let [account, source, daily, of_device, of_devices] =
            throttle::store::find_each(&mut reader, keys).await?;
        Ok(Found {
            candidate,
            device,
            account,
            source,
            daily,
            of_device,
            of_devices,
        })
    }

    /// Which counters have to admit the guess: those of a known device; otherwise the source's, and the account's as long
    /// as it has not failed too often, or else that of the day.
    fn admissions(&self, app: &App, found: &Found) -> Vec<Admission> {
        if let Some((devices, device)) = found.exempt() {
            return vec![
                Admission::new((device.clone(), Limit::DEVICE), found.of_device),
                Admission::new((devices.clone(), Limit::DEVICES), found.of_devices),
            ];
        }
        let account = match Limit::ACCOUNT.is_exhausted(found.account) {
            false => Admission::new((self.account.clone(), Limit::ACCOUNT), found.account),
            true => Admission::new((self.daily.clone(), Limit::DAILY), found.daily),
        };
        let source = Admission::new(throttle::source_limit(app, self.client.ip), found.source);
        vec![account, source]
    }

    /// Hashes one password, whoever is asked for.
    async fn judge(&self, app: &App, try_: &SignIn, found: &Candidate) -> Result<Judged, HashError> {
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
            return Ok(Judged::Wrong);
        };
        match (found.id, found.active, found.pending_id) {
            (Some(id), Some(true), _) => {
                if let (true, Some(old)) = (outdated, stored) {
                    rehash(app, id, old, password).await;
                }
                Ok(Judged::Right(id))
            }
            (None, _, Some(id)) => Ok(Judged::Pending(id)),
            _ => Ok(Judged::Wrong),
        }
    }

    fn signed_in(&self, app: &App, id: Uuid, found: &Found, guess: &Reservation) -> SignedIn {
        let auth_time = app.clock.now();
        let (source, _) = throttle::source_limit(app, self.client.ip);
        let (given_back, mut forgiven): (Vec<_>, Vec<_>) =
            guess.keys().iter().cloned().partition(|key| *key == source);
        // In a row: a success of any kind begins anew.
        if found.account.is_some() && !forgiven.contains(&self.account) {
            forgiven.push(self.account.clone());
        }
        SignedIn {
            account_id: id,
            auth_time,
            amr: vec!["pwd".to_owned()],
            known_device: found.device.is_some(),
            password_of: found.candidate.password_of.unwrap_or(auth_time),
            device: found
                .device
                .as_ref()
                .and(self.device.as_ref())
                .map(|(hash, _)| hash.clone()),
            forgiven,
            given_back: given_back.into_iter().next(),
        }
    }

    /// Notes the failure, in one transaction.
    async fn fail(&self, app: &App, found: &Found, guess: &Reservation) -> Result<SignedIn, SignInError> {
        let now = app.clock.now();
        let (source, limit) = throttle::source_limit(app, self.client.ip);
        let mut tx = app.db.begin("sign_in_failed").await?;
        guess.fail(&mut tx, now).await?;
        if !guess.keys().contains(&source) {
            throttle::store::count(&mut tx, &source, limit, now).await?;
        }
        let failed = FailedSignIn {
            account: found.candidate.id,
            reason: match (found.candidate.id, found.candidate.active) {
                (None, _) => LoginFailure::UnknownUser,
                (Some(_), Some(false)) => LoginFailure::Inactive,
                (Some(_), _) => LoginFailure::WrongPassword,
            },
            ip: self.client.ip,
            at: now,
        };
        failures::count(&mut tx, &failed).await?;
        tx.commit().await?;
        Err(SignInError::Wrong)
    }

    /// Counts and logs the outcome; ECS `authentication` events. What was typed is never logged: people type
    /// passwords into the wrong field.
    pub(super) fn report(&self, outcome: &Result<SignedIn, SignInError>) {
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
            client.ip = self.client.ip.map(|ip| ip.to_string()),
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
