//! One try to sign in: what it is counted under, its guess, and what becomes of it.

use chassis::db::DbError;
use chassis::http::ClientInfo;
use chassis::secret::TokenHash;
use contract::{LoginFailure, UserName};
use metrics::counter;
use uuid::Uuid;

use super::failures::{self, FailedSignIn};
use super::sign_in::{SignInError, SignInRequest, SignedIn};
use super::store::{self, SignInCandidate};
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
struct SignInLookup {
    candidate: SignInCandidate,
    /// The key of the known devices together, and of this device, if it is known to the account.
    device: Option<(Key, Key)>,
    account_tally: Option<Tally>,
    source_tally: Option<Tally>,
    daily_tally: Option<Tally>,
    device_tally: Option<Tally>,
    all_devices_tally: Option<Tally>,
}

impl SignInLookup {
    /// The keys of a known device, as long as it is an exception: a hundred failures of known devices end that (SB-7).
    fn exempt_device(&self) -> Option<&(Key, Key)> {
        self.device
            .as_ref()
            .filter(|_| !Limit::DEVICES.is_exhausted(self.all_devices_tally))
    }
}

/// What became of a password.
enum CredentialCheck {
    Valid(Uuid),
    Pending(Uuid),
    Invalid,
}

impl Attempt {
    pub(super) fn new(request: &SignInRequest) -> Self {
        let typed = request.user_name.trim();
        // A text that is no user name is nobody's, and is looked up, hashed for and counted all the same.
        let user_name_key = typed
            .parse::<UserName>()
            .map_or_else(|_| typed.to_owned(), |name| name.key().to_owned());
        Self {
            account: Key::account(&user_name_key),
            daily: Key::daily(&user_name_key, request.client.ip),
            device: request
                .device
                .as_ref()
                .map(|token| (token.hash(), Key::device(token.expose()))),
            client: request.client.clone(),
            user_name_key,
        }
    }

    /// Counts a guess, judges the password and notes what became of it.
    pub(super) async fn run(&self, app: &App, request: &SignInRequest) -> Result<SignedIn, SignInError> {
        let found = self.look_up(app).await?;
        let guess = Reservation::reserve(app, self.admissions(app, &found)).await?;
        match self.verify_credentials(app, request, &found.candidate).await {
            Ok(CredentialCheck::Valid(id)) => Ok(self.signed_in(app, id, &found, &guess)),
            Ok(CredentialCheck::Invalid) => self.record_failure(app, &found, &guess).await,
            Ok(CredentialCheck::Pending(id)) => {
                guess.release(app).await?;
                Err(SignInError::Pending { id })
            }
            Err(error) => {
                guess.release(app).await?;
                Err(error.into())
            }
        }
    }

    /// Whether every counter would admit a guess.
    pub(super) async fn is_admitted(&self, app: &App) -> Result<bool, DbError> {
        let found = self.look_up(app).await?;
        let now = app.clock.now();
        let admissions = self.admissions(app, &found);
        Ok(admissions.iter().all(|one| one.delay_left(now).is_none()))
    }

    async fn look_up(&self, app: &App) -> Result<SignInLookup, DbError> {
        let mut reader = app.db.reader().await?;
        let token = self.device.as_ref().map(|(hash, _)| hash);
        let candidate = store::find_candidate(&mut reader, &self.user_name_key, token).await?;
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
        let [
            account_tally,
            source_tally,
            daily_tally,
            device_tally,
            all_devices_tally,
        ] = throttle::store::find_each(&mut reader, keys).await?;
        Ok(SignInLookup {
            candidate,
            device,
            account_tally,
            source_tally,
            daily_tally,
            device_tally,
            all_devices_tally,
        })
    }

    /// Which counters have to admit the guess: those of a known device; otherwise the source's, and the account's as long
    /// as it has not failed too often, or else that of the day.
    fn admissions(&self, app: &App, found: &SignInLookup) -> Vec<Admission> {
        if let Some((devices, device)) = found.exempt_device() {
            return vec![
                Admission::new((device.clone(), Limit::DEVICE), found.device_tally),
                Admission::new((devices.clone(), Limit::DEVICES), found.all_devices_tally),
            ];
        }
        let account = match Limit::ACCOUNT.is_exhausted(found.account_tally) {
            false => Admission::new((self.account.clone(), Limit::ACCOUNT), found.account_tally),
            true => Admission::new((self.daily.clone(), Limit::DAILY), found.daily_tally),
        };
        let source = Admission::new(throttle::source_limit(app, self.client.ip), found.source_tally);
        vec![account, source]
    }

    /// Hashes one password, whoever is asked for.
    async fn verify_credentials(
        &self,
        app: &App,
        request: &SignInRequest,
        candidate: &SignInCandidate,
    ) -> Result<CredentialCheck, HashError> {
        let password = Password::new(&request.password);
        let stored = match &password {
            // Too long to be anybody's: hash something for nobody.
            None => None,
            // Whoever registers a name that somebody has must not get in with their own password, not even while that
            // somebody has none.
            Some(_) => match candidate.id {
                Some(_) => candidate.hash.as_deref(),
                None => candidate.pending_hash.as_deref(),
            },
        };
        let password = password.unwrap_or_else(Password::empty);
        let verdict = app.hasher.verify(password.clone(), stored).await?;
        let Verdict::Match { outdated } = verdict else {
            return Ok(CredentialCheck::Invalid);
        };
        match (candidate.id, candidate.active, candidate.pending_id) {
            (Some(id), Some(true), _) => {
                if let (true, Some(old)) = (outdated, stored) {
                    rehash(app, id, old, password).await;
                }
                Ok(CredentialCheck::Valid(id))
            }
            (None, _, Some(id)) => Ok(CredentialCheck::Pending(id)),
            _ => Ok(CredentialCheck::Invalid),
        }
    }

    fn signed_in(&self, app: &App, id: Uuid, found: &SignInLookup, guess: &Reservation) -> SignedIn {
        let auth_time = app.clock.now();
        let (source, _) = throttle::source_limit(app, self.client.ip);
        let (counters_to_release, mut counters_to_clear): (Vec<_>, Vec<_>) =
            guess.keys().iter().cloned().partition(|key| *key == source);
        // In a row: a success of any kind begins anew.
        if found.account_tally.is_some() && !counters_to_clear.contains(&self.account) {
            counters_to_clear.push(self.account.clone());
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
            counters_to_clear,
            counter_to_release: counters_to_release.into_iter().next(),
        }
    }

    /// Notes the failure, in one transaction.
    async fn record_failure(
        &self,
        app: &App,
        found: &SignInLookup,
        guess: &Reservation,
    ) -> Result<SignedIn, SignInError> {
        let now = app.clock.now();
        let (source, limit) = throttle::source_limit(app, self.client.ip);
        let mut tx = app.db.begin("sign_in_failed").await?;
        guess.record_failure(&mut tx, now).await?;
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
        failures::record(&mut tx, &failed).await?;
        tx.commit().await?;
        Err(SignInError::InvalidCredentials)
    }

    /// Counts and logs the outcome; ECS `authentication` events. What was typed is never logged: people type
    /// passwords into the wrong field.
    pub(super) fn record_outcome(&self, outcome: &Result<SignedIn, SignInError>) {
        let (label, reason) = match outcome {
            Ok(_) => ("success", "right"),
            Err(SignInError::InvalidCredentials) => ("failure", "wrong"),
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
