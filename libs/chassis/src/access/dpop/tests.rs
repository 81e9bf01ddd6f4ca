//! Tests of nonces and of the memory of used proofs.

use oidc::jose::{Algorithm, SigningKey};
use serde_json::json;

use super::*;
use crate::clock::{Clock as _, ManualClock};

const START: Timestamp = Timestamp::from_secs(1_800_000_000);

fn replica(secrets: &[[u8; 32]], clock: &Arc<ManualClock>) -> Dpop {
    Dpop::new(secrets, clock.clone())
}

fn proof(jti: &str) -> VerifiedProof {
    VerifiedProof {
        jkt: "key".to_owned(),
        algorithm: Algorithm::Es256,
        jti: jti.to_owned(),
        nonce: None,
    }
}

#[test]
fn replicas_accept_the_nonces_of_each_other_for_two_minutes_at_least() {
    let clock = Arc::new(ManualClock::new(START));
    let (one, other) = (replica(&[[1; 32]], &clock), replica(&[[1; 32]], &clock));
    let rotated = replica(&[[2; 32], [1; 32]], &clock);
    let nonce = one.nonce();
    for seconds in [0, 60, 119] {
        clock.set(START + Duration::from_secs(seconds));
        assert!(
            other.accepts(&nonce, clock.now()) && rotated.accepts(&nonce, clock.now()),
            "{seconds}"
        );
    }
    clock.set(START + Duration::from_secs(180));
    assert!(!other.accepts(&nonce, clock.now()));
    assert_ne!(other.nonce(), nonce);
    clock.set(START - Duration::from_secs(1));
    assert!(other.accepts(&nonce, clock.now()), "its clock is behind");
    clock.set(START - Duration::from_secs(120));
    assert!(!other.accepts(&nonce, clock.now()));
    assert!(
        !one.accepts(&rotated.nonce(), clock.now()),
        "it does not have the new secret"
    );
    assert!(!one.accepts("", clock.now()));
}

#[test]
fn the_nonce_alone_is_checked_for_a_stranger() {
    let clock = Arc::new(ManualClock::new(START));
    let dpop = replica(&[[1; 32]], &clock);
    // Neither the header nor the signature is one of a proof, and no claim but the nonce is checked.
    let sent = |claims: &str| format!("e30.{}.", URL_SAFE_NO_PAD.encode(claims));
    let claims = |nonce: &str| {
        sent(&format!(
            r#"{{"jti": "", "htm": "", "htu": "", "iat": 0{nonce}}}"#
        ))
    };
    let current = claims(&format!(r#", "nonce": "{}""#, dpop.nonce()));
    let (missing, stale) = (claims(""), claims(r#", "nonce": "x""#));
    let check = |proofs: &[&str]| {
        let mut headers = HeaderMap::new();
        for proof in proofs {
            headers.append(DPOP, proof.parse().unwrap());
        }
        dpop.check_nonce(&headers).map(drop)
    };
    for (proofs, outcome) in [
        (&[][..], Ok(())),
        (&[current.as_str()], Ok(())),
        (&[missing.as_str()], Err(DpopError::Nonce)),
        (&[stale.as_str()], Err(DpopError::Nonce)),
        // `verify` says what is wrong with these.
        (&[missing.as_str(), stale.as_str()], Ok(())),
        (&["x"], Ok(())),
        (&[sent("{}").as_str()], Ok(())),
    ] {
        assert_eq!(check(proofs), outcome, "{proofs:?}");
    }
    clock.set(START + Duration::from_secs(180));
    assert_eq!(check(&[&current]), Err(DpopError::Nonce));
}

/// A client assertion is used up between the two checks.
#[test]
fn a_nonce_that_was_checked_does_not_become_too_old_during_the_request() {
    let clock = Arc::new(ManualClock::new(START));
    let dpop = replica(&[[1; 32]], &clock);
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let (url, last) = (
        "https://auth.example/oauth2/token",
        START + Duration::from_secs(179),
    );
    let header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": key.public()});
    let claims = json!({"jti": "1", "htm": "POST", "htu": url, "iat": last.as_secs(), "nonce": dpop.nonce()});
    let mut headers = HeaderMap::new();
    headers.insert(
        DPOP,
        key.sign_with_header(&header, &claims).unwrap().parse().unwrap(),
    );
    clock.set(last);
    let checked = dpop.check_nonce(&headers).unwrap();
    clock.set(START + Duration::from_secs(181));
    assert_eq!(dpop.check_nonce(&headers), Err(DpopError::Nonce));
    assert_eq!(dpop.verify(&headers, "POST", url, None), Err(DpopError::Nonce));
    let verified = dpop.verify_checked(checked, &headers, "POST", url).unwrap();
    assert_eq!(verified.unwrap().jti, "1");
}

#[test]
fn a_proof_is_new_once_while_its_nonce_lives() {
    let clock = Arc::new(ManualClock::new(START));
    let dpop = replica(&[[1; 32]], &clock);
    for jti in ["a", "b"] {
        assert_eq!(dpop.remember(&proof(jti)), Ok(()));
    }
    // Every shard begins its half now.
    for number in 0..1000 {
        dpop.remember(&proof(&number.to_string())).unwrap();
    }
    for seconds in [0, 1, 100, 299] {
        clock.set(START + Duration::from_secs(seconds));
        assert_eq!(dpop.remember(&proof("a")), Err(DpopError::Replayed), "{seconds}");
    }
    // A half is replaced after 300 seconds, and the one before is still asked.
    clock.set(START + Duration::from_secs(299));
    assert_eq!(dpop.remember(&proof("c")), Ok(()));
    for seconds in [301, 598] {
        clock.set(START + Duration::from_secs(seconds));
        assert_eq!(dpop.remember(&proof("c")), Err(DpopError::Replayed), "{seconds}");
    }
    clock.set(START + Duration::from_secs(900));
    assert_eq!(dpop.remember(&proof("c")), Ok(()), "its nonce is refused by now");
    let other_key = VerifiedProof {
        jkt: "other".to_owned(),
        ..proof("a")
    };
    assert_eq!(dpop.remember(&other_key), Ok(()));
}

#[test]
fn the_memory_of_proofs_is_bounded() {
    let used = UsedProofs::new(64);
    for number in 0..1000 {
        used.insert(&TokenHash::of(&format!("proof {number}")), START);
    }
    let count: usize = used
        .shards
        .iter()
        .map(|shard| {
            let shard = shard.lock().unwrap();
            shard.young.len() + shard.old.len()
        })
        .sum();
    assert!((65..=128).contains(&count), "{count}");
}

#[test]
fn a_full_half_keeps_the_one_before() {
    let used = UsedProofs::new(640 * SHARDS);
    let number_of = |number: u32| TokenHash::of(&format!("proof {number}"));
    // In each shard the young half is full once at least, and not twice.
    for number in 0..960 * SHARDS as u32 {
        assert!(used.insert(&number_of(number), START));
    }
    for shard in &used.shards {
        assert!(!shard.lock().unwrap().old.is_empty());
    }
    for number in 0..960 * SHARDS as u32 {
        assert!(!used.insert(&number_of(number), START), "{number}");
    }
}

#[test]
fn the_shard_of_a_proof_cannot_be_chosen() {
    let used = UsedProofs::new(128 * SHARDS);
    let mut chosen = (0..)
        .map(|number: u32| TokenHash::of(&format!("proof {number}")))
        .filter(|hash| usize::from(hash.as_bytes()[0]) % SHARDS == 0);
    let victim = chosen.next().unwrap();
    assert!(used.insert(&victim, START));
    for hash in chosen.take(600) {
        used.insert(&hash, START);
    }
    assert!(!used.insert(&victim, START));
}

#[test]
fn a_proof_whose_request_failed_is_new_again() {
    let clock = Arc::new(ManualClock::new(START));
    let dpop = replica(&[[1; 32]], &clock);
    dpop.remember(&proof("a")).unwrap();
    clock.set(START + Duration::from_secs(240));
    dpop.remember(&proof("b")).unwrap();
    for jti in ["a", "b"] {
        dpop.forget(&proof(jti));
        assert_eq!(dpop.remember(&proof(jti)), Ok(()), "{jti}");
        assert_eq!(dpop.remember(&proof(jti)), Err(DpopError::Replayed), "{jti}");
    }
}

#[test]
fn of_many_uses_at_once_one_is_the_first() {
    let clock = Arc::new(ManualClock::new(START));
    let dpop = replica(&[[1; 32]], &clock);
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let dpop = dpop.clone();
            std::thread::spawn(move || {
                (0..100)
                    .filter(|n| dpop.remember(&proof(&n.to_string())).is_ok())
                    .count()
            })
        })
        .collect();
    let first: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    assert_eq!(first, 100);
}
