//! Reading the ring, and doing what is due to it.

use chassis::cipher::Cipher;
use chassis::clock::Timestamp;
use chassis::db::{Db, Tx};
use chassis::random::SharedRandom;
use oidc::jose::{Algorithm, SigningKey};

use super::schedule::{self, Known, Planned, Rhythm, Step};
use super::store::{self, Row};
use super::{KeyError, ring};

/// The keys, and the public halves of earlier ones.
pub(super) type Stored = (Vec<Row>, Vec<String>);

/// The version is read first: a change between the two reads is read again the next time.
pub(super) async fn read(db: &Db) -> Result<(i64, Stored), KeyError> {
    let mut reader = db.reader().await?;
    let version = store::version(&mut reader).await?;
    let rows = store::all(&mut reader).await?;
    Ok((version, (rows, store::past(&mut reader).await?)))
}

pub(super) fn known(rows: &[Row]) -> Vec<Known> {
    rows.iter()
        .filter_map(|row| {
            Some(Known {
                kid: row.kid.clone(),
                algorithm: Algorithm::from_name(&row.algorithm)?,
                state: row.state()?,
                activates_at: row.activates_at,
                removes_at: row.removes_at,
            })
        })
        .collect()
}

pub(super) fn wanted(steps: &[Step]) -> Vec<Algorithm> {
    steps
        .iter()
        .filter_map(|step| match step {
            Step::Make(plan) => Some(plan.algorithm),
            _ => None,
        })
        .collect()
}

/// Makes keys where no request waits for them: an RSA key takes a while.
pub(super) async fn make(algorithms: Vec<Algorithm>) -> Result<Vec<SigningKey>, KeyError> {
    if algorithms.is_empty() {
        return Ok(Vec::new());
    }
    let generate = move || {
        algorithms
            .into_iter()
            .map(SigningKey::generate)
            .collect::<Result<Vec<_>, _>>()
    };
    tokio::task::spawn_blocking(generate)
        .await
        .map_err(|error| KeyError::Make(error.to_string()))?
        .map_err(|error| KeyError::Make(error.to_string()))
}

/// Does what is due according to `rows`, with the keys that were made for it.
pub(super) async fn apply(
    tx: &mut Tx,
    rows: &[Row],
    fresh: &[SigningKey],
    now: Timestamp,
    rhythm: &Rhythm,
    (cipher, random): (&Cipher, &SharedRandom),
) -> Result<(), KeyError> {
    for step in schedule::due(&known(rows), now, rhythm) {
        match step {
            Step::Make(plan) => {
                if let Some(key) = fresh.iter().find(|key| key.algorithm() == plan.algorithm) {
                    insert(tx, &plan, key, cipher, random).await?;
                }
            }
            Step::Retire { kid, removes_at } => {
                store::retire(tx, &kid, now, removes_at).await?;
                if let Some(row) = rows.iter().find(|row| row.kid == kid) {
                    let key = ring::open(row, cipher)?;
                    let jwk =
                        serde_json::to_string(key.public()).map_err(|_| KeyError::Malformed(kid.clone()))?;
                    store::keep_public(tx, &kid, &jwk, removes_at + rhythm.hint).await?;
                }
            }
            Step::Activate { kid } => store::activate(tx, &kid, now).await?,
            Step::Remove { kid } => store::remove(tx, &kid).await?,
        }
    }
    Ok(store::forget_past(tx, now).await?)
}

pub(super) async fn insert(
    tx: &mut Tx,
    plan: &Planned,
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
