//! The fuzz target of password hashes that are imported from other systems.

use password_hashes::ImportedHash;
use password_hashes::limits::{MAX_MEMORY_BYTES, MAX_TEXT_BYTES};

use crate::{FuzzTarget, json_texts, repeat_pieces};

pub(crate) const PASSWORD_HASH: FuzzTarget = FuzzTarget {
    name: "password_hash",
    run: password_hash,
    worst: |length| {
        let mut inputs = json_texts(length);
        let parameters = repeat_pieces(length, |index| format!("m={index},"));
        inputs.push(format!("$argon2id$v=19${parameters}$c2FsdA$aGFzaA").into_bytes());
        inputs.push("A".repeat(length).into_bytes());
        inputs.push("$".repeat(length).into_bytes());
        inputs.push(format!("{{SSHA}}{}", "A".repeat(length)).into_bytes());
        inputs
    },
};

/// A text that is imported has a bounded cost, and its canonical text is the same hash.
fn password_hash(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    match ImportedHash::import(text, MAX_MEMORY_BYTES) {
        Ok(hash) => {
            assert!(text.len() <= MAX_TEXT_BYTES);
            assert!(hash.cost().memory_bytes() <= MAX_MEMORY_BYTES);
            let canonical = hash.to_string();
            assert_eq!(ImportedHash::parse(&canonical), Ok(hash), "read back");
        }
        Err(error) => assert!(error.to_string().len() < 200),
    }
}
