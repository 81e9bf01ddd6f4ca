//! `Keys`: a decrypted snapshot of the signing keys and the published key set, which requests read without a
//! lock.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::http::HeaderValue;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use chassis::cipher::Cipher;
use chassis::secret::TokenHash;
use oidc::jose::{Algorithm, Jwk, JwkSet, KeySet, SigningKey};

use super::KeyError;
use super::changes::scheduled_keys;
use super::schedule::{self, ALWAYS, KeyState};
use super::store::KeyRow;

/// The keys at one version of the key ring.
#[derive(Debug)]
pub struct Keys {
    pub(super) version: i64,
    active: BTreeMap<Algorithm, SigningKey>,
    in_use: Vec<Algorithm>,
    verification_keys: Arc<KeySet>,
    hint_keys: Arc<KeySet>,
    jwks: Bytes,
    etag: HeaderValue,
}

impl Keys {
    pub(super) fn decrypt(
        version: i64,
        (rows, past): &(Vec<KeyRow>, Vec<String>),
        cipher: &Cipher,
    ) -> Result<Self, KeyError> {
        let mut set = JwkSet::default();
        let mut active = BTreeMap::new();
        for row in rows {
            // A later release may know more algorithms. Its replicas serve them.
            if Algorithm::from_name(&row.algorithm).is_none() {
                continue;
            }
            let key = open(row, cipher)?;
            set.keys.push(key.public().clone());
            if row.state() == Some(KeyState::Active) {
                active.insert(key.algorithm(), key);
            }
        }
        if let Some(missing) = ALWAYS
            .into_iter()
            .find(|algorithm| !active.contains_key(algorithm))
        {
            return Err(KeyError::NoActive(missing));
        }
        let jwks = serde_json::to_vec(&set).map_err(|_| KeyError::Malformed("the key set".to_owned()))?;
        let hash = TokenHash::of(std::str::from_utf8(&jwks).unwrap_or_default());
        let etag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(hash.as_bytes()));
        Ok(Self {
            version,
            active,
            in_use: schedule::in_use(&scheduled_keys(rows)),
            verification_keys: Arc::new(KeySet::from_jwks(&set)),
            hint_keys: Arc::new(KeySet::from_jwks(&with_past_keys(set, past))),
            jwks: jwks.into(),
            etag: HeaderValue::from_str(&etag).unwrap_or(HeaderValue::from_static("\"\"")),
        })
    }

    /// The active key of `algorithm`, if there is one.
    pub fn signing_key(&self, algorithm: Algorithm) -> Option<&SigningKey> {
        self.active.get(&algorithm)
    }

    /// The algorithms that have a key which signs or will.
    pub(super) fn algorithms(&self) -> Vec<Algorithm> {
        self.in_use.clone()
    }

    /// Those of `algorithms` that have no key which signs or will.
    pub(super) fn lacking(&self, algorithms: &BTreeSet<Algorithm>) -> Vec<Algorithm> {
        let lacks = |algorithm: &&Algorithm| !self.in_use.contains(algorithm);
        algorithms.iter().filter(lacks).copied().collect()
    }

    /// The keys that verify our tokens.
    pub fn verification_keys(&self) -> Arc<KeySet> {
        Arc::clone(&self.verification_keys)
    }

    /// The keys that verify an `id_token_hint`, also those that are not published any more. They must never
    /// verify tokens that grant access.
    pub fn hint_keys(&self) -> Arc<KeySet> {
        Arc::clone(&self.hint_keys)
    }

    /// The key set as JSON (RFC 7517 §5).
    pub fn jwks(&self) -> Bytes {
        self.jwks.clone()
    }

    /// The entity tag of the key set.
    pub fn etag(&self) -> HeaderValue {
        self.etag.clone()
    }
}

/// The key set with the public keys of earlier keys. One that cannot be read is left out.
fn with_past_keys(mut set: JwkSet, past: &[String]) -> JwkSet {
    for jwk in past
        .iter()
        .filter_map(|jwk| serde_json::from_str::<Jwk>(jwk).ok())
    {
        if !set.keys.iter().any(|key| key.kid == jwk.kid) {
            set.keys.push(jwk);
        }
    }
    set
}

/// The associated data with which a private key is encrypted.
pub(super) fn purpose(algorithm: &str, kid: &str) -> String {
    format!("signing key {algorithm} {kid}")
}

pub(super) fn open(row: &KeyRow, cipher: &Cipher) -> Result<SigningKey, KeyError> {
    let malformed = || KeyError::Malformed(row.kid.clone());
    let algorithm = Algorithm::from_name(&row.algorithm).ok_or_else(malformed)?;
    let der = cipher.open(&purpose(&row.algorithm, &row.kid), &row.sealed())?;
    let key = SigningKey::from_pkcs8(algorithm, &der).map_err(|_| malformed())?;
    if key.kid() == row.kid {
        Ok(key)
    } else {
        Err(malformed())
    }
}
