//! Texts of attributes: limits and forms.

use oxilangtag::LanguageTag;

use super::{Attribute, TextForm, date_time};
use crate::Error;

/// The text as it is compared (RFC 7643 §2.2, `caseExact`).
pub(crate) fn fold(text: &str, case_exact: bool) -> String {
    match case_exact {
        true => text.to_owned(),
        false => text.to_lowercase(),
    }
}

/// Checks a text against its attribute and returns it as it is stored.
///
/// # Errors
/// `invalidValue`, naming the path.
pub(super) fn read(text: &str, attribute: &Attribute, path: &str) -> Result<String, Error> {
    check_characters(text, path, attribute.max_chars, attribute.form == TextForm::Lines)?;
    match attribute.form {
        TextForm::LanguageTag => Ok(canonical_language(text)),
        TextForm::Birthdate if !is_birthdate(text) => Err(Error::invalid_value(
            path,
            "expected YYYY-MM-DD, 0000-MM-DD or YYYY",
        )),
        _ => canonical_value(text, attribute, path),
    }
}

/// SB-34: no control character, and no line end but where several lines are meant (RFC 7643 §4.1.2).
///
/// # Errors
/// `invalidValue`, naming the path.
pub(super) fn check_characters(
    text: &str,
    path: &str,
    max_chars: usize,
    multi_line: bool,
) -> Result<(), Error> {
    // No character has more than four bytes, so a long text is not counted.
    if text.len() > max_chars.saturating_mul(4) || text.chars().count() > max_chars {
        return Err(Error::invalid_value(
            path,
            format_args!("longer than {max_chars} characters"),
        ));
    }
    let line_end = |c| multi_line && matches!(c, '\n' | '\r');
    if text.chars().any(|c| c.is_control() && !line_end(c)) {
        return Err(Error::invalid_value(path, "control characters are not allowed"));
    }
    Ok(())
}

/// A well-formed language tag in its canonical spelling, and any other text as it is. Directories send `en_US`, `German` and
/// lists as in `Accept-Language` (RFC 7643 §4.1.1).
fn canonical_language(text: &str) -> String {
    // No tag is longer than the attributes that hold one.
    match LanguageTag::parse_and_normalize(text) {
        Ok(tag) if text.len() <= 64 => tag.into_inner(),
        _ => text.to_owned(),
    }
}

/// A birthdate of OpenID Connect Core §5.1. The year 0000 means that the year is not told, and 29 February is a day of it.
fn is_birthdate(text: &str) -> bool {
    let year = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
    year || date_time::days(text).is_some()
}

fn canonical_value(text: &str, attribute: &Attribute, path: &str) -> Result<String, Error> {
    if !attribute.only_canonical || text.is_empty() {
        return Ok(text.to_owned());
    }
    let same = |known: &&String| match attribute.case_exact {
        true => known.as_str() == text,
        false => known.to_lowercase() == text.to_lowercase(),
    };
    match attribute.canonical_values.iter().find(same) {
        Some(known) => Ok(known.clone()),
        None => Err(Error::invalid_value(
            path,
            format_args!("expected one of: {}", attribute.canonical_values.join(", ")),
        )),
    }
}

/// Checks base64 text (RFC 4648 §4, or §5 as some clients write it).
///
/// # Errors
/// `invalidValue`, naming the path.
pub(super) fn check_base64(text: &str, attribute: &Attribute, path: &str) -> Result<(), Error> {
    check_characters(text, path, attribute.max_chars, false)?;
    let digits = text.trim_end_matches('=');
    let padding = text.len() - digits.len();
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_');
    let whole = digits.len() % 4 != 1 && (padding == 0 || (padding <= 2 && text.len().is_multiple_of(4)));
    if whole && digits.bytes().all(known) {
        Ok(())
    } else {
        Err(Error::invalid_value(path, "expected base64"))
    }
}
