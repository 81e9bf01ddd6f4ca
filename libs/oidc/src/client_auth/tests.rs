//! Tests of client authentication.

mod assertions;

use base64::engine::general_purpose::STANDARD as STANDARD_BASE64;
use proptest::prelude::*;
use secrecy::ExposeSecret;
use url::form_urlencoded;

use super::*;

fn parse(header: Option<&str>, form: &str) -> Result<(String, Option<String>, AuthMethod), ErrorCode> {
    let form = Params::parse(form, &[]).unwrap();
    ClientAuthentication::parse(header, &form)
        .map(|sent| {
            let secret = sent
                .proof
                .secret()
                .map(|secret| secret.expose_secret().to_owned());
            (sent.client_id, secret, sent.proof.method())
        })
        .map_err(|error| error.error)
}

fn parse_basic(text: &str) -> String {
    format!("Basic {}", STANDARD_BASE64.encode(text))
}

#[test]
fn the_header_is_form_decoded() {
    // RFC 6749 §2.3.1
    let sent = parse(Some(&parse_basic("a%3Ab:p%26ss+word%2B%3A")), "").unwrap();
    assert_eq!(
        sent,
        (
            "a:b".to_owned(),
            Some("p&ss word+:".to_owned()),
            AuthMethod::ClientSecretBasic
        )
    );
    for bad in ["a", ":secret", "a:%zz", "%ff:a"] {
        assert_eq!(
            parse(Some(&parse_basic(bad)), ""),
            Err(ErrorCode::InvalidClient),
            "{bad}"
        );
    }
    for bad in ["", "Basic", "Basic !", "Bearer abc", "basic"] {
        assert_eq!(parse(Some(bad), ""), Err(ErrorCode::InvalidClient), "{bad}");
    }
}

#[test]
fn one_method_at_a_time() {
    // SB-28
    let header = parse_basic("a:b");
    assert_eq!(
        parse(Some(&header), "client_id=a&client_secret=b"),
        Err(ErrorCode::InvalidRequest)
    );
    assert_eq!(
        parse(Some(&header), "client_id=c"),
        Err(ErrorCode::InvalidRequest)
    );
    assert!(parse(Some(&header), "client_id=a").is_ok());
    assert_eq!(
        parse(None, "client_id=a&client_secret=b").unwrap().2,
        AuthMethod::ClientSecretPost
    );
    assert_eq!(
        parse(None, "client_id=a").unwrap(),
        ("a".to_owned(), None, AuthMethod::None)
    );
    assert_eq!(parse(None, ""), Err(ErrorCode::InvalidClient));
}

proptest! {
    #[test]
    fn any_id_and_secret_can_be_sent(id in "\\PC{1,30}", secret in "\\PC{0,30}") {
        let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let header = parse_basic(&format!("{}:{}", encode(&id), encode(&secret)));
        prop_assert_eq!(parse(Some(&header), "").unwrap(), (id, Some(secret), AuthMethod::ClientSecretBasic));
    }

    #[test]
    fn anything_may_come(header in "\\PC{0,600}") {
        let _ = parse(Some(&header), "");
        let _ = parse(Some(&format!("Basic {header}")), "");
    }
}
