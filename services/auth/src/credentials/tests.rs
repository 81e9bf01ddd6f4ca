//! Tests of password hashing, its queue, and the rules for new passwords.

use std::sync::Arc;
use std::time::Duration;

use chassis::random::{SharedRandom, SystemRandom};
use chassis::secret::SecretString;
use proptest::prelude::*;

use super::*;

const CHEAP: Cost = Cost {
    memory_kib: 64,
    iterations: 1,
    parallelism: 1,
};

fn random() -> SharedRandom {
    Arc::new(SystemRandom::default())
}

fn hasher(cost: Cost, threads: usize, queue: usize) -> Hasher {
    let config = HasherConfig {
        cost,
        threads: Some(threads),
        queue,
    };
    Hasher::start(config, random()).unwrap()
}

fn password(text: &str) -> Password {
    Password::new(&SecretString::from(text)).unwrap()
}

fn policy() -> PasswordPolicy {
    PasswordPolicy {
        min_length: 15,
        breach_list: Arc::default(),
    }
}

fn context() -> PasswordContext {
    PasswordContext::new([
        "Example Library",
        "library.example.org",
        "annabel",
        "annabel.lee@example.com",
        "Annabel Lee",
    ])
}

fn check(text: &str) -> Result<(), Weakness> {
    let password = policy().check_length(&SecretString::from(text))?;
    policy().check_strength(&password, &context())
}

#[test]
fn fifteen_characters_are_enough_and_fourteen_are_not() {
    // SB-1
    assert_eq!(check("gorse-tin-vivid"), Ok(()));
    assert_eq!(check("gorse-tin-vivi"), Err(Weakness::TooShort { min: 15 }));
}

#[test]
fn characters_are_counted_not_bytes() {
    // SB-2
    assert_eq!(check("ьждщфэцзюшхйыаг"), Ok(()));
    assert_eq!(check("🦡🪿🛶🧭🪗🌵🫧🛖🪁🦩🧶🪵🥁🪐🦕"), Ok(()));
    assert_eq!(check("🦡🪿🛶🧭🪗🌵🫧🛖"), Err(Weakness::TooShort { min: 15 }));
}

#[test]
fn no_kind_of_character_is_asked_for() {
    // SB-3
    assert_eq!(check("quietly orbiting walnut"), Ok(()));
    assert_eq!(check("738205916473829105"), Ok(()));
}

#[test]
fn what_a_guesser_tries_first_is_refused() {
    // SB-4
    for guess in [
        "passwordpassword",
        // Famous, joined from common ones: an estimate holds them for good.
        "correct horse battery staple",
        "Correct-Horse-Battery-Staple1",
        "dragonmonkeyshadow",
        "123456789012345",
        "qwertyuiopasdfghjkl",
        "aaaaaaaaaaaaaaaaaaaaaaa",
        "iloveyouiloveyou",
        "Password1234567!",
        "abcabcabcabcabcabc",
        // The person's name, address and the site's name.
        "annabelannabel1",
        "annabel.lee@example.com",
        "AnnabelLee-AnnabelLee",
        "Example Library 1",
        "examplelibrary!2024",
        "vestibulevestibule",
        "library.example.org",
    ] {
        assert_eq!(check(guess), Err(Weakness::Guessable), "{guess}");
    }
}

#[test]
fn a_password_of_1024_bytes_is_taken_whole_and_a_longer_one_refused() {
    // SB-2
    testkit::block_on(async {
        let hasher = hasher(CHEAP, 1, 4);
        let longest: String = "gorse tin vivid ".repeat(64);
        assert_eq!(longest.len(), MAX_BYTES);
        let hash = hasher.hash(password(&longest)).await.unwrap();
        let mut other = longest.clone();
        other.replace_range(1023.., "!");
        assert_eq!(
            hasher.verify(password(&longest), Some(&hash)).await,
            Ok(Verdict::Match { outdated: false })
        );
        assert_eq!(
            hasher.verify(password(&other), Some(&hash)).await,
            Ok(Verdict::Mismatch)
        );
        assert_eq!(check(&format!("{longest}x")), Err(Weakness::TooLong));
    });
}

#[test]
fn the_same_characters_typed_otherwise_are_the_same_password() {
    // SB-2
    testkit::block_on(async {
        let hasher = hasher(CHEAP, 1, 4);
        let composed = "caf\u{e9} on the corner";
        let decomposed = "cafe\u{301} on the corner";
        let hash = hasher.hash(password(composed)).await.unwrap();
        assert_eq!(
            hasher.verify(password(decomposed), Some(&hash)).await,
            Ok(Verdict::Match { outdated: false })
        );
    });
}

#[test]
fn a_hash_says_how_it_was_made_and_an_old_one_is_told() {
    // SB-5
    testkit::block_on(async {
        let (old, new) = (
            hasher(CHEAP, 1, 4),
            hasher(
                Cost {
                    iterations: 2,
                    ..CHEAP
                },
                1,
                4,
            ),
        );
        let hash = old.hash(password("gorse-tin-vivid")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{hash}");
        assert_ne!(
            hash,
            old.hash(password("gorse-tin-vivid")).await.unwrap(),
            "a salt of its own"
        );
        assert_eq!(
            new.verify(password("gorse-tin-vivid"), Some(&hash)).await,
            Ok(Verdict::Match { outdated: true })
        );
        assert_eq!(
            new.verify(password("gorse-tin-vivix"), Some(&hash)).await,
            Ok(Verdict::Mismatch)
        );
    });
}

#[test]
fn nobody_has_no_password_yet_costs_as_much() {
    // SB-8
    testkit::block_on(async {
        let hasher = hasher(CHEAP, 1, 4);
        for _ in 0..3 {
            assert_eq!(
                hasher.verify(password("gorse-tin-vivid"), None).await,
                Ok(Verdict::Mismatch)
            );
        }
        assert_eq!(hasher.completed(), 3);
    });
}

#[test]
fn a_full_queue_sheds_and_says_when_to_come_back() {
    // SB-5
    testkit::block_on(async {
        let slow = Cost {
            memory_kib: 8 * 1024,
            iterations: 4,
            parallelism: 1,
        };
        let hasher = hasher(slow, 1, 2);
        let tries = (0..12).map(|_| hasher.verify(password("gorse-tin-vivid"), None));
        let answers = futures_util::future::join_all(tries).await;
        let shed = answers
            .iter()
            .filter(|answer| matches!(answer, Err(HashError::QueueFull { .. })))
            .count();
        assert!((1..12).contains(&shed), "{shed} of 12 shed");
        for answer in answers {
            match answer {
                Ok(verdict) => assert_eq!(verdict, Verdict::Mismatch),
                Err(error) => assert!(
                    matches!(error, HashError::QueueFull { retry_after } if retry_after >= Duration::from_secs(1))
                ),
            }
        }
        assert_eq!(
            hasher.verify(password("gorse-tin-vivid"), None).await,
            Ok(Verdict::Mismatch),
            "it recovers"
        );
    });
}

#[test]
fn the_strength_of_a_password_is_judged_in_the_pool_and_its_queue() {
    // SB-43
    testkit::block_on(async {
        let slow = Cost {
            memory_kib: 8 * 1024,
            iterations: 4,
            parallelism: 1,
        };
        let hasher = hasher(slow, 1, 2);
        let weak = || hasher.check_and_hash(password("passwordpassword"), policy(), context());
        assert_eq!(weak().await, Err(Weakness::Guessable.into()));
        // A thread that is busy and a full queue: not even a weak password is judged.
        let strong = (0..3).map(|_| hasher.check_and_hash(password("gorse-tin-vivid"), policy(), context()));
        let (chosen, judged) = tokio::join!(futures_util::future::join_all(strong), async {
            let tries = (0..8).map(|_| weak());
            futures_util::future::join_all(tries).await
        });
        assert!(chosen.iter().any(Result::is_ok));
        let full = judged
            .iter()
            .filter(|one| matches!(one, Err(NewPasswordError::Hash(HashError::QueueFull { .. }))));
        assert!(full.count() >= 6, "{judged:?}");
    });
}

#[test]
fn what_is_judged_is_capped_whatever_was_typed() {
    // SB-43
    let long = "a-word ".repeat(10_000);
    let names: Vec<String> = (0..1000).map(|number| format!("name{number}")).collect();
    let context =
        PasswordContext::new(std::iter::once(long.as_str()).chain(names.iter().map(String::as_str)));
    assert!(context.words.len() <= 48, "{}", context.words.len());
    assert!(context.words.iter().all(|word| word.chars().count() <= 40));
    // The first forty characters are judged, and length speaks for the rest.
    let start = "gorse tin vivid quarrel lantern mosaic b";
    assert_eq!(start.chars().count(), 40);
    assert_eq!(check(start), check(&format!("{start}{}", "a".repeat(900))));
    assert_eq!(check(&"@".repeat(1000)), Err(Weakness::Guessable));
}

#[test]
fn the_least_limit_of_the_container_counts() {
    let root = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = root.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    assert_eq!(resources::memory_bytes(root.path()), None);
    write("proc/meminfo", "MemTotal:        2048 kB\nMemFree: 1 kB\n");
    assert_eq!(resources::memory_bytes(root.path()), Some(2048 * 1024));
    write("proc/self/cgroup", "4:cpu,memory:/box/app\n0::/pod/app\n");
    write("sys/fs/cgroup/pod/app/memory.max", "max\n");
    write("sys/fs/cgroup/pod/memory.max", "1000000\n");
    assert_eq!(resources::memory_bytes(root.path()), Some(1_000_000));
    write("sys/fs/cgroup/memory/box/app/memory.limit_in_bytes", "500000\n");
    assert_eq!(resources::memory_bytes(root.path()), Some(500_000));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    // SB-42
    #[test]
    fn any_text_is_judged_without_a_panic(text in any::<String>(), name in ".{0,40}") {
        if let Some(password) = Password::new(&SecretString::from(text)) {
            let _ = policy().check_strength(&password, &PasswordContext::new(["Example", &name]));
        }
    }
}
