//! Tests of encrypted files and texts, with files that age 1.1.1 made.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chassis::random::SystemRandom;

use super::*;

const SECRET: &str = "AGE-SECRET-KEY-1WEWK3N8RNPJ72A0ND3ASF9CZW36MQ3G30SU0F8WFMMQYZZ2MG7XS9ZR0VC";
const PUBLIC: &str = "age1j6w7s3mmqp0zw34wl96kh4paw6ezqw290wgey3yradffms8lpvhsuhd0s3";
const OTHER: &str = "AGE-SECRET-KEY-12YYUXKTUNMSPZFGFSMLY54K5VGKJJLD5C4VR58Z5S5NP7FP8JRQSSV876S";
/// `printf 'hello, age' | age -r PUBLIC`, and the same of nothing, in base64. age 1.1.1.
const HELLO: &str = "YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSB1d3BZbTVtYnFla0djeTQremlrVnlGUjBqSksrSndaR3BzWVQ3YmdqZ3dnCm9zRFVOV0kwTW1CMzE5ZFpFOTU2OGZwWS81MkpqeFd4M0RpWDZpVm5MWE0KLS0tIEw5NmozN2lJd2pvZkJNWVRabnRrYjgzVDZvMndLeTNDK3ZEcTRSUlZZRW8KAuzZ13jm2y7FREOwMBMnWbTJj1BOD9Rfc3yIHgGnVLr3RbSWhixBDEVX";
const EMPTY: &str = "YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSBoSjJsY2hZSU5iUXYrQllhQ2IyVW45bFFGOHZiNXp2OU1GUFV3ajVFTlRBCjdGL1g3Ny9qS2dVOHIxdWVpbElKQnNBeXlMRzJTUXl2UGxyZ1JQbTZhaEEKLS0tIENGWGNCbTlZMUdrOFh3T2ZYV25TcGc0Rm55ZVBmajlzSVZLaWsvQWNEdUEK1k1htdxbchX8W/YxPOAhb/SXcyl+aKqkiG1OCkBAl6g=";

fn identity(text: &str) -> Identity {
    text.parse().expect("a key")
}

fn decrypted(file: &[u8], secret: &str) -> Result<Vec<u8>, String> {
    let mut reader = decrypt(&[identity(secret)], file).map_err(|error| error.to_string())?;
    let mut plain = Vec::new();
    reader
        .read_to_end(&mut plain)
        .map_err(|error| error.to_string())?;
    Ok(plain)
}

fn encrypted(plain: &[u8]) -> Vec<u8> {
    let recipients = [PUBLIC.parse().expect("a key")];
    let mut writer = encrypt(&recipients, &SystemRandom::default(), Vec::new()).expect("begun");
    // In pieces that fit no chunk.
    for piece in plain.chunks(10_007) {
        writer.write_all(piece).expect("written");
    }
    writer.finish().expect("ended")
}

#[test]
fn a_file_of_another_program_is_decrypted() {
    let file = STANDARD.decode(HELLO).expect("base64");
    assert_eq!(decrypted(&file, SECRET).expect("decrypted"), b"hello, age");
    let file = STANDARD.decode(EMPTY).expect("base64");
    assert_eq!(decrypted(&file, SECRET).expect("decrypted"), b"");
}

#[test]
fn what_is_encrypted_is_decrypted_whatever_its_length() {
    for length in [0, 1, 65_535, 65_536, 65_537, 131_072, 200_000] {
        let plain: Vec<u8> = (0..length).map(|number: u32| number.to_le_bytes()[1]).collect();
        let file = encrypted(&plain);
        assert_eq!(decrypted(&file, SECRET).expect("decrypted"), plain, "{length}");
    }
}

#[test]
fn a_file_that_was_changed_or_cut_off_is_refused() {
    let plain = vec![7; 70_000];
    let file = encrypted(&plain);
    for position in [0, 30, 70, 110, 160, 190, 300, 65_800, file.len() - 1] {
        let mut changed = file.clone();
        changed[position] ^= 1;
        assert!(decrypted(&changed, SECRET).is_err(), "{position}");
    }
    for length in [0, 20, 100, 200, 220, 65_736, file.len() - 1] {
        assert!(decrypted(&file[..length], SECRET).is_err(), "{length}");
    }
    // Cut off between two chunks.
    let header = file.len() - 70_000 - 2 * TAG_BYTES;
    let cut = decrypted(&file[..header + 65_536 + TAG_BYTES], SECRET).expect_err("cut off");
    assert_eq!(cut, "is damaged, or cut off");
}

#[test]
fn keys_are_read_in_their_form_alone() {
    let mut upper = PUBLIC.to_uppercase();
    assert!(upper.parse::<Recipient>().is_ok());
    upper.replace_range(5..6, "w");
    for wrong in [
        "",
        "age1",
        SECRET,
        &PUBLIC[..61],
        &PUBLIC.replace("j6w7", "j6w8"),
        &PUBLIC.replace("age1j", "age1J"),
        &upper,
    ] {
        assert!(wrong.parse::<Recipient>().is_err(), "{wrong}");
    }
    assert!(PUBLIC.parse::<Identity>().is_err());
    assert!(SECRET.to_lowercase().parse::<Identity>().is_ok());
    assert!(!format!("{:?}", identity(SECRET)).contains("WEWK"));
}

#[test]
fn keys_are_read_from_a_text_with_comments() {
    let text = format!("# created\n\n{SECRET}\r\n{OTHER}\n");
    assert_eq!(parse_identities(&text).expect("keys").len(), 2);
    assert_eq!(
        parse_identities("# nothing\n").expect_err("none"),
        InvalidKey::Missing
    );
    let error = parse_identities("password").expect_err("no key");
    assert!(!error.to_string().contains("password"));
}

#[test]
fn a_text_is_in_the_armor_that_age_reads_and_writes() {
    let identities = [identity(SECRET)];
    let armored =
        format!("-----BEGIN AGE ENCRYPTED FILE-----\r\n{HELLO}\r\n-----END AGE ENCRYPTED FILE-----\r\n");
    assert_eq!(
        &**decrypt_text(&identities, &armored).expect("decrypted"),
        b"hello, age"
    );
    let recipients = [PUBLIC.parse().expect("a key"), identity(OTHER).recipient()];
    let random = SystemRandom::default();
    for plain in ["", "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA"] {
        let text = encrypt_text(&recipients, &random, plain).expect("encrypted");
        assert_ne!(
            text,
            encrypt_text(&recipients, &random, plain).expect("encrypted")
        );
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.first(), Some(&"-----BEGIN AGE ENCRYPTED FILE-----"));
        assert_eq!(lines.last(), Some(&"-----END AGE ENCRYPTED FILE-----"));
        assert!(lines.iter().all(|line| line.len() <= 64), "{text}");
        for secret in [SECRET, OTHER] {
            let read = decrypt_text(&[identity(secret)], &text).expect("decrypted");
            assert_eq!(&**read, plain.as_bytes());
        }
        for wrong in [
            &text[1..],
            &text.replace("BEGIN", "BEGUN"),
            plain,
            &text.replace('A', "B"),
        ] {
            assert!(decrypt_text(&identities, wrong).is_err(), "{wrong}");
        }
    }
}

#[test]
fn another_key_is_of_no_use() {
    let Ok(other) = OTHER.parse::<Identity>() else {
        panic!("a key");
    };
    let error = decrypt(&[other], encrypted(b"x").as_slice())
        .err()
        .expect("refused");
    assert_eq!(error.to_string(), "it is not encrypted to this key");
}
