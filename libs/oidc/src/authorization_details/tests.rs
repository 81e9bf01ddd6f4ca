//! Tests of authorization details (RFC 9396).

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn payment() -> Schema {
    Schema::parse(&json!({
        "required": ["amount"],
        "properties": {
            "actions": { "type": "array", "maxItems": 2, "items": { "enum": ["initiate", "cancel"] } },
            "locations": { "type": "array", "items": { "type": "string" } },
            "amount": {
                "type": "object",
                "required": ["currency", "value"],
                "properties": {
                    "currency": { "type": "string", "minLength": 3, "maxLength": 3 },
                    "value": { "type": "number", "minimum": 0.01, "maximum": 1000 },
                },
            },
            "note": { "type": "object", "additionalProperties": true },
            "urgent": { "type": "boolean" },
            "times": { "type": "integer" },
        },
    }))
    .unwrap()
}

fn types() -> DetailTypes {
    let mut types = DetailTypes::default();
    for name in ["payment", "other"] {
        let schema = payment();
        let description = "Start a payment".to_owned();
        types.add(name, DetailType { description, schema });
    }
    types
}

fn check(details: &Value) -> Result<(), OAuthError> {
    let registered = BTreeSet::from(["payment".to_owned()]);
    types().check(&AuthorizationDetails::parse(&details.to_string())?, &registered)
}

#[test]
fn details_fit_their_type_or_are_refused() {
    // RFC 9396 §2, §5
    let good = json!({ "type": "payment", "amount": { "currency": "EUR", "value": 12.5 } });
    let with = |name: &str, value: Value| {
        let mut detail = good.clone();
        detail[name] = value;
        json!([detail])
    };
    for (section, details, valid) in [
        ("§2: an object with its type", json!([good]), true),
        ("§2: no object", json!([]), true),
        ("§2: no array", good.clone(), false),
        ("§2: no object in the array", json!(["payment"]), false),
        ("§2: no type", json!([{ "amount": 1 }]), false),
        ("§2: a type that is no text", with("type", json!(1)), false),
        ("§5: an unknown type", with("type", json!("unknown")), false),
        (
            "§10: a type that the client is not registered for",
            with("type", json!("other")),
            false,
        ),
        ("§5: an unknown member", with("more", json!(1)), false),
        (
            "§5: an unknown member below",
            with("amount", json!({ "currency": "EUR", "value": 1, "x": 1 })),
            false,
        ),
        (
            "§5: a member that is missing",
            json!([{ "type": "payment" }]),
            false,
        ),
        (
            "§5: a member of another kind",
            with("amount", json!("12.5 EUR")),
            false,
        ),
        (
            "§5: a text that is too long",
            with("amount", json!({ "currency": "EURO", "value": 1 })),
            false,
        ),
        (
            "§5: a number that is too small",
            with("amount", json!({ "currency": "EUR", "value": 0 })),
            false,
        ),
        (
            "§5: a number that is too large",
            with("amount", json!({ "currency": "EUR", "value": 1001 })),
            false,
        ),
        (
            "§2.2: known actions",
            with("actions", json!(["initiate", "cancel"])),
            true,
        ),
        ("§5: another action", with("actions", json!(["steal"])), false),
        (
            "§5: too many",
            with("actions", json!(["initiate", "initiate", "cancel"])),
            false,
        ),
        ("an open object", with("note", json!({ "x": { "y": 1 } })), true),
        ("a truth value", with("urgent", json!(true)), true),
        ("no truth value", with("urgent", json!("true")), false),
        ("no whole number", with("times", json!(1.5)), false),
        ("null", with("urgent", Value::Null), false),
        (
            "nested too deeply",
            with("note", json!({ "a": { "b": { "c": { "d": { "e": [[]] } } } } })),
            false,
        ),
        ("too many objects", Value::Array(vec![good.clone(); 17]), false),
        ("too long", with("note", json!({ "x": "y".repeat(8192) })), false),
    ] {
        let outcome = check(&details);
        assert_eq!(outcome.is_ok(), valid, "{section}: {outcome:?}");
        if let Err(error) = outcome {
            assert_eq!(error.error, ErrorCode::InvalidAuthorizationDetails, "{section}");
        }
    }
}

#[test]
fn an_error_names_the_member_and_the_bound() {
    let amount = json!({ "currency": "EUR", "value": 1 });
    for (detail, expected) in [
        (json!({}), "amount is missing"),
        (json!({ "amount": 5 }), "amount: expected an object"),
        (
            json!({ "amount": { "currency": "EUR", "value": 0 } }),
            "amount.value: expected a number: 0.01 to 1000",
        ),
        (
            json!({ "amount": { "currency": "E", "value": 1 } }),
            "amount.currency: expected exactly 3 characters",
        ),
        (
            json!({ "amount": amount, "actions": ["cancel", "cancel", "cancel"] }),
            "actions: expected at most 2 items",
        ),
        (
            json!({ "amount": amount, "tip": 1 }),
            "tip: the type has no such member",
        ),
        (
            json!({ "amount": { "tip": 1, "currency": "EUR", "value": 1 } }),
            "amount.tip: the type has no such member",
        ),
    ] {
        assert_eq!(payment().check(&detail), Err(expected.to_owned()));
    }
}

#[test]
fn a_grant_is_narrowed_and_never_widened() {
    // RFC 9396 §6
    let of = |details: Value| AuthorizationDetails::parse(&details.to_string()).unwrap();
    let granted = of(json!([{ "type": "payment", "x": 1 }, { "type": "other" }]));
    assert_eq!(granted.narrowed_to(None), Ok(granted.clone()));
    assert_eq!(granted.narrowed_to(Some(&of(json!([])))), Ok(of(json!([]))));
    let one = of(json!([{ "x": 1, "type": "payment" }]));
    assert_eq!(granted.narrowed_to(Some(&one)), Ok(one.clone()));
    for more in [
        json!([{ "type": "payment", "x": 2 }]),
        json!([{ "type": "payment" }]),
    ] {
        assert!(granted.narrowed_to(Some(&of(more))).is_err());
    }
    let registered = BTreeSet::from(["payment".to_owned(), "account".to_owned()]);
    assert_eq!(
        types().allowed(&granted, &registered),
        one,
        "the server does not know accounts"
    );
    assert_eq!(
        types().allowed(&granted, &BTreeSet::new()),
        of(json!([])),
        "SB-47"
    );
}

#[test]
fn texts_that_people_would_not_see_are_refused() {
    // SB-49
    let parse = |name: &str, text: &str| {
        let details = json!([{ "type": "payment", "note": { name: [text] } }]);
        AuthorizationDetails::parse(&details.to_string()).is_ok()
    };
    for text in ["ACME", "Café 東京", "a b", "", "<b>", "שלום"] {
        assert!(parse("creditor", text), "{text:?}");
    }
    for hidden in [
        '\0',
        '\n',
        '\u{7f}',
        '\u{85}',
        '\u{a0}',
        '\u{ad}',
        '\u{61c}',
        '\u{200b}',
        '\u{200d}',
        '\u{200e}',
        '\u{2028}',
        '\u{2029}',
        '\u{202e}',
        '\u{2060}',
        '\u{2066}',
        '\u{3000}',
        '\u{3164}',
        '\u{fe0f}',
        '\u{feff}',
        '\u{e0041}',
    ] {
        let text = format!("AC{hidden}ME");
        assert!(!parse("creditor", &text) && !parse(&text, "ACME"), "{text:?}");
    }
    assert!(parse(&"a".repeat(128), "") && !parse(&"a".repeat(129), ""));
}

#[test]
fn details_are_bound_as_they_are_written() {
    let numbers = |number: &str, times: usize| {
        let list = vec![number; times].join(",");
        AuthorizationDetails::parse(&format!("[{{\"type\":\"payment\",\"n\":[{list}]}}]"))
    };
    for (number, times, valid) in [
        ("1e15", 100, true),
        ("1e15", 1600, false),
        ("1.5", 1600, true),
        ("1e300", 1, true),
        ("18446744073709551616", 1, true),
    ] {
        let read = numbers(number, times);
        assert_eq!(read.is_ok(), valid, "{number} {times}: {read:?}");
        if let Ok(details) = read {
            let written = serde_json::to_string(&details).unwrap();
            assert_eq!(AuthorizationDetails::parse(&written), Ok(details), "{number}");
        }
    }
}

#[test]
fn locations_are_a_list_of_texts() {
    // RFC 9396 §2.2
    for (locations, valid) in [
        (json!(["https://a.example"]), true),
        (json!([]), true),
        (json!("https://a.example"), false),
        (json!([5]), false),
        (json!(null), false),
    ] {
        let details = json!([{ "type": "payment", "locations": locations }]).to_string();
        assert_eq!(AuthorizationDetails::parse(&details).is_ok(), valid, "{details}");
    }
}

#[test]
fn a_service_gets_the_details_for_it() {
    // RFC 9396 §2.2
    let audience = |url: &str| [Resource::parse(url).unwrap()];
    for (locations, audience, is_there) in [
        (json!(null), audience("https://a.example"), true),
        (json!(["https://a.example"]), audience("https://a.example"), true),
        (
            json!(["https://a.example/payments"]),
            audience("https://a.example"),
            true,
        ),
        (
            json!(["https://b.example", "https://a.example"]),
            audience("https://a.example"),
            true,
        ),
        (json!(["https://b.example"]), audience("https://a.example"), false),
        (
            json!(["https://a.example.evil"]),
            audience("https://a.example"),
            false,
        ),
        (json!(["https://a.example"]), audience("https://a.example/"), true),
        (json!(["https://a.example/"]), audience("https://a.example"), true),
        (json!([]), audience("https://a.example"), false),
    ] {
        let mut detail = Map::new();
        detail.insert("type".to_owned(), "payment".into());
        if !locations.is_null() {
            detail.insert("locations".to_owned(), locations.clone());
        }
        let at = AuthorizationDetails(vec![detail]).at(&audience);
        assert_eq!(!at.is_empty(), is_there, "{locations}");
    }
}

#[test]
fn a_schema_that_cannot_be_used_names_the_keyword() {
    for (schema, named) in [
        (json!([]), "expected an object"),
        (json!({ "pattern": "a" }), "pattern"),
        (json!({ "type": "null" }), "type"),
        (json!({ "type": "string" }), "type"),
        (
            json!({ "properties": { "a": { "minLength": "1" } } }),
            "properties.a.minLength",
        ),
        (json!({ "properties": { "type": {} } }), "properties.type"),
        (json!({ "properties": [] }), "properties"),
        (json!({ "required": "a" }), "required"),
        (json!({ "additionalProperties": {} }), "additionalProperties"),
        (
            json!({ "properties": { "a": { "enum": [] } } }),
            "properties.a.enum",
        ),
        (
            json!({ "properties": { "a": { "minimum": "1" } } }),
            "properties.a.minimum",
        ),
    ] {
        let error = Schema::parse(&schema).unwrap_err().to_string();
        assert!(error.starts_with(named), "{schema}: {error}");
    }
    let mut deep = json!({});
    for _ in 0..8 {
        deep = json!({ "items": deep });
    }
    assert!(Schema::parse(&deep).is_err());
}

proptest! {
    #[test]
    fn anything_may_come(text in "\\PC*|[\\[\\]{}\",:a-z0-9]*", member in "\\PC*", number in any::<f64>()) {
        let _ = AuthorizationDetails::parse(&text);
        let _ = check(&json!([{ "type": "payment", "amount": { member.clone(): text } }]));
        if let Ok(read) = AuthorizationDetails::parse(&json!([{ "type": member.clone() }]).to_string()) {
            prop_assert_eq!(read.iter().next().unwrap().0, member.as_str());
        }
        let text = json!([{ "type": "payment", "n": number }]).to_string();
        if let Ok(read) = AuthorizationDetails::parse(&text) {
            let written = serde_json::to_string(&read).unwrap();
            prop_assert_eq!(AuthorizationDetails::parse(&written), Ok(read));
        }
    }
}
