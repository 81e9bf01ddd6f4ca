//! Request headers, read as bytes. A byte outside ASCII in one part of a value, such as another application's cookie, must
//! not hide the other parts.

use std::borrow::Cow;

use ::http::header::{ACCEPT, CONTENT_TYPE, COOKIE};
use ::http::{HeaderMap, HeaderName};

/// The values of the cookie `name`, of every `Cookie` header (RFC 6265 §5.4), in order.
pub fn cookie_values<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    items(headers, COOKIE, b';').filter_map(move |pair| {
        let middle = pair.iter().position(|byte| *byte == b'=')?;
        let (key, value) = pair.split_at_checked(middle)?;
        (key.trim_ascii_end() == name.as_bytes())
            .then(|| value.get(1..).unwrap_or_default().trim_ascii_start())
    })
}

/// True if one of the media ranges in `Accept` is exactly `media_type`, in lower case. Parameters are
/// ignored.
pub fn accepts(headers: &HeaderMap, media_type: &str) -> bool {
    items(headers, ACCEPT, b',').any(|range| essence(range).eq_ignore_ascii_case(media_type.as_bytes()))
}

/// The media type of the body in lower case, without its parameters. `None` also if there are two.
pub fn content_type(headers: &HeaderMap) -> Option<String> {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let only = values.next().filter(|_| values.next().is_none())?;
    let essence = std::str::from_utf8(essence(only.as_bytes())).ok()?;
    Some(essence.to_ascii_lowercase())
}

/// All values of a list header as one text (RFC 9110 §5.3). Invalid UTF-8 becomes U+FFFD.
pub fn list<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<Cow<'a, str>> {
    headers
        .get_all(name)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
        .reduce(|mut list, value| {
            let all = list.to_mut();
            all.push_str(", ");
            all.push_str(&value);
            list
        })
}

fn items(headers: &HeaderMap, name: HeaderName, separator: u8) -> impl Iterator<Item = &[u8]> {
    headers
        .get_all(name)
        .iter()
        .flat_map(move |value| value.as_bytes().split(move |byte| *byte == separator))
        .map(<[u8]>::trim_ascii)
}

fn essence(value: &[u8]) -> &[u8] {
    let end = value.iter().position(|byte| *byte == b';').unwrap_or(value.len());
    value.get(..end).unwrap_or_default().trim_ascii()
}
