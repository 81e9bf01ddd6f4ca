//! DPoP at a service: nonces that replicas share without a table, and the proofs of the last minutes (RFC 9449 §8, §9,
//! §11.1). See `docs/decisions/0051-dpop.md`.

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use aws_lc_rs::hmac;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oidc::dpop::{DPOP_ALGORITHMS, DpopError, ExpectedProof, VerifiedProof, unverified_nonce, verify_proof};

use crate::clock::{SharedClock, Timestamp};
use crate::secret::TokenHash;

/// The header of a proof (RFC 9449 §4.1).
pub const DPOP: HeaderName = HeaderName::from_static("dpop");
/// The header of a nonce (RFC 9449 §8.1).
pub const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// The time for which one nonce is given out, in seconds.
const NONCE_STEP: i64 = 60;
/// The steps for which a nonce is accepted after its own, so that a client may send it for two minutes at least.
const EARLIER_STEPS: i64 = 2;
/// A replica whose clock is ahead gives out the nonce of the next step.
const LATER_STEPS: i64 = 1;
/// The longest time from the first use of a proof until its nonce is refused: 240 s, and what a request may take whose nonce was checked
/// when it came.
const REPLAY_WINDOW: Duration = Duration::from_secs(300);
/// The proofs that are remembered in one half of the memory. Two halves of this size take about 12 MB.
const REMEMBERED: usize = 262_144;
const SHARDS: usize = 16;

/// The time at which the nonce of a request was checked, for the proof that is verified later in the same request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct NonceChecked(Timestamp);

/// The DPoP proofs of the requests to one service. Cheap to clone.
#[derive(Clone)]
pub struct Dpop(Arc<Inner>);

struct Inner {
    keys: Vec<hmac::Key>,
    clock: SharedClock,
    used: UsedProofs,
}

impl Dpop {
    /// Nonces are derived from the first of `secrets`, and accepted when they were derived from any. All replicas have the
    /// same secrets.
    pub fn new(secrets: &[[u8; 32]], clock: SharedClock) -> Self {
        let keys = secrets
            .iter()
            .map(|secret| hmac::Key::new(hmac::HMAC_SHA256, secret))
            .collect();
        Self(Arc::new(Inner {
            keys,
            clock,
            used: UsedProofs::new(REMEMBERED),
        }))
    }

    /// A secret for nonces from another one that all replicas have.
    pub fn derive_secret(shared: &[u8]) -> [u8; 32] {
        let mut secret = [0; 32];
        let key = hmac::Key::new(hmac::HMAC_SHA256, shared);
        secret.copy_from_slice(hmac::sign(&key, b"DPoP nonces").as_ref());
        secret
    }

    /// The current nonce (RFC 9449 §8).
    pub fn nonce(&self) -> String {
        let step = step_at(self.0.clock.now());
        self.0
            .keys
            .first()
            .map(|key| nonce_of(key, step))
            .unwrap_or_default()
    }

    /// Checks the nonce of the proof of a request, if it has one, and nothing else. So a client that has to send its request again with
    /// a nonce (RFC 9449 §8) hears it before the request uses anything up. What else is wrong with the proof, [`Self::verify_checked`]
    /// finds.
    ///
    /// # Errors
    /// [`DpopError::Nonce`].
    pub fn check_nonce(&self, headers: &HeaderMap) -> Result<NonceChecked, DpopError> {
        let now = self.0.clock.now();
        let mut proofs = headers.get_all(DPOP).iter();
        if let (Some(proof), None) = (proofs.next(), proofs.next())
            && let Ok(Ok(nonce)) = proof.to_str().map(unverified_nonce)
        {
            self.check_accepted(nonce.as_deref(), now)?;
        }
        Ok(NonceChecked(now))
    }

    /// Verifies the proof of a request, if it has one, with its nonce (RFC 9449 §4.3). [`Self::remember`] has to follow before the
    /// request changes anything.
    ///
    /// # Errors
    /// The first failed check.
    pub fn verify(
        &self,
        headers: &HeaderMap,
        method: &str,
        url: &str,
        access_token: Option<&str>,
    ) -> Result<Option<VerifiedProof>, DpopError> {
        let now = self.0.clock.now();
        self.verify_with(headers, (method, url, access_token), now)
    }

    /// The same without an access token, for a request whose nonce was checked before: it does not become too old while the request is
    /// worked on.
    ///
    /// # Errors
    /// The first failed check.
    pub fn verify_checked(
        &self,
        checked: NonceChecked,
        headers: &HeaderMap,
        method: &str,
        url: &str,
    ) -> Result<Option<VerifiedProof>, DpopError> {
        self.verify_with(headers, (method, url, None), checked.0)
    }

    fn verify_with(
        &self,
        headers: &HeaderMap,
        (method, url, access_token): (&str, &str, Option<&str>),
        nonce_at: Timestamp,
    ) -> Result<Option<VerifiedProof>, DpopError> {
        let mut proofs = headers.get_all(DPOP).iter();
        let Some(proof) = proofs.next() else {
            return Ok(None);
        };
        if proofs.next().is_some() {
            return Err(DpopError::Several);
        }
        let expected = ExpectedProof {
            method,
            url,
            access_token,
            now: self.0.clock.now().as_secs(),
        };
        let proof = verify_proof(proof.to_str().map_err(|_| DpopError::Malformed)?, &expected)?;
        self.check_accepted(proof.nonce.as_deref(), nonce_at)?;
        Ok(Some(proof))
    }

    /// Remembers that a proof was used.
    ///
    /// # Errors
    /// [`DpopError::Replayed`] when it was used before.
    pub fn remember(&self, proof: &VerifiedProof) -> Result<(), DpopError> {
        if self.0.used.insert(&hash_of(proof), self.0.clock.now()) {
            Ok(())
        } else {
            Err(DpopError::Replayed)
        }
    }

    /// Forgets a proof whose request failed, so that its sender may use it again. [`Self::remember`] has succeeded for it.
    pub fn forget(&self, proof: &VerifiedProof) {
        self.0.used.remove(&hash_of(proof));
    }

    fn check_accepted(&self, nonce: Option<&str>, at: Timestamp) -> Result<(), DpopError> {
        if nonce.is_some_and(|nonce| self.accepts(nonce, at)) {
            Ok(())
        } else {
            Err(DpopError::Nonce)
        }
    }

    fn accepts(&self, nonce: &str, at: Timestamp) -> bool {
        let step = step_at(at);
        self.0.keys.iter().any(|key| {
            (step - EARLIER_STEPS..=step + LATER_STEPS).any(|step| {
                subtle::ConstantTimeEq::ct_eq(nonce_of(key, step).as_bytes(), nonce.as_bytes()).into()
            })
        })
    }
}

impl std::fmt::Debug for Dpop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Dpop(…)")
    }
}

fn step_at(time: Timestamp) -> i64 {
    time.as_secs().div_euclid(NONCE_STEP)
}

fn hash_of(proof: &VerifiedProof) -> TokenHash {
    TokenHash::of(&format!("{} {}", proof.jkt, proof.jti))
}

fn nonce_of(key: &hmac::Key, step: i64) -> String {
    let tag = hmac::sign(key, format!("DPoP nonce {step}").as_bytes());
    URL_SAFE_NO_PAD.encode(tag.as_ref().get(..18).unwrap_or_default())
}

/// Adds `DPoP-Nonce` to the response to a request with a proof or with the scheme DPoP (RFC 9449 §8.2).
pub async fn add_dpop_nonce(State(dpop): State<Dpop>, request: Request, next: Next) -> Response {
    let scheme = |value: &HeaderValue| {
        let bytes = value.as_bytes();
        bytes
            .get(..5)
            .is_some_and(|start| start.eq_ignore_ascii_case(b"dpop "))
    };
    let headers = request.headers();
    let asks = headers.contains_key(DPOP) || headers.get(AUTHORIZATION).is_some_and(scheme);
    let mut response = next.run(request).await;
    if asks && let Ok(nonce) = HeaderValue::from_str(&dpop.nonce()) {
        response.headers_mut().insert(DPOP_NONCE, nonce);
    }
    response
}

/// `WWW-Authenticate` for a refused proof or a refused DPoP-bound token (RFC 9449 §7.1, §9).
pub(super) fn challenge(error: &str) -> String {
    let names = DPOP_ALGORITHMS.map(oidc::jose::Algorithm::name).join(" ");
    format!(r#"DPoP error="{error}", algs="{names}""#)
}

/// The hashes of used proofs. Two halves: when the young one is old or full, it replaces the other.
struct UsedProofs {
    shards: [Mutex<Shard>; SHARDS],
    /// It is random for each process. Senders choose the hashes of their proofs, and must not choose the shard.
    chooser: RandomState,
    capacity: usize,
}

#[derive(Default)]
struct Shard {
    young: HashSet<[u8; 16]>,
    old: HashSet<[u8; 16]>,
    since: Option<Timestamp>,
}

impl UsedProofs {
    fn new(capacity: usize) -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            chooser: RandomState::new(),
            capacity: capacity / SHARDS,
        }
    }

    /// Returns whether the proof is new.
    fn insert(&self, hash: &TokenHash, now: Timestamp) -> bool {
        let Some((short, mut shard)) = self.shard(hash) else {
            return false;
        };
        // A clock that went back far makes the half old as well (SB-50).
        let old = shard
            .since
            .is_none_or(|since| now.distance(since) >= REPLAY_WINDOW);
        if old || shard.young.len() >= self.capacity {
            shard.old = std::mem::take(&mut shard.young);
            shard.since = Some(now);
        }
        !shard.old.contains(short) && shard.young.insert(*short)
    }

    fn remove(&self, hash: &TokenHash) {
        if let Some((short, mut shard)) = self.shard(hash) {
            shard.young.remove(short);
            shard.old.remove(short);
        }
    }

    /// The shard of a proof, and the part of its hash that is stored.
    fn shard<'a>(&'a self, hash: &'a TokenHash) -> Option<(&'a [u8; 16], MutexGuard<'a, Shard>)> {
        let short = hash.as_bytes().first_chunk::<16>()?;
        let chosen = self.chooser.hash_one(short) % SHARDS as u64;
        let shard = self.shards.get(usize::try_from(chosen).ok()?)?;
        Some((short, shard.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}
