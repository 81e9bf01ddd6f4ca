//! The first keys of the algorithms that clients are registered for, beside ES256 and RS256.

use std::collections::BTreeSet;

use chassis::clock::Timestamp;
use chassis::db::Tx;
use oidc::jose::{Algorithm, SigningKey};

use super::changes::{generate, insert, scheduled_keys};
use super::rotation::CACHE_PROPAGATION;
use super::schedule::{self, KeyState, PlannedKey};
use super::store::KeyRow;
use super::{KeyError, KeyRing, Tools, store};

impl KeyRing {
    /// Publishes a first key of each of `algorithms` that has none. It signs when every cached copy of the key set has expired, as
    /// after a rotation (SB-37). From then on it is rotated like the others.
    ///
    /// # Errors
    /// [`KeyError`].
    pub async fn publish(&self, algorithms: &BTreeSet<Algorithm>) -> Result<(), KeyError> {
        if self.current().lacking(algorithms).is_empty() {
            return Ok(());
        }
        // Another replica may have made it since this one looked.
        self.reload().await?;
        let missing = self.current().lacking(algorithms);
        if missing.is_empty() {
            return Ok(());
        }
        let new_keys = generate(missing).await?;
        let inner = &*self.0;
        let mut tx = inner.db.begin("publish_keys").await?;
        store::lock(&mut tx).await?;
        let known = store::all(&mut tx).await?;
        let now = inner.clock.now();
        let tools = (&inner.cipher, &inner.random);
        insert_first(&mut tx, &known, &new_keys, (now, now + CACHE_PROPAGATION), tools).await?;
        tx.commit().await?;
        self.reload().await
    }
}

/// Inserts those of `new_keys` whose algorithm has no key. They are published at the first time and sign from the second.
pub(super) async fn insert_first(
    tx: &mut Tx,
    known: &[KeyRow],
    new_keys: &[SigningKey],
    (published_at, activates_at): (Timestamp, Timestamp),
    (cipher, random): Tools<'_>,
) -> Result<(), KeyError> {
    let in_use = schedule::in_use(&scheduled_keys(known));
    let further = |key: &&SigningKey| !in_use.contains(&key.algorithm());
    for key in new_keys.iter().filter(further) {
        let plan = PlannedKey {
            algorithm: key.algorithm(),
            state: if activates_at > published_at {
                KeyState::Published
            } else {
                KeyState::Active
            },
            published_at,
            activates_at,
        };
        insert(tx, &plan, key, cipher, random).await?;
        tracing::info!(
            "first signing key of {} published: {}, which signs from {activates_at}",
            plan.algorithm,
            key.kid()
        );
    }
    Ok(())
}
