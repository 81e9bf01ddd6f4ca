//! Tests of the headers of client certificates and of the authorities that issue them.

use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::*;
use crate::clock::Timestamp;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../testkit/certificates/{name}.pem"))
}

/// A certificate of a file, in DER.
fn der(name: &str) -> Vec<u8> {
    let pem = std::fs::read_to_string(file(name)).unwrap();
    let base64: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    STANDARD.decode(base64).unwrap()
}

fn certificate(names: &[&str]) -> ClientCertificate {
    let chain: Vec<Vec<u8>> = names.iter().map(|name| der(name)).collect();
    ClientCertificate::from_handshake(chain.iter().map(Vec::as_slice)).unwrap()
}

fn read(certificates: &[&str], chain: &[&str]) -> Option<(usize, usize)> {
    let mut headers = HeaderMap::new();
    for value in certificates {
        headers.append(CLIENT_CERT, value.parse().unwrap());
    }
    for value in chain {
        headers.append(CLIENT_CERT_CHAIN, value.parse().unwrap());
    }
    let read = ClientCertificate::of(&headers)?;
    Some((read.der.len(), read.chain.len()))
}

#[test]
fn the_headers_are_those_of_rfc_9440() {
    let nine = [":AAAA:"; 9].join(",");
    for (certificates, chain, expected) in [
        (&[":AAAA:"][..], &[][..], Some((3, 0))),
        (&[" :AAAA: "], &[], Some((3, 0))),
        (&[":AAAA:"], &[":AAAA:, :AAAA:"], Some((3, 2))),
        (&[":AAAA:"], &[":AAAA:", ":AAAA:"], Some((3, 2))),
        (&[], &[":AAAA:"], None),
        (&[":AAAA:", ":AAAA:"], &[], None),
        (&["AAAA"], &[], None),
        (&[":AAAA"], &[], None),
        (&["::"], &[], None),
        (&[":"], &[], None),
        (&[":AA!A:"], &[], None),
        (&[":AAAA:"], &["AAAA"], None),
        (&[":AAAA:"], &[&nine], None),
        (&[""], &[], None),
    ] {
        assert_eq!(read(certificates, chain), expected, "{certificates:?} {chain:?}");
    }
    let long = format!(":{}:", "AAAA".repeat(MAX_BYTES / 3 + 1));
    assert_eq!(read(&[&long], &[]), None);
}

#[test]
fn what_the_server_writes_is_read_and_what_clients_write_is_removed() {
    // SB-51
    let certificate = certificate(&["robot", "intermediate"]);
    let own = certificate.headers().unwrap();
    let forged = || {
        let mut headers = HeaderMap::new();
        headers.append(CLIENT_CERT, ":AAAA:".parse().unwrap());
        headers.append(CLIENT_CERT, ":AAAA:".parse().unwrap());
        headers.append(CLIENT_CERT_CHAIN, ":AAAA:".parse().unwrap());
        headers
    };
    let mut headers = forged();
    replace_headers(&mut headers, Some(&own), false);
    assert_eq!(ClientCertificate::of(&headers), Some(certificate));
    let mut headers = forged();
    replace_headers(&mut headers, None, false);
    assert!(headers.is_empty());
    let mut headers = forged();
    replace_headers(&mut headers, None, true);
    assert_eq!(headers, forged(), "a proxy that is believed");
}

#[test]
fn an_authority_issued_the_certificate_for_clients_and_for_now() {
    // RFC 8705 §2.1
    let authorities = CertificateAuthorities::read(&file("authority")).unwrap();
    for (names, issued) in [
        (&["robot", "intermediate"][..], true),
        (&["robot"], false),
        (&["robot", "self-signed"], false),
        (&["self-signed"], false),
        (&["expired"], false),
        (&["server"], false),
        (&["authority"], false),
    ] {
        assert_eq!(authorities.issued(&certificate(names), NOW), issued, "{names:?}");
    }
    for when in [0, 2_600_000_000] {
        let valid = certificate(&["robot", "intermediate"]);
        assert!(!authorities.issued(&valid, Timestamp::from_secs(when)), "{when}");
    }
    for bad in ["robot-key", "nothing"] {
        let error = CertificateAuthorities::read(&file(bad)).unwrap_err();
        assert!(error.to_string().contains(bad), "{error}");
    }
}

proptest! {
    #[test]
    fn anything_may_come(certificate in "[ -~]{0,80}", chain in "[ -~]{0,80}") {
        let mut headers = HeaderMap::new();
        headers.insert(CLIENT_CERT, certificate.parse().unwrap());
        headers.insert(CLIENT_CERT_CHAIN, chain.parse().unwrap());
        let _ = ClientCertificate::of(&headers);
    }

    #[test]
    fn what_is_written_reads_back(parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..50), 1..8)) {
        let written = ClientCertificate::from_handshake(parts.iter().map(Vec::as_slice)).unwrap();
        let mut headers = HeaderMap::new();
        replace_headers(&mut headers, written.headers().as_ref(), false);
        prop_assert_eq!(ClientCertificate::of(&headers), Some(written));
    }
}
