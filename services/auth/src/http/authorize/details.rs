//! Authorization details (RFC 9396) on the consent page: every member, so that two details that differ are shown differently.

#[cfg(test)]
mod tests;

use oidc::authorization_details::{AuthorizationDetails, DetailTypes};
use serde_json::{Map, Value};

use crate::html::view::{ConsentDetail, DetailRow};

/// The details, as the person reads them. A text that people would not see as it is was refused with the request.
pub(super) fn shown<'a>(details: &AuthorizationDetails, types: &'a DetailTypes) -> Vec<ConsentDetail<'a>> {
    let shown = details.iter().filter_map(|(name, detail)| {
        let mut members = detail.clone();
        members.shift_remove("type");
        Some(ConsentDetail {
            description: types.get(name)?.description.as_str(),
            rows: rows(&members),
        })
    });
    shown.collect()
}

/// A row for each member and each item, in order, with those below it at the next level.
fn rows(members: &Map<String, Value>) -> Vec<DetailRow> {
    let mut rows = Vec::new();
    append_members(&mut rows, members, 0);
    rows
}

fn append_members(rows: &mut Vec<DetailRow>, members: &Map<String, Value>, level: usize) {
    for (name, value) in members {
        append(rows, name.clone(), value, level);
    }
}

/// Appends a value and what is below it. Texts are in quotation marks, which tells them from numbers and from our words.
fn append(rows: &mut Vec<DetailRow>, name: String, value: &Value, level: usize) {
    let text = match value {
        Value::String(text) => format!("“{text}”"),
        Value::Array(items) => match items.len() {
            0 => "(empty list)".to_owned(),
            1 => "1 item".to_owned(),
            number => format!("{number} items"),
        },
        Value::Object(members) if members.is_empty() => "(empty)".to_owned(),
        Value::Object(_) => String::new(),
        other => other.to_string(),
    };
    rows.push(DetailRow {
        name,
        value: text,
        level,
    });
    match value {
        Value::Object(members) => append_members(rows, members, level + 1),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                append(rows, format!("{}.", index + 1), item, level + 1);
            }
        }
        _ => {}
    }
}
