//! Tests of the subjects of certificates.

use base64::Engine;
use proptest::prelude::*;

use super::*;

/// A certificate of the file, in DER.
fn der(pem: &str) -> Vec<u8> {
    let base64: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    base64::engine::general_purpose::STANDARD.decode(base64).unwrap()
}

fn robot() -> Vec<u8> {
    der(include_str!("../../../../testkit/certificates/robot.pem"))
}

/// A change of a client, and whether the certificate of `robot` is for it.
type Row = (&'static str, fn(&mut ClientMetadata), bool);

const ROWS: &[Row] = &[
    ("nothing is registered", |_| {}, false),
    (
        "the subject",
        |client| client.tls_client_auth_subject_dn = Some(r"CN=robot,O=Example\, Inc.".to_owned()),
        true,
    ),
    (
        "another order",
        |client| client.tls_client_auth_subject_dn = Some(r"O=Example\, Inc.,CN=robot".to_owned()),
        false,
    ),
    (
        "a part of the subject",
        |client| client.tls_client_auth_subject_dn = Some("CN=robot".to_owned()),
        false,
    ),
    (
        "no name",
        |client| client.tls_client_auth_subject_dn = Some("robot".to_owned()),
        false,
    ),
    (
        "a DNS name in another case",
        |client| client.tls_client_auth_san_dns = Some("Robot.Example".to_owned()),
        true,
    ),
    (
        "another DNS name",
        |client| client.tls_client_auth_san_dns = Some("a.robot.example".to_owned()),
        false,
    ),
    (
        "a pattern",
        |client| client.tls_client_auth_san_dns = Some("*.example".to_owned()),
        false,
    ),
    (
        "a URI",
        |client| client.tls_client_auth_san_uri = Some("https://robot.example/id".to_owned()),
        true,
    ),
    (
        "a URI in another case",
        |client| client.tls_client_auth_san_uri = Some("https://robot.example/ID".to_owned()),
        false,
    ),
    (
        "a DNS name is no URI",
        |client| client.tls_client_auth_san_uri = Some("robot.example".to_owned()),
        false,
    ),
    (
        "an IPv4 address",
        |client| client.tls_client_auth_san_ip = Some("192.0.2.7".parse().unwrap()),
        true,
    ),
    (
        "an IPv6 address",
        |client| client.tls_client_auth_san_ip = Some("2001:db8:0::7".parse().unwrap()),
        true,
    ),
    (
        "another address",
        |client| client.tls_client_auth_san_ip = Some("192.0.2.8".parse().unwrap()),
        false,
    ),
    (
        "an e-mail address",
        |client| client.tls_client_auth_san_email = Some("robot@example.org".to_owned()),
        true,
    ),
    (
        "another e-mail address",
        |client| client.tls_client_auth_san_email = Some("ann@example.org".to_owned()),
        false,
    ),
];

#[test]
fn the_subject_is_the_registered_one() {
    // RFC 8705 §2.1.2
    let certificate = robot();
    for (what, change, expected) in ROWS {
        let mut client = ClientMetadata::default();
        change(&mut client);
        assert_eq!(client.is_certificate_subject(&certificate), *expected, "{what}");
        assert!(!client.is_certificate_subject(b"no certificate"), "{what}");
    }
}

proptest! {
    #[test]
    fn anything_may_be_registered_and_presented(name in "\\PC{0,60}", bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let client = ClientMetadata {
            tls_client_auth_subject_dn: Some(name.clone()),
            ..ClientMetadata::default()
        };
        client.is_certificate_subject(&bytes);
        client.is_certificate_subject(&robot());
        if let Some(canonical) = distinguished_name(&name) {
            prop_assert_eq!(distinguished_name(&canonical), Some(canonical.clone()), "{}", name);
        }
    }

    #[test]
    fn a_certificate_may_be_damaged_anywhere(at in 0_usize..400, byte: u8) {
        let mut certificate = robot();
        if let Some(place) = certificate.get_mut(at) {
            *place = byte;
        }
        let client = ClientMetadata {
            tls_client_auth_san_dns: Some("robot.example".to_owned()),
            ..ClientMetadata::default()
        };
        client.is_certificate_subject(&certificate);
    }
}
