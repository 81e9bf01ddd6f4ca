//! Tests of encryption, against the examples of the standards and by decrypting.

use aws_lc_rs::agreement::{ECDH_P256, ECDH_P384, PrivateKey, X25519};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeySize, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use aws_lc_rs::signature::KeyPair;
use proptest::prelude::*;

use super::*;
use crate::jose::JwkSet;

fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

fn header_of(jwe: &str) -> Value {
    serde_json::from_slice(&decode(jwe.split('.').next().unwrap())).unwrap()
}

/// Decrypts the content with its key.
fn open(jwe: &str, key: &[u8]) -> Vec<u8> {
    let parts: Vec<&str> = jwe.split('.').collect();
    assert_eq!(parts.len(), 5);
    let algorithm = match header_of(jwe)["enc"].as_str().unwrap() {
        "A128GCM" => &AES_128_GCM,
        "A256GCM" => &AES_256_GCM,
        other => panic!("{other}"),
    };
    let key = LessSafeKey::new(UnboundKey::new(algorithm, key).unwrap());
    let nonce = Nonce::try_assume_unique_for_key(&decode(parts[2])).unwrap();
    let mut text = [decode(parts[3]), decode(parts[4])].concat();
    key.open_in_place(nonce, Aad::from(parts[0].as_bytes()), &mut text)
        .unwrap()
        .to_vec()
}

/// Decrypts with a private key of an elliptic curve, as a client would.
fn open_agreed(jwe: &str, private: &PrivateKey) -> Vec<u8> {
    let header = header_of(jwe);
    let epk: Jwk = serde_json::from_value(header["epk"].clone()).unwrap();
    let sender = PartyKey::from_jwk(&epk).unwrap();
    let bytes = if header["enc"] == "A128GCM" { 16 } else { 32 };
    let encrypted_key = decode(jwe.split('.').nth(1).unwrap());
    if header["alg"] == "ECDH-ES" {
        assert!(encrypted_key.is_empty());
        let key = sender
            .agree_with(private, header["enc"].as_str().unwrap(), bytes)
            .unwrap();
        return open(jwe, &key);
    }
    let wrapping = sender.agree_with(private, "ECDH-ES+A256KW", 32).unwrap();
    let mut key = vec![0; encrypted_key.len() - 8];
    AesKek::new(&AES_256, &wrapping)
        .unwrap()
        .unwrap(&encrypted_key, &mut key)
        .unwrap();
    open(jwe, &key)
}

fn jwk(value: Value) -> Jwk {
    serde_json::from_value(value).unwrap()
}

fn ec_jwk(private: &PrivateKey, crv: &str) -> Jwk {
    let public = private.compute_public_key().unwrap();
    let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    if crv == "X25519" {
        return jwk(json!({"kty": "OKP", "crv": crv, "kid": "k", "use": "enc", "x": text(public.as_ref())}));
    }
    let (x, y) = public.as_ref()[1..].split_at((public.as_ref().len() - 1) / 2);
    jwk(json!({"kty": "EC", "crv": crv, "kid": "k", "x": text(x), "y": text(y)}))
}

fn set(keys: Vec<Jwk>) -> KeySet {
    KeySet::from_jwks(&JwkSet { keys })
}

#[test]
fn the_content_is_encrypted_as_in_the_example_of_the_standard() {
    // RFC 7516, Appendix A.1: A256GCM.
    let key = [
        177, 161, 244, 128, 84, 143, 225, 115, 63, 180, 3, 255, 107, 154, 212, 246, 138, 7, 110, 91, 112, 46,
        34, 105, 47, 130, 203, 46, 122, 234, 64, 252,
    ];
    let iv = [227, 197, 117, 252, 2, 219, 233, 68, 180, 225, 77, 219];
    let header = "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ";
    let text = b"The true sign of intelligence is not knowledge but imagination.";
    let (ciphertext, tag) = seal(ContentEncryption::A256Gcm, &key, iv, header.as_bytes(), text).unwrap();
    assert_eq!(
        URL_SAFE_NO_PAD.encode(ciphertext),
        "5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4vpzs9tX_EFShS8iB7j6jiSdiwkIr3ajwQzaBtQD_A"
    );
    assert_eq!(URL_SAFE_NO_PAD.encode(tag), "XFBoMYUZodetZdvTiFvSkQ");
}

#[test]
fn a_key_is_wrapped_as_in_the_example_of_the_standard() {
    // RFC 3394 §4.6: 256 bits with a key of 256 bits.
    let hex = |text: &str| -> Vec<u8> {
        (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
            .collect()
    };
    let kek = hex("000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F");
    let key = hex("00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F");
    let wrapped = hex("28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21");
    assert_eq!(wrap(&kek, &key).unwrap(), wrapped);
}

#[test]
fn every_algorithm_encrypts_to_the_key_of_the_client() {
    // RFC 7518 §4.3, §4.6, RFC 8037 §3.2
    let rsa = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
    let pkcs8: Pkcs8V1Der<'_> = rsa.as_der().unwrap();
    let pair = aws_lc_rs::rsa::KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
    let n = URL_SAFE_NO_PAD.encode(pair.public_key().modulus().big_endian_without_leading_zero());
    let e = URL_SAFE_NO_PAD.encode(pair.public_key().exponent().big_endian_without_leading_zero());
    let rsa_jwk = jwk(json!({"kty": "RSA", "use": "enc", "alg": "RSA-OAEP-256", "kid": "r", "n": n, "e": e}));
    for enc in ContentEncryption::ALL {
        let recipient = Recipient::find(&set(vec![rsa_jwk.clone()]), KeyManagement::RsaOaep256, enc).unwrap();
        let jwe = recipient.encrypt_jwt("a.b.c").unwrap();
        assert_eq!(
            header_of(&jwe),
            json!({"alg": "RSA-OAEP-256", "enc": enc.name(), "cty": "JWT", "kid": "r"})
        );
        let key = OaepPrivateDecryptingKey::new(rsa.clone()).unwrap();
        let mut opened = vec![0; key.min_output_size()];
        let encrypted = decode(jwe.split('.').nth(1).unwrap());
        let content_key = key
            .decrypt(&OAEP_SHA256_MGF1SHA256, &encrypted, &mut opened, None)
            .unwrap();
        assert_eq!(open(&jwe, content_key), b"a.b.c");
    }
    for (algorithm, crv) in [(&ECDH_P256, "P-256"), (&ECDH_P384, "P-384"), (&X25519, "X25519")] {
        let private = PrivateKey::generate(algorithm).unwrap();
        let keys = set(vec![rsa_jwk.clone(), ec_jwk(&private, crv)]);
        for alg in [KeyManagement::EcdhEs, KeyManagement::EcdhEsA256Kw] {
            for enc in ContentEncryption::ALL {
                let recipient = Recipient::find(&keys, alg, enc).unwrap();
                let (first, second) = (
                    recipient.encrypt_jwt("a.b.c").unwrap(),
                    recipient.encrypt_jwt("a.b.c").unwrap(),
                );
                assert_eq!(
                    open_agreed(&first, &private),
                    b"a.b.c",
                    "{crv} {} {}",
                    alg.name(),
                    enc.name()
                );
                assert_ne!(
                    header_of(&first)["epk"],
                    header_of(&second)["epk"],
                    "a new ephemeral key each time"
                );
            }
        }
    }
}

#[test]
fn keys_for_other_uses_are_passed_over() {
    // RFC 7517 §4.2, §4.4, RFC 7518 §4.3
    let private = PrivateKey::generate(&ECDH_P256).unwrap();
    let good = ec_jwk(&private, "P-256");
    let find = |key: Jwk, alg| Recipient::find(&set(vec![key]), alg, ContentEncryption::A256Gcm).is_some();
    assert!(find(good.clone(), KeyManagement::EcdhEs));
    assert!(!find(good.clone(), KeyManagement::RsaOaep256));
    let with = |usage: Option<&str>, alg: Option<&str>| Jwk {
        usage: usage.map(str::to_owned),
        alg: alg.map(str::to_owned),
        ..good.clone()
    };
    assert!(!find(with(Some("sig"), None), KeyManagement::EcdhEs));
    assert!(!find(with(None, Some("ES256")), KeyManagement::EcdhEs));
    assert!(!find(with(None, Some("ECDH-ES+A256KW")), KeyManagement::EcdhEs));
    assert!(find(with(Some("enc"), Some("ECDH-ES")), KeyManagement::EcdhEs));
    let short = jwk(json!({"kty": "RSA", "n": URL_SAFE_NO_PAD.encode([0xff; 128]), "e": "AQAB"}));
    assert!(!find(short, KeyManagement::RsaOaep256), "1024 bits");
    let even = jwk(json!({"kty": "RSA", "n": URL_SAFE_NO_PAD.encode([0xfe; 256]), "e": "AQAB"}));
    assert!(!find(even, KeyManagement::RsaOaep256), "no modulus is even");
    let zero = jwk(json!({"kty": "OKP", "crv": "X25519", "x": URL_SAFE_NO_PAD.encode([0; 32])}));
    assert!(
        !find(zero, KeyManagement::EcdhEs),
        "a point of a small order (RFC 7748 §6.1)"
    );
}

#[test]
fn algorithms_have_the_names_of_the_registry() {
    // RFC 7518 §4.1, §5.1; RSA1_5 is not there (RFC 8725 §3.2).
    for alg in KeyManagement::ALL {
        assert_eq!(json!(alg), alg.name());
    }
    for enc in ContentEncryption::ALL {
        assert_eq!(json!(enc), enc.name());
    }
    for name in ["RSA1_5", "RSA-OAEP", "dir", "none", ""] {
        assert!(
            serde_json::from_value::<KeyManagement>(json!(name)).is_err(),
            "{name}"
        );
    }
}

proptest! {
    #[test]
    fn anything_may_be_a_key(kty in "EC|RSA|OKP|.{0,3}", crv in "P-256|X25519|.{0,3}", x in "[A-Za-z0-9_-]{0,50}", n in "[A-Za-z0-9_-]{0,400}") {
        let key = jwk(json!({"kty": kty, "crv": crv, "x": x, "y": x, "n": n, "e": "AQAB"}));
        for alg in KeyManagement::ALL {
            if let Some(recipient) = Recipient::find(&set(vec![key.clone()]), alg, ContentEncryption::A128Gcm) {
                prop_assert!(recipient.encrypt_jwt("a.b.c").is_ok());
            }
        }
    }
}
