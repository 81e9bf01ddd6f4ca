//! Keys of the first start that all tests share, because an RSA key takes a while.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use chassis::cipher::Cipher;
use chassis::clock::Timestamp;
use chassis::db::Db;
use chassis::random::SharedRandom;
use oidc::jose::{Algorithm, SigningKey};

use super::{RotationPolicy, first_algorithms, insert_first, read};

/// The private keys, as PKCS#8.
static KEYS: Mutex<BTreeMap<Algorithm, Vec<u8>>> = Mutex::new(BTreeMap::new());

fn key(algorithm: Algorithm) -> SigningKey {
    let mut keys = KEYS.lock().unwrap_or_else(PoisonError::into_inner);
    let der = keys.entry(algorithm).or_insert_with(|| {
        SigningKey::generate(algorithm)
            .unwrap()
            .to_pkcs8()
            .unwrap()
            .to_vec()
    });
    SigningKey::from_pkcs8(algorithm, der).unwrap()
}

/// Inserts the keys that [`super::KeyRing::open`] would make, if there are none.
pub(crate) async fn insert_first_keys(
    db: &Db,
    now: Timestamp,
    policy: &RotationPolicy,
    (cipher, random): (&Cipher, &SharedRandom),
    registered: &BTreeSet<Algorithm>,
) {
    if !read(db).await.unwrap().1.0.is_empty() {
        return;
    }
    let keys: Vec<SigningKey> = first_algorithms(registered).into_iter().map(key).collect();
    insert_first(db, &keys, now, policy, (cipher, random))
        .await
        .unwrap();
}
