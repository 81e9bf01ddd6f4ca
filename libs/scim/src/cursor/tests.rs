//! Tests of cursors.

use proptest::prelude::*;

use super::*;
use crate::ScimType;

fn query() -> QueryDigest {
    QueryDigest::of(["User", "userName sw \"J\"", "userName", "ascending"])
}

fn server_key() -> CursorKey {
    CursorKey::derive(b"the secret of the server")
}

fn cursor() -> Cursor {
    Cursor {
        direction: Direction::Next,
        key: vec![Some("jäger".to_owned()), None, Some("018f".to_owned())],
    }
}

#[test]
fn a_cursor_is_good_for_its_query_and_for_a_while() {
    // RFC 9865 §2, §2.1
    let text = cursor().encode(&server_key(), &query(), 1000);
    assert!(
        text.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)),
        "{text}"
    );
    let flipped = text.replacen(|c: char| c.is_ascii_lowercase(), "", 1);
    let altered = text.replacen(|c: char| c.is_ascii_lowercase(), "A", 1);
    let foreign = cursor().encode(&CursorKey::derive(b"another"), &query(), 1000);
    let other = QueryDigest::of(["User", "userName sw \"K\"", "userName", "ascending"]);
    for (section, text, query, now, expected) in [
        ("§2", text.as_str(), query(), 1000, Ok(cursor())),
        ("§2.1, at the end", &text, query(), 1600, Ok(cursor())),
        ("a clock that goes back", &text, query(), 0, Ok(cursor())),
        ("§2.1", &text, query(), 1601, Err(ScimType::ExpiredCursor)),
        (
            "§2, another query",
            &text,
            other,
            1000,
            Err(ScimType::InvalidCursor),
        ),
        ("§5.2", &altered, query(), 1000, Err(ScimType::InvalidCursor)),
        (
            "§5.2, another server",
            &foreign,
            query(),
            1000,
            Err(ScimType::InvalidCursor),
        ),
        ("§2.1", &flipped, query(), 1000, Err(ScimType::InvalidCursor)),
        (
            "§2.1",
            "VZUTiyhEQJ94IR",
            query(),
            1000,
            Err(ScimType::InvalidCursor),
        ),
        ("§2.1", "", query(), 1000, Err(ScimType::InvalidCursor)),
        (
            "§2.1",
            &"A".repeat(MAX_BYTES + 1),
            query(),
            1000,
            Err(ScimType::InvalidCursor),
        ),
    ] {
        let read =
            Cursor::decode(text, &server_key(), &query, now, 600).map_err(|error| error.scim_type.unwrap());
        assert_eq!(read, expected, "{section}: {text}");
    }
}

#[test]
fn a_cursor_tells_nothing_and_is_read_however_long_its_text_is() {
    // RFC 9865 §5.2
    let longest = "\u{10ffff}".repeat(crate::schema::MAX_STRING_CHARS);
    let position = Cursor {
        direction: Direction::Previous,
        key: vec![Some(longest), Some("ann@example.com".to_owned())],
    };
    let text = position.encode(&server_key(), &query(), 7);
    let bytes = URL_SAFE_NO_PAD.decode(&text).unwrap();
    let legible = |wanted: &[u8]| bytes.windows(wanted.len()).any(|part| part == wanted);
    assert!(!legible(b"ann@") && !legible(&query().0));
    assert_eq!(Cursor::decode(&text, &server_key(), &query(), 7, 1), Ok(position));
    assert!(!format!("{:?}", server_key()).contains(|c: char| c.is_ascii_digit()));
}

#[test]
fn the_parts_of_a_query_are_kept_apart() {
    assert_ne!(QueryDigest::of(["ab", "c"]), QueryDigest::of(["a", "bc"]));
    assert_ne!(QueryDigest::of(["a"]), QueryDigest::of(["a", ""]));
}

proptest! {
    #[test]
    fn any_position_comes_back(key in prop::collection::vec(prop::option::of("\\PC{0,40}"), 0..4), previous: bool) {
        let direction = if previous { Direction::Previous } else { Direction::Next };
        let cursor = Cursor { direction, key };
        prop_assert_eq!(Cursor::decode(&cursor.encode(&server_key(), &query(), 7), &server_key(), &query(), 7, 1), Ok(cursor));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
        // SB-42
        let _ = Cursor::decode(&text, &server_key(), &query(), 0, 600);
    }
}
