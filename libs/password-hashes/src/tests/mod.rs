//! Tests of the schemes with hashes that other programs made.

mod refused;
mod vectors;

use std::collections::BTreeSet;

use proptest::prelude::*;
use vectors::{LONG, PLAIN, UNICODE, VECTORS};

use crate::argon2::ScratchMemory;
use crate::limits::MAX_MEMORY_BYTES;
use crate::{ImportError, ImportedHash, Scheme};

fn import(text: &str) -> Result<ImportedHash, ImportError> {
    ImportedHash::import(text, MAX_MEMORY_BYTES)
}

fn matches(hash: &ImportedHash, password: &str) -> bool {
    hash.verify(password.as_bytes(), &mut ScratchMemory::default())
        .unwrap()
}

#[test]
fn the_right_password_matches_and_others_do_not() {
    // SB-5
    for vector in &VECTORS {
        let hash = import(vector.text).unwrap_or_else(|error| panic!("{}: {error}", vector.text));
        assert_eq!(hash.scheme(), vector.scheme, "{}", vector.text);
        assert!(matches(&hash, vector.password), "{}", vector.text);
        for wrong in [
            "",
            PLAIN,
            UNICODE,
            "gorse-tin-vivie",
            "Gorse-tin-vivid",
            "gorse-tin-vivid ",
        ] {
            let is_same = wrong == vector.password;
            assert_eq!(matches(&hash, wrong), is_same, "{wrong} {}", vector.text);
        }
    }
}

#[test]
fn every_scheme_has_vectors_of_two_passwords() {
    let known = |scheme| {
        let vectors = VECTORS.iter().filter(move |vector| vector.scheme == scheme);
        vectors.map(|vector| vector.password).collect::<BTreeSet<_>>()
    };
    for scheme in Scheme::ALL {
        assert!(known(scheme).len() >= 2, "{scheme}");
    }
}

#[test]
fn the_canonical_text_is_the_same_hash_and_its_own_canonical_text() {
    for vector in &VECTORS {
        let hash = import(vector.text).unwrap();
        let text = hash.to_string();
        let parsed = ImportedHash::parse(&text).unwrap();
        assert!(parsed == hash, "{text}");
        assert_eq!(parsed.to_string(), text);
        assert!(matches(&parsed, vector.password), "{text}");
    }
}

#[test]
fn bcrypt_ignores_what_is_beyond_72_bytes_and_no_other_scheme_does() {
    // SB-2
    let other = format!("{}something else", &LONG[..72]);
    let shorter = format!("{}!", &LONG[..71]);
    let mut long = 0;
    for vector in VECTORS.iter().filter(|vector| vector.password == LONG) {
        let hash = import(vector.text).unwrap();
        assert_eq!(matches(&hash, &other), vector.scheme == Scheme::Bcrypt);
        assert!(!matches(&hash, &shorter));
        long += 1;
    }
    assert!(long >= 3, "{long}");
    // A letter of two bytes across the boundary is cut in its middle, as in the sources.
    let text = "$2b$04$3QxR6IUwrZwA9kxYXKidquClFby.JUsm0oinVII7LmLhldPRYO92W";
    assert!(!matches(
        &import(text).unwrap(),
        &format!("{}ż{}", "a".repeat(71), "a".repeat(100))
    ));
}

#[test]
fn what_follows_a_nul_is_never_ignored() {
    for vector in &VECTORS {
        let hash = import(vector.text).unwrap();
        assert!(
            !matches(&hash, &format!("{}\0", vector.password)),
            "{}",
            vector.text
        );
        assert!(
            !matches(&hash, &format!("{}\0x", vector.password)),
            "{}",
            vector.text
        );
    }
}

#[test]
fn a_faulty_bcrypt_matches_ascii_alone() {
    // PHP 8.2.36: crypt("Zażółć gęślą 🪿", "$2x$…"). The same password under $2y$ has another hash.
    let text = "$2x$04$abcdefghijklmnopqrstuuvSZsvkCpEmc99g13AN3Y/DuO5VxknEm";
    assert!(!matches(&import(text).unwrap(), UNICODE));
}

#[test]
fn a_hash_never_prints_itself_for_debugging() {
    for vector in &VECTORS {
        let text = format!("{:?}", import(vector.text).unwrap());
        assert_eq!(text, format!("ImportedHash({}, …)", vector.scheme));
    }
}

/// A vector with some bytes changed, cut out or repeated.
fn mutated() -> impl Strategy<Value = String> {
    let change = (
        any::<prop::sample::Index>(),
        0..8_usize,
        "[$=,{}a-zA-Z0-9+/.\"\\\\]{0,3}",
    );
    (0..VECTORS.len(), proptest::collection::vec(change, 1..4)).prop_map(|(at, changes)| {
        let mut text = VECTORS[at].text.as_bytes().to_vec();
        for (place, length, new) in changes {
            let start = place.index(text.len() + 1);
            let end = (start + length).min(text.len());
            text.splice(start..end, new.into_bytes());
        }
        String::from_utf8_lossy(&text).into_owned()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2048))]

    // SB-42
    #[test]
    fn a_changed_text_is_refused_or_read_back_as_the_same_hash(text in mutated()) {
        if let Ok(hash) = import(&text) {
            let canonical = hash.to_string();
            prop_assert!(ImportedHash::parse(&canonical).as_ref() == Ok(&hash), "{}", canonical);
        }
    }
}
