//! One sign-in attempt: its throttle counters, the check of the credentials, and its outcome.

use chassis::db::DbError;
use chassis::http::ClientInfo;
use chassis::secret::TokenHash;
use contract::{LoginFailure, UserName};
use metrics::counter;
use uuid::Uuid;

use super::Accounts;
use super::failures::{self, FailedSignIn};
use super::sign_in::{SignInError, SignInRequest, SignedIn};
use super::store::{self, SignInCandidate};
use super::stored_hash;
use crate::credentials::{HashError, Password, Verdict};
use crate::throttle::{self, Admission, Key, Limit, Reservation, Tally};

/// The throttle counters of one attempt.
pub(super) struct Attempt {
    user_name_key: String,
    account: Key,
    daily: Key,
    device: Option<(TokenHash, Key)>,
    client: ClientInfo,
}

/// The rows that the database has for the user name and the counters of an attempt.
struct SignInLookup {
    candidate: SignInCandidate,
    /// The counter of all known devices and that of this device, when the account knows the device.
    device: Option<(Key, Key)>,
    account_tally: Option<Tally>,
    source_tally: Option<Tally>,
    daily_tally: Option<Tally>,
    device_tally: Option<Tally>,
    all_devices_tally: Option<Tally>,
}

impl SignInLookup {
    /// The counters of a known device, which replace those of the account and the source. After a hundred
    /// failures of known devices they do so no longer (SB-7).
    fn exempt_device(&self) -> Option<&(Key, Key)> {
        self.device
            .as_ref()
            .filter(|_| !Limit::DEVICES.is_exhausted(self.all_devices_tally))
    }
}

/// The result of checking the credentials.
enum CredentialCheck {
    Valid(Uuid),
    Pending(Uuid),
    Invalid,
}

impl Attempt {
    pub(super) fn new(request: &SignInRequest) -> Self {
        let typed = request.user_name.trim();
        // A text that is not a user name is looked up, hashed and counted like one (SB-8).
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

    /// Reserves a guess, verifies the credentials and records the result.
    pub(super) async fn run(
        &self,
        accounts: &Accounts,
        request: &SignInRequest,
    ) -> Result<SignedIn, SignInError> {
        let found = self.look_up(accounts).await?;
        let guess = accounts
            .throttle
            .reserve(self.admissions(accounts, &found))
            .await?;
        match self.verify_credentials(accounts, request, &found.candidate).await {
            Ok(CredentialCheck::Valid(id)) => Ok(self.signed_in(accounts, id, &found, &guess)),
            Ok(CredentialCheck::Invalid) => self.record_failure(accounts, &found, &guess).await,
            Ok(CredentialCheck::Pending(id)) => {
                accounts.throttle.release(guess).await?;
                Err(SignInError::Pending { id })
            }
            Err(error) => {
                accounts.throttle.release(guess).await?;
                Err(error.into())
            }
        }
    }

    /// True if every counter would admit a guess now.
    pub(super) async fn is_admitted(&self, accounts: &Accounts) -> Result<bool, DbError> {
        let found = self.look_up(accounts).await?;
        let now = accounts.clock.now();
        let admissions = self.admissions(accounts, &found);
        Ok(admissions.iter().all(|one| one.delay_left(now).is_none()))
    }

    async fn look_up(&self, accounts: &Accounts) -> Result<SignInLookup, DbError> {
        let mut reader = accounts.db.reader().await?;
        let token = self.device.as_ref().map(|(hash, _)| hash);
        let candidate = store::find_candidate(&mut reader, &self.user_name_key, token).await?;
        let device = match (candidate.device_account, &self.device) {
            (Some(account), Some((_, key))) => Some((Key::devices(account), key.clone())),
            _ => None,
        };
        let (source_key, _) = accounts.throttle.source_limit(self.client.ip);
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
        ] = throttle::find_each(&mut reader, keys).await?;
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

    /// The counters that have to admit the guess. For a known device these are its own. Otherwise they are
    /// the counter of the source and that of the account, or the daily one when the account has failed too
    /// often.
    fn admissions(&self, accounts: &Accounts, found: &SignInLookup) -> Vec<Admission> {
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
        let source = Admission::new(accounts.throttle.source_limit(self.client.ip), found.source_tally);
        vec![account, source]
    }

    /// Verifies the password. Exactly one password is hashed, whether or not the account exists (SB-8).
    async fn verify_credentials(
        &self,
        accounts: &Accounts,
        request: &SignInRequest,
        candidate: &SignInCandidate,
    ) -> Result<CredentialCheck, HashError> {
        let password = Password::new(&request.password);
        let stored = match &password {
            // The password is too long for any account: the dummy hash is verified instead.
            None => None,
            // A pending registration for a name that an account has must not sign in to that account, even
            // when the account has no password.
            Some(_) => match candidate.id {
                Some(_) => candidate.hash.as_deref(),
                None => candidate.pending_hash.as_deref(),
            },
        };
        let password = password.unwrap_or_else(Password::empty);
        let verdict = accounts.hasher.verify(password.clone(), stored).await?;
        let outdated = match verdict {
            Verdict::Match { outdated } => outdated,
            Verdict::Mismatch => return Ok(CredentialCheck::Invalid),
            Verdict::Unverifiable(error) => {
                stored_hash::log_unverifiable(candidate.id.or(candidate.pending_id), error);
                return Ok(CredentialCheck::Invalid);
            }
        };
        match (candidate.id, candidate.active, candidate.pending_id) {
            (Some(id), Some(true), _) => {
                if let (true, Some(old)) = (outdated, stored) {
                    stored_hash::upgrade(accounts, id, old, password).await;
                }
                Ok(CredentialCheck::Valid(id))
            }
            (None, _, Some(id)) => Ok(CredentialCheck::Pending(id)),
            _ => Ok(CredentialCheck::Invalid),
        }
    }

    fn signed_in(
        &self,
        accounts: &Accounts,
        id: Uuid,
        found: &SignInLookup,
        guess: &Reservation,
    ) -> SignedIn {
        let auth_time = accounts.clock.now();
        let (source, _) = accounts.throttle.source_limit(self.client.ip);
        let (counters_to_release, mut counters_to_clear): (Vec<_>, Vec<_>) =
            guess.keys().iter().cloned().partition(|key| *key == source);
        // Failures are counted in a row: every success resets the counter.
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

    /// Records the failure in one transaction.
    async fn record_failure(
        &self,
        accounts: &Accounts,
        found: &SignInLookup,
        guess: &Reservation,
    ) -> Result<SignedIn, SignInError> {
        let now = accounts.clock.now();
        let (source, limit) = accounts.throttle.source_limit(self.client.ip);
        let mut tx = accounts.db.begin("sign_in_failed").await?;
        guess.record_failure(&mut tx, now).await?;
        if !guess.keys().contains(&source) {
            throttle::count(&mut tx, &source, limit, now).await?;
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

    /// Counts and logs the outcome as an ECS `authentication` event. The typed user name is never logged,
    /// because people type passwords into the wrong field.
    pub(super) fn record_outcome(&self, outcome: &Result<SignedIn, SignInError>) {
        let (label, reason) = match outcome {
            Ok(_) => ("success", "success"),
            Err(SignInError::InvalidCredentials) => ("failure", "invalid_credentials"),
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
