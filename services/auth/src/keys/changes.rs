//! Reading the stored keys, generating keys, and applying the steps of the rotation.

use chassis::cipher::Cipher;
use chassis::clock::Timestamp;
use chassis::db::{Db, Tx};
use chassis::random::SharedRandom;
use oidc::jose::{Algorithm, SigningKey};

use super::schedule::{self, PlannedKey, RotationPolicy, RotationStep, ScheduledKey};
use super::store::{self, KeyRow};
use super::{KeyError, Tools, ring};

/// The stored keys, and the public keys of earlier ones as JWKs.
pub(super) type Stored = (Vec<KeyRow>, Vec<String>);

/// Reads the version and the keys. The version comes first, so that a change between the two reads is read
/// again next time.
pub(super) async fn read(db: &Db) -> Result<(i64, Stored), KeyError> {
    let mut reader = db.reader().await?;
    let version = store::version(&mut reader).await?;
    let rows = store::all(&mut reader).await?;
    Ok((version, (rows, store::past_keys(&mut reader).await?)))
}

pub(super) fn scheduled_keys(rows: &[KeyRow]) -> Vec<ScheduledKey> {
    rows.iter()
        .filter_map(|row| {
            Some(ScheduledKey {
                kid: row.kid.clone(),
                algorithm: Algorithm::from_name(&row.algorithm)?,
                state: row.state()?,
                activates_at: row.activates_at,
                removes_at: row.removes_at,
            })
        })
        .collect()
}

pub(super) fn algorithms_to_make(steps: &[RotationStep]) -> Vec<Algorithm> {
    steps
        .iter()
        .filter_map(|step| match step {
            RotationStep::Make(plan) => Some(plan.algorithm),
            _ => None,
        })
        .collect()
}

/// Generates keys on a blocking thread, because an RSA key takes a while.
pub(super) async fn generate(algorithms: Vec<Algorithm>) -> Result<Vec<SigningKey>, KeyError> {
    if algorithms.is_empty() {
        return Ok(Vec::new());
    }
    let generate_all = move || {
        algorithms
            .into_iter()
            .map(SigningKey::generate)
            .collect::<Result<Vec<_>, _>>()
    };
    tokio::task::spawn_blocking(generate_all)
        .await
        .map_err(|error| KeyError::Make(error.to_string()))?
        .map_err(|error| KeyError::Make(error.to_string()))
}

/// Applies the rotation steps that are due for `rows`, with the keys that were generated for them.
pub(super) async fn apply(
    tx: &mut Tx,
    rows: &[KeyRow],
    new_keys: &[SigningKey],
    now: Timestamp,
    policy: &RotationPolicy,
    (cipher, random): Tools<'_>,
) -> Result<(), KeyError> {
    for step in schedule::due(&scheduled_keys(rows), now, policy) {
        match step {
            RotationStep::Make(plan) => {
                if let Some(key) = new_keys.iter().find(|key| key.algorithm() == plan.algorithm) {
                    insert(tx, &plan, key, cipher, random).await?;
                }
            }
            RotationStep::Retire { kid, removes_at } => {
                store::retire(tx, &kid, now, removes_at).await?;
                if let Some(row) = rows.iter().find(|row| row.kid == kid) {
                    let key = ring::open(row, cipher)?;
                    let jwk =
                        serde_json::to_string(key.public()).map_err(|_| KeyError::Malformed(kid.clone()))?;
                    store::insert_past_key(tx, &kid, &jwk, removes_at + policy.retain_public).await?;
                }
            }
            RotationStep::Activate { kid } => store::activate(tx, &kid, now).await?,
            RotationStep::Remove { kid } => store::remove(tx, &kid).await?,
        }
    }
    Ok(store::delete_past_keys(tx, now).await?)
}

pub(super) async fn insert(
    tx: &mut Tx,
    plan: &PlannedKey,
    key: &SigningKey,
    cipher: &Cipher,
    random: &SharedRandom,
) -> Result<(), KeyError> {
    let der = key
        .to_pkcs8()
        .map_err(|error| KeyError::Make(error.to_string()))?;
    let purpose = ring::purpose(plan.algorithm.name(), key.kid());
    let sealed = cipher.seal(&**random, &purpose, &der)?;
    Ok(store::insert(tx, plan, key.kid(), &sealed).await?)
}
