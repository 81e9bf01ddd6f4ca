//! Any text as a filter.

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// Texts that are nearly filters.
fn nearly() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        prop::sample::select(vec![
            "userName",
            "emails",
            "emails[",
            "]",
            ".value",
            "(",
            ")",
            "not",
            "and",
            "or",
            "eq",
            "pr",
            "co",
            "true",
            "null",
            "7",
            "\"a\"",
            "\"2011-05-13T04:42:34Z\"",
            "meta.created",
            "gt",
            "type",
            "tags",
            "floor",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,3}",
    ];
    let joined = prop::collection::vec((word, prop_oneof![3 => Just(" "), 1 => Just("")]), 0..24);
    joined.prop_map(|words| words.into_iter().map(|(word, space)| word + space).collect())
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,600}") {
        // SB-42
        let _ = parse(&text);
    }

    #[test]
    fn what_is_printed_is_read_as_the_same(text in nearly()) {
        // SB-42
        if let Ok(filter) = parse(&text) {
            prop_assert_eq!(parse(&filter.to_string()), Ok(filter.clone()));
            let _ = filter.matches(&resource());
        }
    }

    #[test]
    fn any_text_is_compared_as_it_was(name in "\\PC{0,64}") {
        let quoted = serde_json::to_string(&name).unwrap();
        let filter = parse(&format!("externalId eq {quoted}")).unwrap();
        prop_assert_eq!(filter.matches(&json!({"externalId": name})), !name.is_empty());
    }
}
