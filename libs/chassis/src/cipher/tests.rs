//! Tests of the encryption of stored secrets.

use secrecy::SecretString;

use super::*;
use crate::random::SystemRandom;

const K1: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn cipher(active: &str, keys: &[(&str, &str)]) -> Result<Cipher, CipherError> {
    Cipher::new(&EncryptionSettings {
        active: active.to_owned(),
        keys: keys
            .iter()
            .map(|(name, key)| ((*name).to_owned(), SecretString::from(*key)))
            .collect(),
    })
}

#[test]
fn a_cipher_reads_only_what_was_written_for_the_same_purpose() {
    // SB-36
    let cipher = cipher("k1", &[("k1", K1)]).unwrap();
    let random = SystemRandom::default();
    let sealed = cipher.seal(&random, "a purpose", b"secret").unwrap();
    assert_eq!(&*cipher.open("a purpose", &sealed).unwrap(), b"secret");
    assert!(cipher.open("another", &sealed).is_err());
    for index in 0..sealed.bytes.len() {
        let mut changed = sealed.clone();
        changed.bytes[index] ^= 1;
        assert!(cipher.open("a purpose", &changed).is_err());
    }
    let again = cipher.seal(&random, "a purpose", b"secret").unwrap();
    assert_ne!(again.bytes, sealed.bytes);
}

#[test]
fn keys_in_the_configuration_are_named_when_they_are_wrong() {
    assert_eq!(
        cipher("k1", &[]).unwrap_err(),
        CipherError::UnknownKey("k1".to_owned())
    );
    let short = cipher("k1", &[("k1", "c2hvcnQ=")]).unwrap_err();
    assert!(short.to_string().starts_with("encryption.keys.k1"));
}
