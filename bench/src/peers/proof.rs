//! DPoP proofs (RFC 9449 §4).

use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use chassis::clock::{Clock, SystemClock};
use oidc::jose::{Algorithm, SigningKey};
use serde_json::json;

/// The proofs of this process so far: each has an identifier of its own.
static PROOFS: AtomicU64 = AtomicU64::new(0);

/// A key, and the nonce that the server has asked for.
pub(super) struct Prover {
    key: SigningKey,
    pub(super) nonce: Option<String>,
}

impl Prover {
    pub(super) fn new() -> Result<Self> {
        Ok(Self {
            key: SigningKey::generate(Algorithm::Es256)?,
            nonce: None,
        })
    }

    /// A proof for a POST to `url`.
    pub(super) fn proof(&self, url: &str) -> Result<String> {
        let now = SystemClock.now().as_secs();
        let number = PROOFS.fetch_add(1, Ordering::Relaxed);
        let mut claims = json!({
            "jti": format!("{}-{now}-{number}", std::process::id()), "htm": "POST", "htu": url, "iat": now,
        });
        if let (Some(nonce), Some(members)) = (&self.nonce, claims.as_object_mut()) {
            members.insert("nonce".to_owned(), json!(nonce));
        }
        let header = json!({ "typ": "dpop+jwt", "alg": Algorithm::Es256, "jwk": self.key.public() });
        Ok(self.key.sign_with_header(&header, &claims)?)
    }
}
