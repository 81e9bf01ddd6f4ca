//! Tests of subject identifiers.

use proptest::prelude::*;

use super::*;
use crate::client::{ClientMetadata, GrantType, SubjectType};

const SECRET: [u8; 32] = [7; 32];
const ANN: &str = "0199d2b8-7a3e-7c11-9b0a-2f4d5e6a7b8c";

fn client(subject_type: SubjectType, sector_uri: Option<&str>, redirect_uris: &[&str]) -> ClientMetadata {
    ClientMetadata {
        redirect_uris: redirect_uris.iter().map(|uri| uri.parse().unwrap()).collect(),
        subject_type,
        sector_identifier_uri: sector_uri.map(|uri| uri.parse().unwrap()),
        ..ClientMetadata::default()
    }
}

fn subject(client_id: &str, metadata: &ClientMetadata) -> String {
    let client = RegisteredClient { client_id, metadata };
    SubjectIdentifiers::new(&SECRET).subject(client, ANN)
}

/// The sector of a client, by its `sector_identifier_uri` and its redirect URIs (OpenID Connect Core §8.1).
const SECTORS: &[(Option<&str>, &[&str], Option<&str>)] = &[
    (None, &["https://shop.example/cb"], Some("shop.example")),
    (
        None,
        &["https://SHOP.example:8443/a", "https://shop.example/b"],
        Some("shop.example"),
    ),
    (None, &["https://a.example/cb", "https://b.example/cb"], None),
    (None, &[], None),
    (None, &["com.example.app:/cb"], None),
    (None, &["com.example.app://shop.example/cb"], None),
    (None, &["http://127.0.0.1/cb"], None),
    (None, &["http://[::1]/cb"], None),
    (None, &["http://localhost/cb"], None),
    (None, &["https://localhost./cb"], None),
    (None, &["https://app.localhost/cb"], None),
    (None, &["https://0.0.0.0/cb"], None),
    (None, &["https://[::]/cb"], None),
    (None, &["https://[::ffff:127.0.0.1]/cb"], None),
    (None, &["https://192.0.2.7/cb"], Some("192.0.2.7")),
    (
        None,
        &["https://shop.example./a", "https://shop.example/b"],
        Some("shop.example"),
    ),
    (None, &["https://shop.example/cb", "http://127.0.0.1/cb"], None),
    (
        Some("https://group.example/uris.json"),
        &["https://a.example/cb", "https://b.example/cb"],
        Some("group.example"),
    ),
    (
        Some("https://group.example/uris.json"),
        &["com.example.app:/cb"],
        Some("group.example"),
    ),
    (
        Some("https://group.example./uris.json"),
        &["https://a.example/cb"],
        Some("group.example"),
    ),
    (
        Some("https://group.example/uris.json"),
        &[],
        Some("group.example"),
    ),
];

#[test]
fn a_sector_is_the_host_of_the_document_or_of_all_redirect_uris() {
    for (uri, redirect_uris, expected) in SECTORS {
        let found = client(SubjectType::Pairwise, *uri, redirect_uris).sector();
        assert_eq!(found.as_deref(), *expected, "{uri:?} {redirect_uris:?}");
    }
}

#[test]
fn a_pairwise_identifier_is_of_one_sector() {
    // OpenID Connect Core §8.1
    let pairwise = |uris: &[&str]| client(SubjectType::Pairwise, None, uris);
    let shop = subject("shop", &pairwise(&["https://shop.example/cb"]));
    let twin = subject(
        "twin",
        &pairwise(&["https://shop.example/other", "https://shop.example:8443/"]),
    );
    let bank = subject("bank", &pairwise(&["https://bank.example/cb"]));
    assert_eq!(shop, twin, "one sector");
    assert_ne!(shop, bank);
    assert_eq!(shop.len(), 43, "it is at most 255 ASCII characters");
    assert!(![&shop, &bank].iter().any(|sub| sub.contains(ANN)));
    let other = SubjectIdentifiers::new(&[8; 32]);
    let metadata = pairwise(&["https://shop.example/cb"]);
    let client_of = RegisteredClient {
        client_id: "shop",
        metadata: &metadata,
    };
    assert_ne!(other.subject(client_of, ANN), shop, "another installation");
    let session = SubjectIdentifiers::new(&SECRET).session(client_of, ANN);
    assert_ne!(session, shop, "a session with the id of a user");
    let public = client(SubjectType::Public, None, &["https://shop.example/cb"]);
    assert_eq!(subject("shop", &public), ANN);
}

#[test]
fn an_identifier_stays_the_same_from_release_to_release() {
    // It names people at applications. Do not change this value.
    let shop = client(SubjectType::Pairwise, None, &["https://shop.example/cb"]);
    assert_eq!(
        subject("shop", &shop),
        "ZbGXVKpXshbSB0c1UW9t_GVwyRAAKbnVO6uznjW7Tp4"
    );
}

#[test]
fn a_client_without_a_sector_shares_its_identifiers_with_nobody() {
    let metadata = client(SubjectType::Pairwise, None, &["http://127.0.0.1/cb"]);
    let (one, other) = (subject("one", &metadata), subject("other", &metadata));
    assert_ne!(one, other);
    assert_ne!(one, ANN);
}

#[test]
fn a_document_has_to_list_every_redirect_uri() {
    // OpenID Connect Registration §5
    let metadata = client(
        SubjectType::Pairwise,
        None,
        &["https://a.example/cb", "https://b.example/cb"],
    );
    for (document, expected) in [
        (r#"["https://a.example/cb","https://b.example/cb"]"#, true),
        (
            r#"["https://c.example/", "https://b.example/cb","https://a.example/cb"]"#,
            true,
        ),
        (r#"["https://a.example/cb"]"#, false),
        (r#"["https://a.example/cb","https://b.example/cb/"]"#, false),
        (r#"["https://a.example/cb","https://B.example/cb"]"#, false),
        (
            r#"{"redirect_uris":["https://a.example/cb","https://b.example/cb"]}"#,
            false,
        ),
        (r#"["https://a.example/cb","https://b.example/cb",1]"#, false),
        ("[]", false),
        ("", false),
        ("<html>", false),
    ] {
        assert_eq!(metadata.is_listed_in(document.as_bytes()), expected, "{document}");
    }
    let without = client(SubjectType::Pairwise, Some("https://a.example/uris.json"), &[]);
    for document in [r#"["https://a.example/cb"]"#, "[]", "", "<html>"] {
        assert!(!without.is_listed_in(document.as_bytes()), "{document}");
    }
}

#[test]
fn a_document_is_for_a_client_with_redirect_uris() {
    for subject_type in [SubjectType::Public, SubjectType::Pairwise] {
        let device = ClientMetadata {
            grant_types: [GrantType::DeviceCode].into(),
            ..client(subject_type, Some("https://a.example/uris.json"), &[])
        };
        assert_eq!(device.check().unwrap_err().field, "redirect_uris");
        let listed = ClientMetadata {
            redirect_uris: vec!["https://a.example/cb".parse().unwrap()],
            ..device
        };
        assert_eq!(listed.check(), Ok(()));
    }
}

#[test]
fn the_identifiers_of_a_client_stay_in_its_sector() {
    use SubjectType::{Pairwise, Public};
    let (shop, twin, bank) = (
        "https://shop.example/cb",
        "https://shop.example:8443/twin",
        "https://bank.example/cb",
    );
    let document = Some("https://shop.example/uris.json");
    for (before, after, changed) in [
        ((Public, None, &[shop][..]), (Public, None, &[bank][..]), None),
        ((Pairwise, None, &[shop]), (Pairwise, None, &[shop, twin]), None),
        ((Pairwise, None, &[shop]), (Pairwise, document, &[bank]), None),
        (
            (Pairwise, None, &[shop]),
            (Pairwise, None, &[bank]),
            Some("redirect_uris"),
        ),
        (
            (Pairwise, document, &[bank]),
            (Pairwise, None, &[bank]),
            Some("sector_identifier_uri"),
        ),
        (
            (Pairwise, None, &[shop]),
            (Pairwise, Some("https://bank.example/"), &[shop]),
            Some("sector_identifier_uri"),
        ),
        (
            (Public, None, &[shop]),
            (Pairwise, None, &[shop]),
            Some("subject_type"),
        ),
        (
            (Pairwise, None, &[shop]),
            (Public, None, &[shop]),
            Some("subject_type"),
        ),
    ] {
        let of = |(kind, uri, redirect_uris): (SubjectType, Option<&str>, &[&str])| {
            client(kind, uri, redirect_uris)
        };
        let outcome = of(before).check_kept_subjects(&of(after));
        assert_eq!(
            outcome.err().map(|error| error.field),
            changed,
            "{before:?} {after:?}"
        );
        assert_eq!(of(before).keeps_subjects(&of(after)), changed.is_none());
    }
}

proptest! {
    #[test]
    fn no_document_breaks_the_parser(document in any::<Vec<u8>>()) {
        let metadata = client(SubjectType::Pairwise, None, &["https://a.example/cb"]);
        prop_assert!(!metadata.is_listed_in(&document));
    }
}
