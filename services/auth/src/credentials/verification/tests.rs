//! Tests of the verification against imported hashes: the verdict, its time and its memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chassis::random::{SharedRandom, SystemRandom};
use chassis::secret::SecretString;
use password_hashes::ImportError;
use password_hashes::argon2::ScratchMemory;

use super::super::spare_memory::{Refused, SpareMemory};
use super::super::{Cost, Hasher, HasherConfig, Password, Verdict};
use super::{filler, thread_time};

/// As long as some milliseconds.
const SLOW: Cost = Cost {
    memory_kib: 8 * 1024,
    iterations: 4,
    parallelism: 1,
};

const PASSWORD: &str = "gorse-tin-vivid";
// slappasswd (OpenLDAP 2.5.13)
const SSHA: &str = "{SSHA}xGcCMbQUTupRlIR1WMaX5xPpCPPHZAqC";
// bcrypt 5.0.0 (Python)
const BCRYPT: &str = "$2b$04$5ujii9zMrP9QrISEOLTmUeE3aj7HB56COPvabyGOHWml9Pmr64LNS";
// bcrypt 4.0.1 (Python), which takes the first 72 bytes of 72 times `a` and `tail`.
const LONG_BCRYPT: &str = "$2b$04$A2g9rhemwoIW8G6QtIoNbuEkpOxjZErMLTiMpzzojDP/Ijn7pMSOe";
// argon2-cffi 25.1.0 (Python)
const ARGON2I: &str =
    "$argon2i$v=19$m=256,t=2,p=2$c2FsdHNhbHRpaWlp$Lu0Y6SfBpxr/PA3qMrINq2GUtI/QkbYRsZac/JITLoE";
// Node.js 20.20.2: 1 MiB and more.
const SCRYPT: &str =
    "$scrypt$ln=10,r=8,p=1$BykdCf3K+pvU4sw5Ts/LuQ$TfFbbnT4anahIeb0odeeSGhJebN3g50rqIWRNpmf4mQ";

fn hasher(cost: Cost, threads: usize) -> Hasher {
    let config = HasherConfig {
        cost,
        threads: Some(threads),
        queue: 64,
    };
    let random: SharedRandom = Arc::new(SystemRandom::default());
    Hasher::start(config, random).unwrap()
}

fn password(text: &str) -> Password {
    Password::new(&SecretString::from(text)).unwrap()
}

#[test]
fn a_hash_of_another_scheme_is_verified_and_outdated() {
    // SB-5
    testkit::block_on(async {
        let hasher = hasher(SLOW, 2);
        for stored in [SSHA, BCRYPT, ARGON2I, SCRYPT] {
            let right = hasher.verify(password(PASSWORD), Some(stored)).await;
            assert_eq!(right, Ok(Verdict::Match { outdated: true }), "{stored}");
            let wrong = hasher.verify(password("gorse-tin-vivie"), Some(stored)).await;
            assert_eq!(wrong, Ok(Verdict::Mismatch), "{stored}");
        }
    });
}

#[test]
fn a_hash_that_cannot_be_read_is_a_mismatch_and_the_thread_lives_on() {
    testkit::block_on(async {
        let hasher = hasher(SLOW, 1);
        for stored in ["", "$oops", "$argon3id$v=1$m=1$a$b", "$2b$04$short"] {
            let verdict = hasher.verify(password(PASSWORD), Some(stored)).await.unwrap();
            assert!(
                matches!(verdict, Verdict::Unverifiable(_)),
                "{stored}: {verdict:?}"
            );
        }
        let unknown = hasher.verify(password(PASSWORD), Some("$oops")).await;
        assert_eq!(unknown, Ok(Verdict::Unverifiable(ImportError::UnknownScheme)));
        assert_eq!(
            hasher.verify(password(PASSWORD), None).await,
            Ok(Verdict::Mismatch)
        );
    });
}

#[test]
fn what_was_typed_is_compared_where_another_system_did_not_normalize_it() {
    testkit::block_on(async {
        let hasher = hasher(SLOW, 1);
        let (composed, decomposed) = ("caf\u{e9} on the corner", "cafe\u{301} on the corner");
        // Python 3.11.7, hashlib.sha1, of the decomposed text.
        let stored = "{SSHA}u4znqdPrSdqQdFyWpMRCiVTifhRzYWx0c2FsdA==";
        let verify = async |typed| hasher.verify(password(typed), Some(stored)).await;
        assert_eq!(verify(decomposed).await, Ok(Verdict::Match { outdated: true }));
        assert_eq!(verify(composed).await, Ok(Verdict::Mismatch));
    });
}

#[test]
fn the_missing_time_becomes_memory_of_the_filler() {
    let full = Duration::from_millis(20);
    let memory = |used| filler(SLOW, full, Duration::from_millis(used)).map(|cost| cost.memory_kib);
    assert_eq!(memory(0), Some(8 * 1024));
    assert_eq!(memory(5), Some(6 * 1024));
    assert_eq!(memory(15), Some(2 * 1024));
    assert_eq!(memory(20), None);
    assert_eq!(memory(25), None);
    // Below the minimum of argon2.
    assert_eq!(filler(SLOW, full, full - Duration::from_nanos(1)), None);
}

/// The least processor time of some verifications, of each password against each hash. Unlike the time that passes, it does not
/// grow with what else runs on the machine.
fn least_times<const N: usize>(hasher: &Hasher, cases: [(&str, &str); N]) -> [Duration; N] {
    let mut scratch = ScratchMemory::default();
    let mut least = [Duration::MAX; N];
    for _ in 0..12 {
        for (least, (typed, stored)) in least.iter_mut().zip(cases) {
            let typed = password(typed);
            let began = thread_time();
            hasher.pool().verify(&mut scratch, &typed, stored).unwrap();
            *least = (*least).min(thread_time() - began);
        }
    }
    least
}

#[test]
fn a_cheap_hash_and_one_that_cannot_be_read_take_the_time_of_the_dummy_hash() {
    // SB-8
    let hasher = hasher(SLOW, 1);
    let dummy_hash = hasher.pool().dummy_hash.clone();
    let stored = [&*dummy_hash, SSHA, BCRYPT, ARGON2I, SCRYPT, "$oops"];
    let [dummy, imported @ ..] = least_times(&hasher, stored.map(|stored| ("gorse-tin-wrong", stored)));
    for (time, stored) in imported.iter().zip(&stored[1..]) {
        let ratio = time.as_secs_f64() / dummy.as_secs_f64();
        assert!(
            (0.6..1.6).contains(&ratio),
            "{stored:?}: {time:?}, and {dummy:?} for nobody"
        );
    }
}

#[test]
fn the_threads_share_the_spare_memory() {
    // SB-5
    let memory = SpareMemory::new(100, 16);
    let (held, most) = (AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for bytes in [60, 60, 50, 40, 30, 100, 99, 0] {
            let (memory, held, most) = (&memory, &held, &most);
            scope.spawn(move || {
                for _ in 0..50 {
                    let lease = memory.acquire(bytes).ok().unwrap();
                    let now = held.fetch_add(bytes, Ordering::SeqCst) + bytes;
                    most.fetch_max(now, Ordering::SeqCst);
                    std::thread::yield_now();
                    held.fetch_sub(bytes, Ordering::SeqCst);
                    drop(lease);
                }
            });
        }
    });
    let most = most.load(Ordering::SeqCst);
    assert!((90..=100).contains(&most), "{most}");
    // Everything was given back.
    assert!(memory.acquire(100).is_ok());
}

#[test]
fn memory_is_refused_where_it_never_comes_or_too_many_wait() {
    // SB-5
    let memory = SpareMemory::new(100, 3);
    assert_eq!(memory.acquire(101).err(), Some(Refused::TooLarge));
    assert!(SpareMemory::new(0, 1).acquire(0).is_ok());
    // Half of the threads may wait, and here there is one.
    let memory = SpareMemory::new(100, 1);
    let held = memory.acquire(60).ok().unwrap();
    assert_eq!(memory.acquire(41).err(), Some(Refused::Busy));
    assert!(memory.acquire(40).is_ok());
    drop(held);
    assert!(memory.acquire(100).is_ok());
}

#[test]
fn a_hash_that_needs_more_memory_than_there_is_is_not_checked() {
    // SB-5
    testkit::block_on(async {
        let hasher = hasher(SLOW, 1);
        // Four tebibytes.
        let large = ARGON2I.replace("m=256", "m=4294967295");
        let refused = hasher.verify(password(PASSWORD), Some(&large)).await;
        assert!(
            matches!(
                refused,
                Ok(Verdict::Unverifiable(ImportError::TooMuchMemory { .. }))
            ),
            "{refused:?}"
        );
    });
}

#[test]
fn a_hash_of_bcrypt_stays_where_it_leaves_out_a_part_of_the_password() {
    testkit::block_on(async {
        let hasher = hasher(SLOW, 1);
        let long = "a".repeat(72);
        for (typed, outdated) in [(long.clone(), true), (long + "gorse", false)] {
            let verdict = hasher.verify(password(&typed), Some(LONG_BCRYPT)).await;
            assert_eq!(verdict, Ok(Verdict::Match { outdated }), "{typed}");
        }
    });
}

#[test]
fn every_spelling_is_checked_whichever_matches() {
    // SB-8
    let hasher = hasher(SLOW, 1);
    let stored = testkit::block_on(async { hasher.hash(password("caf\u{e9} on the corner")).await.unwrap() });
    let typed = ["cafe\u{301} on the corner", "cafe\u{301} on the corne"];
    let least = least_times(&hasher, typed.map(|typed| (typed, stored.as_str())));
    let ratio = least[0].as_secs_f64() / least[1].as_secs_f64();
    assert!((0.7..1.4).contains(&ratio), "{least:?}");
}

#[test]
fn a_process_with_more_threads_has_less_memory_for_one_check() {
    let (few, many) = (hasher(SLOW, 1), hasher(SLOW, 3));
    let (few, many) = (few.max_memory_bytes(), many.max_memory_bytes());
    assert_eq!(few - many, 2 * SLOW.memory_bytes());
}
