//! The rules of RFC 7644 §3.5.2.

mod add;
mod body;
mod refused;
mod remove;
mod replace;

use serde_json::{Value, json};

use super::*;
use crate::ScimType;

fn work_email() -> Value {
    ann()["emails"][0].clone()
}

fn home_email() -> Value {
    ann()["emails"][1].clone()
}

/// A section, an operation, and the members of the resource that it changes.
type Row = (&'static str, Value, Value);

fn check(rows: impl IntoIterator<Item = Row>) {
    check_on(json!({}), rows);
}

/// As [`check`], on `ann` with changes.
fn check_on(before: Value, rows: impl IntoIterator<Item = Row>) {
    for (section, operation, changes) in rows {
        let (edited, _) = patched(&ann_with(before.clone()), json!([operation]))
            .unwrap_or_else(|error| panic!("{section}: {operation}: {error}"));
        let mut expected = before.as_object().unwrap().clone();
        expected.extend(changes.as_object().unwrap().clone());
        assert_eq!(
            edited,
            ann_with(Value::Object(expected)),
            "{section}: {operation}"
        );
    }
}
