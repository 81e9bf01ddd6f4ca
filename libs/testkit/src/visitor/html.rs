//! Minimal HTML parser for the forms of our templates.

use std::collections::BTreeMap;

/// A form with its initial fields.
#[derive(Clone, Debug, Default)]
pub(super) struct Form {
    pub(super) action: String,
    pub(super) fields: Vec<(String, String)>,
}

/// The forms of a page, in order.
pub(super) fn forms(body: &str) -> Vec<Form> {
    let mut forms: Vec<Form> = Vec::new();
    for tag in body
        .split('<')
        .filter_map(|part| part.split_once('>'))
        .map(|(tag, _)| tag)
    {
        let attributes = attributes(tag);
        let get = |name: &str| attributes.get(name).cloned().unwrap_or_default();
        if tag.starts_with("form") {
            forms.push(Form {
                action: get("action"),
                fields: Vec::new(),
            });
        } else if let Some(form) = forms.last_mut() {
            let button = tag.starts_with("button");
            let named = attributes.contains_key("name");
            if named && (button || tag.starts_with("input")) && ticked(&attributes) {
                form.fields.push((get("name"), get("value")));
            }
            if button && attributes.contains_key("formaction") {
                // This button submits the same form to another action.
                let elsewhere = Form {
                    action: get("formaction"),
                    fields: form.fields.clone(),
                };
                forms.insert(forms.len() - 1, elsewhere);
            }
        }
    }
    forms
}

/// True if an input is submitted: a checkbox or radio button only if it is checked.
fn ticked(attributes: &BTreeMap<String, String>) -> bool {
    let kind = attributes.get("type").map(String::as_str);
    !matches!(kind, Some("checkbox" | "radio")) || attributes.contains_key("checked")
}

/// The attributes of a tag, in the simple form of our templates: `name="value"` or `name`.
fn attributes(tag: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut rest = tag.split_once(char::is_whitespace).map_or("", |(_, rest)| rest);
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        let end = rest
            .find(|c: char| c == '=' || c.is_whitespace())
            .unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        if name.is_empty() {
            return found;
        }
        if let Some(quoted) = after.strip_prefix("=\"") {
            let (value, after) = quoted.split_once('"').unwrap_or((quoted, ""));
            found.insert(name.to_owned(), unescape(value));
            rest = after;
        } else {
            found.insert(name.to_owned(), String::new());
            rest = after.strip_prefix('=').unwrap_or(after);
        }
    }
}

/// Decodes the character references of our templates.
pub(super) fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        let Some((name, behind)) = after.split_once(';').filter(|(name, _)| name.len() < 8) else {
            plain.push('&');
            rest = after;
            continue;
        };
        match character(name) {
            Some(c) => plain.push(c),
            None => plain.push_str(&format!("&{name};")),
        }
        rest = behind;
    }
    plain.push_str(rest);
    plain
}

fn character(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}
