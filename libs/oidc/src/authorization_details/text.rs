//! Texts of authorization details, which people have to see as they are granted (SB-49).

use serde_json::{Map, Value};

/// The longest name of a member in bytes. The consent page shows the name of each.
const MAX_NAME: usize = 128;

/// True if people see the names and the texts of a detail as they are.
pub(super) fn is_plain_object(members: &Map<String, Value>) -> bool {
    members
        .iter()
        .all(|(name, value)| name.len() <= MAX_NAME && is_plain(name) && is_plain_value(value))
}

fn is_plain_value(value: &Value) -> bool {
    match value {
        Value::String(text) => is_plain(text),
        Value::Array(items) => items.iter().all(is_plain_value),
        Value::Object(members) => is_plain_object(members),
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
    }
}

/// True if a text has no character that is not seen, or that changes how others are seen.
fn is_plain(text: &str) -> bool {
    !text.chars().any(is_hidden)
}

/// True for control and format characters, marks that turn the direction, blanks other than the space, and characters that have no
/// form of their own (Unicode categories Cc, Cf, Zl and Zp, `White_Space` and `Default_Ignorable_Code_Point`).
fn is_hidden(char: char) -> bool {
    char.is_control()
        || (char.is_whitespace() && char != ' ')
        || matches!(char,
            '\u{ad}'
            | '\u{34f}'
            | '\u{600}'..='\u{605}'
            | '\u{61c}'
            | '\u{6dd}'
            | '\u{70f}'
            | '\u{890}'..='\u{891}'
            | '\u{8e2}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{110bd}'
            | '\u{110cd}'
            | '\u{13430}'..='\u{1343f}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}
