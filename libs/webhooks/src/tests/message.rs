//! Tests of the message of a delivery, without sending it.

use serde_json::json;

use super::super::message::{body, headers};
use super::super::schedule::pause;
use super::super::secret::Secret;
use super::super::types::Types;
use super::*;
use events::testing::event;

#[test]
fn a_signature_is_what_other_implementations_compute() {
    // Computed with Python's hmac and hashlib.
    let secret = Secret::parse(SECRET).unwrap();
    assert_eq!(
        secret.sign(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            br#"{"test": 2432232314}"#
        ),
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    );
}

#[test]
fn a_secret_has_24_to_64_bytes_and_never_prints_itself() {
    let random = random();
    let made = Secret::generate(&*random);
    let text = made.to_token().expose().to_owned();
    assert!(text.starts_with("whsec_") && text.len() == 6 + 44, "32 bytes");
    assert_ne!(text, Secret::generate(&*random).to_token().expose());
    assert_eq!(Secret::parse(&text).unwrap().to_token().expose(), text);
    assert_eq!(format!("{made:?} {:?}", made.to_token()), "Secret(…) Token(…)");
    let of = |length: usize| {
        use base64::Engine;
        format!(
            "whsec_{}",
            base64::engine::general_purpose::STANDARD.encode(vec![7; length])
        )
    };
    for length in [24, 64] {
        Secret::parse(&of(length)).unwrap();
    }
    let wrong = [
        of(23),
        of(65),
        of(32).replace("whsec_", "whsk_"),
        of(32).replace("whsec_", ""),
        "whsec_%".to_owned(),
    ];
    for text in wrong {
        assert!(Secret::parse(&text).is_err(), "{text}");
    }
}

#[test]
fn the_body_is_a_standard_payload_and_a_cloudevent() {
    let id = Uuid::from_u128(7);
    let mut event = event(id, 3);
    event.position = Some(12);
    let body = body(&event).unwrap();
    let sent: serde_json::Value = serde_json::from_slice(&body).unwrap();
    // Standard Webhooks, "Payload structure".
    assert_eq!(sent["type"], "vestibule.subject.erased.v1");
    assert_eq!(sent["timestamp"], json!(event.time));
    assert_eq!(sent["data"]["version"], 3);
    // CloudEvents §3.1, and a reader of the feed reads this.
    assert_eq!(sent["specversion"], "1.0");
    let read: contract::Envelope = serde_json::from_slice(&body).unwrap();
    assert_eq!((read.id, read.sequence, read.position), (event.id, 3, Some(12)));
    assert_eq!(
        serde_json::to_string(&read).unwrap(),
        serde_json::to_string(&event).unwrap()
    );
}

#[test]
fn the_headers_name_the_event_and_the_attempt() {
    let id = Uuid::from_u128(7);
    let secrets = [Secret::parse(SECRET).unwrap()];
    let headers = headers(id, BEGINNING, b"{}", &secrets);
    assert_eq!(headers["webhook-id"], id.to_string());
    assert_eq!(headers["webhook-timestamp"], "1800000000");
    assert_eq!(headers["content-type"], "application/json");
    let expected = secrets[0].sign(&id.to_string(), 1_800_000_000, b"{}");
    assert_eq!(headers["webhook-signature"], expected);
}

#[test]
fn patterns_want_whole_types_or_what_begins_so() {
    let known = [
        "vestibule.user.created.v1",
        "vestibule.user.deleted.v1",
        "vestibule.username.taken.v1",
    ];
    let types =
        |patterns: &[&str]| Types::parse(patterns.iter().map(|text| (*text).to_owned()).collect(), &known);
    let wanted = |patterns: &[&str]| {
        let types = types(patterns).unwrap();
        let stored = Types::stored(&types.to_string());
        assert_eq!(stored, types);
        known.map(|kind| stored.want(kind))
    };
    assert_eq!(wanted(&["*"]), [true, true, true]);
    assert_eq!(wanted(&["vestibule.user.*"]), [true, true, false]);
    assert_eq!(wanted(&["vestibule.user.created.v1"]), [true, false, false]);
    assert_eq!(
        wanted(&["vestibule.user.created.v1", "vestibule.username.*"]),
        [true, false, true]
    );
    for unknown in [
        "",
        "vestibule.user",
        "vestibule.user*",
        "*.v1",
        "vestibule.group.*",
        "a b",
        "* *",
    ] {
        let refused = types(&["*", unknown]).unwrap_err();
        assert_eq!(refused.field, "types[1]", "{unknown}");
        assert!(
            refused.detail.contains("vestibule.user.created.v1"),
            "the known ones are named"
        );
    }
    assert_eq!(types(&[]).unwrap_err().field, "types");
    assert_eq!(types(&["*"; 51]).unwrap_err().field, "types");
}

#[test]
fn ten_attempts_span_three_days_with_some_chance() {
    let random = random();
    let spans: Vec<Duration> = (0..100)
        .map(|_| (1..10).map(|attempts| pause(attempts, &*random).unwrap()).sum())
        .collect();
    let (least, most) = (
        Duration::from_secs(272_105),
        Duration::from_secs(272_105 * 11 / 10),
    );
    assert!(spans.iter().all(|span| (least..=most).contains(span)));
    assert!(least > 3 * DAY);
    assert!(
        spans.iter().any(|span| *span != spans[0]),
        "what failed together comes back apart"
    );
    assert_eq!(pause(10, &*random), None);
    assert!(pause(1, &*random).unwrap() < Duration::from_secs(6));
}
