//! Tests of authorization details on the consent page.

use oidc::authorization_details::{DetailType, Schema};
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn rows_of(detail: &Value) -> Vec<DetailRow> {
    rows(detail.as_object().unwrap())
}

#[test]
fn what_is_granted_is_what_is_read() {
    // SB-49
    let detail = json!({
        "creditor": "The  Harbour", "amount": 5, "accounts": ["CH01, CH02"], "limits": [], "more": {}, "to": {"name": "x"},
    });
    let shown: Vec<(usize, String, String)> = rows_of(&detail)
        .into_iter()
        .map(|row| (row.level, row.name, row.value))
        .collect();
    let expected = [
        (0, "creditor", "“The  Harbour”"),
        (0, "amount", "5"),
        (0, "accounts", "1 item"),
        (1, "1.", "“CH01, CH02”"),
        (0, "limits", "(empty list)"),
        (0, "more", "(empty)"),
        (0, "to", ""),
        (1, "name", "“x”"),
    ];
    assert_eq!(
        shown,
        expected.map(|(level, name, value)| (level, name.to_owned(), value.to_owned()))
    );
    for (one, other) in [
        (json!({"a": ["x, y"]}), json!({"a": ["x", "y"]})),
        (json!({"a": "5"}), json!({"a": 5})),
        (json!({"a.b": 1}), json!({"a": {"b": 1}})),
        (json!({"a": {"1.": 1}}), json!({"a": [1]})),
        (json!({"a": []}), json!({"a": {}})),
        (json!({"a": null}), json!({"a": "null"})),
        (json!({"a": "(empty)"}), json!({"a": {}})),
    ] {
        assert_ne!(rows_of(&one), rows_of(&other), "{one} {other}");
    }
}

#[test]
fn a_page_grows_with_its_request() {
    // SB-43
    let name = "a".repeat(128);
    let members: Map<String, Value> = (0..500).map(|number| (format!("a{number}"), json!(0))).collect();
    let detail = json!([{ "type": "payment", name: members }]).to_string();
    let details = AuthorizationDetails::parse(&detail).unwrap();
    let mut types = DetailTypes::default();
    let description = "Start a payment".to_owned();
    let schema = Schema::parse(&json!({ "additionalProperties": true })).unwrap();
    types.add("payment", DetailType { description, schema });
    let shown = shown(&details, &types);
    let length: usize = shown[0]
        .rows
        .iter()
        .map(|row| row.name.len() + row.value.len())
        .sum();
    assert!(length < detail.len(), "{length} of {}", detail.len());
}

/// Values of a few texts, so that those that could be mixed up meet.
fn value() -> impl Strategy<Value = Value> {
    let texts = [
        "", "1", "5", "a", "a.b", "1.", "1 item", "(empty)", "“5”", "5”", "null",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..6).prop_map(Value::from),
        prop::sample::select(texts.to_vec()).prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, move |inner| {
        let names = prop::sample::select(vec!["a", "b", "a.b", "1.", "“a”"]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec((names, inner), 0..3).prop_map(|members| members
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect()),
        ]
    })
}

proptest! {
    #[test]
    fn details_that_differ_are_shown_differently(one in value(), other in value()) {
        let (one, other) = (json!({ "m": one }), json!({ "m": other }));
        prop_assert!(one == other || rows_of(&one) != rows_of(&other));
    }
}
