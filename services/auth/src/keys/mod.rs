//! Signing keys and their rotation.
//!
//! Keys are generated at the first start and encrypted at rest. They are published before they sign, rotated
//! on schedule and on demand, and retained for as long as a token that they signed can live. See
//! `docs/decisions/0005-signing-keys.md`.

mod changes;
mod metering;
mod opaque;
mod registered;
mod ring;
mod rotation;
mod schedule;
mod store;
mod subjects;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use chassis::access::{BoxFuture, KeySource, KeysUnavailable};
use chassis::cipher::{Cipher, CipherError};
use chassis::clock::{SharedClock, Timestamp};
use chassis::db::{Db, DbError, Tx};
use chassis::random::SharedRandom;
use oidc::jose::{Algorithm, KeySet, SignError, SigningKey};
use oidc::subject::SubjectIdentifiers;

use changes::{Stored, algorithms_to_make, apply, generate, read, scheduled_keys};
#[cfg(test)]
pub(crate) use opaque::OPAQUE_PREFIX;
pub use ring::Keys;
pub use rotation::Rotation;
use schedule::ALWAYS;
pub use schedule::{KeyState, RotationPolicy};
use store::KeyRow;

/// The interval at which a replica reads the changes of other replicas and applies the rotation steps that
/// are due.
pub const RELOAD_INTERVAL: Duration = Duration::from_secs(2);
/// The time for which the key set may be cached (`Cache-Control: max-age`).
pub const JWKS_MAX_AGE: Duration = Duration::from_secs(300);

/// The reason why the keys cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The configuration's encryption keys do not fit.
    #[error(transparent)]
    Cipher(#[from] CipherError),
    /// A stored key is malformed.
    #[error("the signing key {0} in the database is malformed")]
    Malformed(String),
    /// There is no active key.
    #[error("there is no active {0} key")]
    NoActive(Algorithm),
    /// A key could not be generated.
    #[error("a signing key could not be made: {0}")]
    Make(String),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// One signing key, as administrators see it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct KeyInfo {
    /// The key id (`kid`, RFC 7517 §4.5).
    pub kid: String,
    /// `ES256`, `RS256`, or another algorithm that a client was registered for.
    pub algorithm: String,
    /// Its state.
    pub state: KeyState,
    /// The time of its publication.
    pub published_at: Timestamp,
    /// The time at which it began to sign, or will.
    pub activates_at: Timestamp,
    /// The time at which it stopped signing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retired_at: Option<Timestamp>,
    /// The time at which it will be deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removes_at: Option<Timestamp>,
}

/// The encryption and the random source with which keys are stored.
type Tools<'a> = (&'a Cipher, &'a SharedRandom);

/// The algorithms of the keys of the first start.
fn first_algorithms(registered: &BTreeSet<Algorithm>) -> Vec<Algorithm> {
    let first: BTreeSet<Algorithm> = ALWAYS.into_iter().chain(registered.iter().copied()).collect();
    first.into_iter().collect()
}

/// Inserts the keys of the first start, unless another replica was faster.
async fn insert_first(
    db: &Db,
    new_keys: &[SigningKey],
    now: Timestamp,
    policy: &RotationPolicy,
    tools: Tools<'_>,
) -> Result<(), KeyError> {
    let mut tx = db.begin("first_keys").await?;
    store::lock(&mut tx).await?;
    let known = store::all(&mut tx).await?;
    apply(&mut tx, &known, new_keys, now, policy, tools).await?;
    if known.is_empty() {
        registered::insert_first(&mut tx, &known, new_keys, (now, now), tools).await?;
    }
    Ok(tx.commit().await?)
}

/// The signing keys of the service. It is cheap to clone.
#[derive(Clone)]
pub struct KeyRing(Arc<Inner>);

struct Inner {
    db: Db,
    clock: SharedClock,
    random: SharedRandom,
    cipher: Cipher,
    policy: RotationPolicy,
    keys: ArcSwap<Keys>,
    subjects: SubjectIdentifiers,
    has_new_subjects: bool,
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyRing").field(&self.0.keys).finish()
    }
}

impl KeyRing {
    /// Reads the keys, generates the first ones, and encrypts keys again whose encryption key is no longer
    /// active. `registered` are the algorithms that clients are registered for. Where there are no keys yet, theirs sign at
    /// once too, because no key set can be cached. Otherwise they are published first: see [`Self::publish`].
    ///
    /// # Errors
    /// [`KeyError`]. Nothing is changed when the encryption keys of the configuration do not fit.
    pub async fn open(
        db: Db,
        clock: SharedClock,
        random: SharedRandom,
        cipher: Cipher,
        policy: RotationPolicy,
        registered: &BTreeSet<Algorithm>,
    ) -> Result<Self, KeyError> {
        let mut version_and_stored = read(&db).await?;
        if version_and_stored.1.0.is_empty() {
            let new_keys = generate(first_algorithms(registered)).await?;
            insert_first(&db, &new_keys, clock.now(), &policy, (&cipher, &random)).await?;
            version_and_stored = read(&db).await?;
        }
        let (version, stored) = version_and_stored;
        let keys = Keys::decrypt(version, &stored, &cipher)?;
        let (subjects, has_new_subjects) = subjects::open(&db, clock.now(), (&cipher, &random)).await?;
        let ring = Self(Arc::new(Inner {
            db,
            clock,
            random,
            cipher,
            policy,
            keys: ArcSwap::from_pointee(keys),
            subjects,
            has_new_subjects,
        }));
        ring.reseal(&stored.0).await?;
        ring.refresh_and_rotate().await?;
        ring.publish(registered).await?;
        Ok(ring)
    }

    /// The current keys, to be used for one request.
    pub fn current(&self) -> Arc<Keys> {
        self.0.keys.load_full()
    }

    /// Secrets for `purpose` that all replicas have, the current one first: see [`Cipher::derive`].
    pub fn derive(&self, purpose: &str) -> Vec<[u8; 32]> {
        self.0.cipher.derive(purpose)
    }

    /// Signs `claims` with the active key of `algorithm`. There is always one of ES256 and RS256. One of another algorithm is
    /// made by [`Self::publish`] and signs later.
    ///
    /// # Errors
    /// [`SignError::NoKey`] when no key of the algorithm signs yet. Others when the claims cannot be serialized or the library
    /// fails.
    pub fn sign(
        &self,
        algorithm: Algorithm,
        typ: &str,
        claims: &impl serde::Serialize,
    ) -> Result<String, SignError> {
        let keys = self.0.keys.load();
        let key = keys.signing_key(algorithm).ok_or(SignError::NoKey(algorithm))?;
        key.sign(typ, claims)
    }

    /// Reads the changes of other replicas, then applies the rotation steps that are due. It is called every
    /// [`RELOAD_INTERVAL`].
    ///
    /// # Errors
    /// [`KeyError`]. The keys in use do not change in that case.
    pub async fn refresh_and_rotate(&self) -> Result<(), KeyError> {
        let inner = &*self.0;
        let (version, stored) = read(&inner.db).await?;
        self.replace_if_changed(version, &stored)?;
        let scheduled = scheduled_keys(&stored.0);
        metering::record_metrics(&scheduled, &inner.policy);
        let steps = schedule::due(&scheduled, inner.clock.now(), &inner.policy);
        if steps.is_empty() {
            return Ok(());
        }
        let new_keys = generate(algorithms_to_make(&steps)).await?;
        let mut tx = inner.db.begin("turn_keys").await?;
        store::lock(&mut tx).await?;
        // Another replica may have done it while this one waited for the lock.
        let rows = store::all(&mut tx).await?;
        let tools = (&inner.cipher, &inner.random);
        apply(&mut tx, &rows, &new_keys, inner.clock.now(), &inner.policy, tools).await?;
        tx.commit().await?;
        self.reload().await
    }

    /// All signing keys.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list(&self) -> Result<Vec<KeyInfo>, KeyError> {
        let (_, (rows, _)) = read(&self.0.db).await?;
        rows.into_iter()
            .map(|row| {
                let state = row.state().ok_or_else(|| KeyError::Malformed(row.kid.clone()))?;
                Ok(KeyInfo {
                    kid: row.kid,
                    algorithm: row.algorithm,
                    state,
                    published_at: row.published_at,
                    activates_at: row.activates_at,
                    retired_at: row.retired_at,
                    removes_at: row.removes_at,
                })
            })
            .collect()
    }

    async fn reload(&self) -> Result<(), KeyError> {
        let (version, stored) = read(&self.0.db).await?;
        self.replace_if_changed(version, &stored)
    }

    fn replace_if_changed(&self, version: i64, stored: &Stored) -> Result<(), KeyError> {
        if self.0.keys.load().version != version {
            let keys = Keys::decrypt(version, stored, &self.0.cipher)?;
            self.0.keys.store(Arc::new(keys));
        }
        Ok(())
    }

    async fn reseal(&self, rows: &[KeyRow]) -> Result<(), KeyError> {
        let inner = &*self.0;
        let stale: Vec<_> = rows
            .iter()
            .filter(|row| row.encryption_key != inner.cipher.active())
            .collect();
        if stale.is_empty() {
            return Ok(());
        }
        let mut tx = inner.db.begin("reseal_keys").await?;
        store::lock(&mut tx).await?;
        for row in stale {
            let purpose = ring::purpose(&row.algorithm, &row.kid);
            let secret = inner.cipher.open(&purpose, &row.sealed())?;
            let sealed = inner.cipher.seal(&*inner.random, &purpose, &secret)?;
            store::reseal(&mut tx, &row.kid, &sealed).await?;
        }
        tx.commit().await?;
        self.reload().await
    }
}

/// The keys with which this service verifies its own tokens.
impl KeySource for KeyRing {
    fn keys(&self) -> (Arc<KeySet>, u64) {
        let keys = self.0.keys.load();
        (keys.verification_keys(), keys.version.unsigned_abs())
    }

    fn open<'a>(&self, token: &'a str) -> Cow<'a, str> {
        self.open_token(token)
    }

    fn refresh(&self) -> BoxFuture<'_, Result<(), KeysUnavailable>> {
        Box::pin(async move {
            // A failed reload is repeated at the next interval.
            let _ = self.reload().await;
            Ok(())
        })
    }
}

/// Deletes the signing keys of a backup from which the database was restored at `restored_at`. It runs before
/// [`KeyRing::open`], so that new ones are generated.
///
/// # Errors
/// When the database fails.
pub(crate) async fn delete_restored(tx: &mut Tx, restored_at: Timestamp) -> Result<(), DbError> {
    store::lock(tx).await?;
    store::delete_restored(tx, restored_at).await
}
