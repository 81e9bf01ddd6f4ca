//! Tests of the bounds, and of texts that are wrong.

use super::{import, matches};
use crate::limits::MAX_TEXT_BYTES;
use crate::{ImportError, ImportedHash};

const MIB: u64 = 1024 * 1024;

#[test]
fn a_password_that_would_take_too_long_does_not_match() {
    // SB-43
    let crypt = "$6$rounds=999999$saltsalt$xU2J54662M2vJxW7oLfvqPgO4P20LcgKAlVcFRcdvB17AIDqWlcjJqVq593.rzVyS8kOHQAx4AqPExBlPtxmW0";
    let began = std::time::Instant::now();
    assert!(!matches(&import(crypt).unwrap(), &"x".repeat(1024)));
    assert!(began.elapsed().as_millis() < 200);
}

#[test]
fn a_hash_that_costs_too_much_is_refused() {
    // SB-5, SB-43
    let salt = "c2FsdHNhbHRpZGlkaWRpZA";
    let hash = "Ggwa+M+WQ/r8qbICWpCJo/jCD8JtaIMATAciA2oSyqc";
    let bcrypt = "abcdefghijklmnopqrstuuxqXgk6YQqNu9I5DXcoswuuJR7HiQjO6";
    let crypt = "DDAMXggcPqJFP2gJWvOkpdlOkMdanMOZhqBnfWs/nn/";
    let rows: [(String, String); 7] = [
        (
            format!("$argon2id$v=19$m=65536,t=16,p=4${salt}${hash}"),
            format!("$argon2id$v=19$m=65536,t=17,p=4${salt}${hash}"),
        ),
        (
            format!("$argon2id$v=19$m=262144,t=1,p=4${salt}${hash}"),
            format!("$argon2id$v=19$m=262145,t=1,p=4${salt}${hash}"),
        ),
        (format!("$2b$14${bcrypt}"), format!("$2b$15${bcrypt}")),
        (
            format!("$scrypt$ln=17,r=8,p=2${salt}${hash}"),
            format!("$scrypt$ln=17,r=8,p=3${salt}${hash}"),
        ),
        (
            format!("$pbkdf2-sha256$i=2000000${salt}${hash}"),
            format!("$pbkdf2-sha256$i=2000001${salt}${hash}"),
        ),
        (
            format!("$5$rounds=1000000$saltsalt${crypt}"),
            format!("$5$rounds=1000001$saltsalt${crypt}"),
        ),
        (
            "$P$GfmeMnMcojem.V5H2.kg2jc79fP7bz.".to_owned(),
            "$P$HfmeMnMcojem.V5H2.kg2jc79fP7bz.".to_owned(),
        ),
    ];
    for (accepted, refused) in rows {
        assert!(import(&accepted).is_ok(), "{accepted}: {:?}", import(&accepted));
        let error = import(&refused).unwrap_err();
        assert!(
            matches!(
                error,
                ImportError::TooCostly { .. } | ImportError::TooMuchMemory { .. }
            ),
            "{refused}: {error}"
        );
    }
    let signer = "c2lnbmVyIGtleSBvZiAyNCBieXRlcw";
    let firebase = |ln: u32| format!("$firebase-scrypt$ln={ln},r=8,ss=Bw,sk={signer}${salt}${signer}");
    assert!(import(&firebase(17)).is_ok());
    assert!(import(&firebase(18)).is_err());
}

#[test]
fn more_lanes_than_are_imported_are_read_because_a_configuration_may_have_them() {
    let text =
        "$argon2id$v=19$m=1024,t=1,p=65$c2FsdHNhbHRpZGlkaWRpZA$Ggwa+M+WQ/r8qbICWpCJo/jCD8JtaIMATAciA2oSyqc";
    let error = import(text).unwrap_err().to_string();
    assert!(error.contains("lanes"), "{error}");
    assert!(ImportedHash::parse(text).is_ok());
}

#[test]
fn the_memory_of_the_process_bounds_what_is_accepted() {
    // SB-5
    let text =
        "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHRpZGlkaWRpZA$Ggwa+M+WQ/r8qbICWpCJo/jCD8JtaIMATAciA2oSyqc";
    assert!(ImportedHash::import(text, 64 * MIB).is_ok());
    let error = ImportedHash::import(text, 63 * MIB).unwrap_err();
    assert_eq!(
        error.to_string(),
        "argon2: one check needs more than 63 MiB of memory, the most that is accepted"
    );
    let text = "$scrypt$ln=14,r=8,p=1$c2FsdHNhbHRpZGlkaWRpZA$Ggwa+M+WQ/r8qbICWpCJo/jCD8JtaIMATAciA2oSyqc";
    assert!(ImportedHash::import(text, 17 * MIB).is_ok());
    assert!(ImportedHash::import(text, 16 * MIB).is_err());
}

/// Texts that are refused, and a part of the reason.
const REFUSED: [(&str, &str); 41] = [
    ("", "scheme is not known"),
    ("gorse-tin-vivid", "scheme is not known"),
    ("5f4dcc3b5aa765d61d8327deb882cf99", "scheme is not known"),
    ("$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/", "scheme is not known"),
    (
        "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7",
        "scheme is not known",
    ),
    ("{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "scheme is not known"),
    ("{MD5}X03MO1qnZdYdgyfeuILPmQ==", "scheme is not known"),
    ("{}", "scheme is not known"),
    ("{", "scheme is not known"),
    ("$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHQ", "the text"),
    (
        "$argon2id$v=18$m=64,t=1,p=1$c2FsdHNhbHRpZGlkaWRpZA$Ggwa+M+WQ/r8qbICWpCJo/jCD8JtaIMATAciA2oSyqc",
        "the version",
    ),
    (
        "$argon2id$v=19$m=64,t=1$c2FsdHNhbHRpZGlkaWRpZA$Ggwa+M+WQ/r8qbICWpCJo/jCD8JtaIMATAciA2oSyqc",
        "lanes",
    ),
    (
        "$argon2id$v=19$m=64,t=0,p=1$c2FsdHNhbHRpZGlkaWRpZA$Ggwa+M+WQ/r8qbICWpCJo/jCD8JtaIMATAciA2oSyqc",
        "t and p of 1",
    ),
    (
        "$argon2id$v=19$m=64,t=1,p=9$c2FsdHNhbHRpZGlkaWRpZA$Ggwa+M+WQ/r8qbICWpCJo/jCD8JtaIMATAciA2oSyqc",
        "8 × p",
    ),
    (
        "$argon2id$v=19$m=64,m=64,t=1,p=1$c2FsdHNhbHRpZGlkaWRpZA$Ggwa+M+WQ/r8qbICWpCJo/jCD8JtaIMATAciA2oSyqc",
        "list of parameters",
    ),
    (
        "$argon2id$v=19$m=64,t=1,p=1,data=c2Fs$c2FsdHNhbHRpZGlkaWRpZA$Ggwa+M+WQ/r8qbICWpCJo/jCD8JtaIMATAciA2oSyqc",
        "no data",
    ),
    (
        "$argon2id$v=19$m=064,t=1,p=1$c2FsdHNhbHRpZGlkaWRpZA$Ggwa+M+WQ/r8qbICWpCJo/jCD8JtaIMATAciA2oSyqc",
        "whole number",
    ),
    (
        "$argon2id$v=19$m=64,t=1,p=1$c2FsdA$Ggwa+M+WQ/r8qbICWpCJo/jCD8JtaIMATAciA2oSyqc",
        "8 bytes or more",
    ),
    (
        "$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHRpZGlkaWRpZA$Ggwa",
        "16 to 128 bytes",
    ),
    (
        "$argon2id$v=19$m=64,t=1,p=1$c2Fsd!NhbHRpZGlkaWRpZA$Ggwa+M+WQ/r8qbICWpCJo/jCD8JtaIMATAciA2oSyqc",
        "the salt",
    ),
    (
        "$2c$04$abcdefghijklmnopqrstuuxqXgk6YQqNu9I5DXcoswuuJR7HiQjO6",
        "the prefix",
    ),
    (
        "$2b$4$abcdefghijklmnopqrstuuxqXgk6YQqNu9I5DXcoswuuJR7HiQjO6",
        "the cost",
    ),
    (
        "$2b$03$abcdefghijklmnopqrstuuxqXgk6YQqNu9I5DXcoswuuJR7HiQjO6",
        "the cost",
    ),
    (
        "$2b$99$abcdefghijklmnopqrstuuxqXgk6YQqNu9I5DXcoswuuJR7HiQjO6",
        "the cost",
    ),
    (
        "$2b$04$abcdefghijklmnopqrstuuxqXgk6YQqNu9I5DXcoswuuJR7HiQjO",
        "the hash",
    ),
    ("$2b$04$abcdefghijklmnopqrstu", "the salt"),
    (
        "$2b$04$abcdefghijklmnopqrstuuxqXgk6YQqNu9I5DXcoswuuJR7HiQjO66",
        "the hash",
    ),
    (
        "$scrypt$ln=0,r=8,p=1$c2FsdHNhbHRpZGlkaWRpZA$Ggwa+M+WQ/r8qbICWpCJo/jCD8JtaIMATAciA2oSyqc",
        "ln",
    ),
    (
        "$scrypt$ln=4,r=8,p=4294967295$c2FsdHNhbHRpZGlkaWRpZA$Ggwa+M+WQ/r8qbICWpCJo/jCD8JtaIMATAciA2oSyqc",
        "parallelization",
    ),
    (
        "$firebase-scrypt$ln=14,r=8,ss=Bw==$c2FsdHNhbHRpZGlkaWRpZA$Ggwa+M+WQ/r8qbICWpCJo/jCD8JtaIMATAciA2oSyqc",
        "signer key",
    ),
    (
        "pbkdf2_sha256$0$salt$Ggwa+M+WQ/r8qbICWpCJo/jCD8JtaIMATAciA2oSyqc=",
        "iterations",
    ),
    ("pbkdf2_sha256$1000$salt", "the text"),
    (
        "$pbkdf2-sha256$i=1,l=31$c2FsdHNhbHRpZGlkaWRpZA$Ggwa+M+WQ/r8qbICWpCJo/jCD8JtaIMATAciA2oSyqc",
        "the length",
    ),
    ("AHrLVUUOIPJSR0omHW+V3uP7bXyRpDkIJEfbhPTpyqP+", "the length"),
    (
        "AQAAAAkAACcQAAAAEHGE+O64Gz8LB1zezowoFLUYoQMH+FsAX7O48UUj3N+Y8ZDS6j1g48ozSjSlc/VcTw==",
        "pseudo-random",
    ),
    (
        "AQAAAAEAACcQ/////3GE+O64Gz8LB1zezowoFLUYoQMH+FsAX7O48UUj3N+Y8ZDS6j1g48ozSjSlc/VcTw==",
        "the length",
    ),
    (
        "$5$rounds=999$saltsalt$DDAMXggcPqJFP2gJWvOkpdlOkMdanMOZhqBnfWs/nn/",
        "rounds",
    ),
    (
        "$6$saltsalt$DDAMXggcPqJFP2gJWvOkpdlOkMdanMOZhqBnfWs/nn/",
        "the hash",
    ),
    ("{SSHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", "a salt"),
    ("$P$6", "31 characters"),
    ("$H$.fmeMnMcojem.V5H2.kg2jc79fP7bz.", "rounds"),
];

#[test]
fn a_text_that_is_wrong_is_refused_with_the_part_and_without_the_text() {
    for (text, reason) in REFUSED {
        let error = import(text).unwrap_err().to_string();
        assert!(error.contains(reason), "{text}: {error}");
        for secret in ["Ggwa", "c2Fsd", "abcdefghij", "DDAM", "gorse", "W6ph5", "fmeM"] {
            assert!(!error.contains(secret), "{error}");
        }
    }
    assert_eq!(import(&"x".repeat(MAX_TEXT_BYTES + 1)), Err(ImportError::TooLong));
}

#[test]
fn a_credential_of_keycloak_that_is_wrong_is_refused_by_the_member() {
    let credential = |secret: &str, data: &str| {
        serde_json::json!({ "type": "password", "secretData": secret, "credentialData": data }).to_string()
    };
    let value = "Ggwa+M+WQ/r8qbICWpCJo/jCD8JtaIMATAciA2oSyqc=";
    let secret = format!("{{\"value\":\"{value}\",\"salt\":\"c2FsdHNhbHRpZGlkaWRpZA==\"}}");
    let data = "{\"hashIterations\":1000,\"algorithm\":\"pbkdf2-sha256\"}";
    assert!(import(&credential(&secret, data)).is_ok());
    let old = serde_json::json!({
        "type": "password", "hashedSaltedValue": value, "salt": "c2FsdHNhbHRpZGlkaWRpZA==",
        "hashIterations": 1000, "algorithm": "pbkdf2-sha256", "counter": 0,
    });
    assert!(import(&old.to_string()) == import(&credential(&secret, data)));
    for (text, reason) in [
        (credential("{}", data), "secretData"),
        (credential(&secret, "[]"), "credentialData"),
        (credential(&secret, &data.replace("1000", "-1")), "credentialData"),
        (credential(&secret, &data.replace("sha256", "md5")), "algorithm"),
        (
            credential(&secret, &data.replace("pbkdf2-sha256", "argon2")),
            "the parameter type",
        ),
        (
            credential(&secret.replace("Ggwa", "!!!!"), data),
            "the member value",
        ),
        ("{\"type\":\"otp\"}".to_owned(), "the member type"),
        ("{\"type\":\"password\"}".to_owned(), "secretData"),
        ("{\"a\":1} ]".to_owned(), "JSON object"),
    ] {
        let error = import(&text).unwrap_err().to_string();
        assert!(
            error.contains(reason) && !error.contains("Ggwa"),
            "{text}: {error}"
        );
    }
}
