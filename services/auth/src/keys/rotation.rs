//! Rotation on demand: an administrator has the keys rotated or dropped.

use std::time::Duration;

use chassis::clock::Timestamp;
use oidc::jose::SigningKey;

use super::changes::{generate, insert};
use super::schedule::{KeyState, PlannedKey};
use super::{KeyError, KeyRing, store};

/// The time for which a key made on demand is published before it signs. Every cached copy of the key set has
/// expired by then.
pub(super) const CACHE_PROPAGATION: Duration = Duration::from_secs(300 + 30);
/// The time for which a key of an immediate rotation is published before it signs. Every replica has read the
/// key by then. Verifiers fetch the key set again when they see an unknown key id.
pub(super) const REPLICA_PROPAGATION: Duration = Duration::from_secs(10);

/// The result of a rotation on demand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The ids of the keys that were made. An algorithm whose next key was published before adds no id.
    pub made: Vec<String>,
    /// The time at which the last of the next keys begins to sign.
    pub signs_from: Timestamp,
}

impl KeyRing {
    /// Deletes every key and signs with new ones from now on, because private keys may have leaked.
    /// Everything that the old keys signed is void, ID tokens as hints too. Sessions and refresh tokens are
    /// not signed and stay valid. Other replicas sign with the old keys for up to [`RELOAD_INTERVAL`].
    ///
    /// # Errors
    /// [`KeyError`]. The keys do not change in that case.
    pub async fn drop_all(&self) -> Result<Rotation, KeyError> {
        let inner = &*self.0;
        let new_keys = generate(self.current().algorithms()).await?;
        let mut tx = inner.db.begin("drop_keys").await?;
        store::lock(&mut tx).await?;
        store::remove_all(&mut tx).await?;
        let now = inner.clock.now();
        for key in &new_keys {
            let plan = PlannedKey {
                algorithm: key.algorithm(),
                state: KeyState::Active,
                published_at: now,
                activates_at: now,
            };
            insert(&mut tx, &plan, key, &inner.cipher, &inner.random).await?;
        }
        tx.commit().await?;
        self.reload().await?;
        Ok(Rotation {
            made: kids(&new_keys),
            signs_from: now,
        })
    }

    /// Rotates the keys on demand. A next key is published at once. It signs when every cached copy of the
    /// key set has expired, or with `immediately` when every replica has read it. When a next key is
    /// published already, no other is made, and that one signs as early.
    ///
    /// # Errors
    /// [`KeyError`].
    pub async fn rotate(&self, immediately: bool) -> Result<Rotation, KeyError> {
        let inner = &*self.0;
        let new_keys = generate(self.current().algorithms()).await?;
        let mut tx = inner.db.begin("rotate_keys").await?;
        store::lock(&mut tx).await?;
        let rows = store::all(&mut tx).await?;
        let now = inner.clock.now();
        let mut rotation = Rotation {
            made: Vec::new(),
            signs_from: now,
        };
        for key in &new_keys {
            let ahead = if immediately {
                REPLICA_PROPAGATION
            } else {
                CACHE_PROPAGATION
            };
            let next = rows.iter().find(|row| {
                row.algorithm == key.algorithm().name() && row.state() == Some(KeyState::Published)
            });
            if let Some(next) = next {
                let at = now.max(next.published_at + ahead).min(next.activates_at);
                store::set_activation(&mut tx, &next.kid, at).await?;
                rotation.signs_from = rotation.signs_from.max(at);
            } else {
                let plan = PlannedKey {
                    algorithm: key.algorithm(),
                    state: KeyState::Published,
                    published_at: now,
                    activates_at: now + ahead,
                };
                insert(&mut tx, &plan, key, &inner.cipher, &inner.random).await?;
                rotation.made.push(key.kid().to_owned());
                rotation.signs_from = rotation.signs_from.max(plan.activates_at);
            }
        }
        tx.commit().await?;
        self.reload().await?;
        Ok(rotation)
    }
}

fn kids(keys: &[SigningKey]) -> Vec<String> {
    keys.iter().map(|key| key.kid().to_owned()).collect()
}
