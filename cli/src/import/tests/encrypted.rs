//! Tests of encrypted password hashes in the lines of a file.

use std::io::ErrorKind;

use age_format::Identity;
use chassis::random::SystemRandom;
use secrecy::ExposeSecret;
use serde_json::json;

use super::*;

const HASH: &str = "$2b$04$5ujii9zMrP9QrISEOLTmUeE3aj7HB56COPvabyGOHWml9Pmr64LNS";
// Keys of age-keygen 1.1.1.
const KEY: &str = "AGE-SECRET-KEY-1WEWK3N8RNPJ72A0ND3ASF9CZW36MQ3G30SU0F8WFMMQYZZ2MG7XS9ZR0VC";
const OTHER_KEY: &str = "AGE-SECRET-KEY-12YYUXKTUNMSPZFGFSMLY54K5VGKJJLD5C4VR58Z5S5NP7FP8JRQSSV876S";

fn encrypted(hash: &str) -> String {
    let recipient = KEY.parse::<Identity>().expect("a key").recipient();
    age_format::encrypt_text(&[recipient], &SystemRandom::default(), hash).expect("encrypted")
}

/// A file of lines, with the reader that has a key.
fn open(folder: &TempDir, lines: &[Value], key: Option<&str>) -> Rows {
    let content: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let options = ReaderOptions {
        identity: key.map(|key| file(folder, "key.txt", key.as_bytes())),
        ..ReaderOptions::default()
    };
    let path = file(folder, "people.ndjson", content.as_bytes());
    source(&path, FileFormat::Ndjson, &options)
        .open()
        .expect("opened")
}

#[test]
fn an_encrypted_hash_is_read_with_its_key_and_one_that_is_damaged_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut damaged = encrypted(HASH);
    damaged.truncate(damaged.len() / 2);
    let lines = [
        json!({"userName": "ann", "encrypted_password_hash": encrypted(HASH)}),
        json!({"userName": "bob", "encrypted_password_hash": damaged}),
        json!({"userName": "cas", "encrypted_password_hash": encrypted(HASH), "password_hash": HASH}),
        json!({"userName": "dan", "encrypted_password_hash": 7}),
        json!({"userName": "eve", "password_hash": HASH}),
    ];
    let mut rows = open(&folder, &lines, Some(KEY));
    let mut next = || {
        let row = rows.next_row().expect("read").expect("a row");
        rows.decrypt_hash(row).expect("the key fits")
    };
    let ann = next();
    let Ok(Item::User(record)) = &ann.item else {
        panic!("{ann:?}");
    };
    assert_eq!(
        record.password_hash.as_ref().expect("a hash").expose_secret(),
        HASH
    );
    assert!(!record.user.contains_key("encrypted_password_hash"));
    let field = "encrypted_password_hash";
    assert_eq!(
        refusal_of(&next()),
        (
            field,
            "cannot be decrypted: it is not in the armor of an encrypted file"
        )
    );
    for name in ["cas", "dan"] {
        let row = next();
        assert_eq!(refusal_of(&row), (field, "expected text, without password_hash"));
        assert_eq!(row.item.expect_err("refused").user_name, name);
    }
    assert_eq!(user_of(&next()).1, HASH);
}

#[test]
fn without_the_key_of_a_hash_nothing_is_imported() {
    let folder = tempfile::tempdir().expect("a folder");
    let lines = [json!({"userName": "ann", "encrypted_password_hash": encrypted(HASH)})];
    for (key, reason) in [
        (None, "is encrypted: name the file with the key with --identity"),
        (
            Some(OTHER_KEY),
            "cannot be decrypted: it is not encrypted to this key",
        ),
    ] {
        let mut rows = open(&folder, &lines, key);
        let row = rows.next_row().expect("read").expect("a row");
        let error = rows.decrypt_hash(row).expect_err("no key fits");
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert_eq!(
            error.to_string(),
            format!("encrypted_password_hash of row 1 {reason}")
        );
    }
}
