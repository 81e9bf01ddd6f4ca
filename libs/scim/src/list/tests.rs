//! Tests of paging and list responses.

use proptest::prelude::*;

use super::*;
use crate::ScimType;

#[test]
fn bounds_are_those_of_the_standard() {
    // RFC 7644 §3.4.2.4 (1) (2), RFC 9865 §2 (2)
    let page = |start, count| Page::parse(start, count).map(|page| (page.start_index, page.count));
    assert_eq!(page(None, None), Ok((1, 100)));
    assert_eq!(page(Some("0"), Some("-1")), Ok((1, 0)));
    assert_eq!(page(Some("7"), Some("100000")), Ok((7, 200)));
    assert!(page(Some("x"), None).is_err());
    assert!(page(None, Some("99999999999999999999")).is_err());
}

#[test]
fn a_page_has_the_first_resource_or_not() {
    // RFC 7644 §3.4.2.4
    for (start, count, has_first) in [
        (None, None, true),
        (Some("0"), Some("1"), true),
        (Some("2"), Some("1"), false),
        (Some("1"), Some("0"), false),
    ] {
        let page = Page::parse(start, count).unwrap();
        assert_eq!(page.has_first(), has_first, "{start:?} {count:?}");
    }
}

#[test]
fn a_request_with_a_cursor_is_paged_by_cursor() {
    let parse = |start, count, cursor| match Paging::parse(start, count, cursor) {
        Ok(Paging::Cursor(page)) => Ok((true, page.count)),
        Ok(Paging::Index(page)) => Ok((false, page.count)),
        Err(error) => Err(error.scim_type.unwrap()),
    };
    for (section, start, count, cursor, expected) in [
        ("RFC 9865 §2.4, default", None, None, None, Ok((false, 100))),
        (
            "RFC 9865 §2, first page",
            None,
            Some("10"),
            Some(""),
            Ok((true, 10)),
        ),
        ("RFC 9865 §2", None, None, Some("abc"), Ok((true, 100))),
        (
            "RFC 9865 §2, fewer",
            None,
            Some("5000"),
            Some(""),
            Ok((true, 200)),
        ),
        (
            "RFC 9865 §2, the total alone",
            None,
            Some("0"),
            Some(""),
            Ok((true, 0)),
        ),
        ("RFC 9865 §2, below 0", None, Some("-1"), Some(""), Ok((true, 0))),
        (
            "RFC 9865 §2.1",
            None,
            Some("x"),
            Some(""),
            Err(ScimType::InvalidCount),
        ),
        (
            "RFC 7644 §3.4.2.4",
            Some("1"),
            Some("x"),
            None,
            Err(ScimType::InvalidValue),
        ),
        (
            "RFC 9865 §2.4",
            Some("1"),
            None,
            Some(""),
            Err(ScimType::InvalidValue),
        ),
    ] {
        assert_eq!(parse(start, count, cursor), expected, "{section}");
    }
}

#[test]
fn a_page_by_cursor_looks_as_in_the_standard() {
    // RFC 9865 §2
    let (key, query) = (CursorKey::derive(b"secret"), QueryDigest::of(["User"]));
    let body = cursor_response(None, Some("n".to_owned()), None, vec![json!({"id": "1"})]);
    assert_eq!(
        body,
        json!({
            "schemas": [LIST_URN], "itemsPerPage": 1, "nextCursor": "n", "Resources": [{"id": "1"}],
        })
    );
    let last = cursor_response(Some(1), None, Some("p".to_owned()), Vec::new());
    assert_eq!(
        (
            last.get("nextCursor"),
            &last["previousCursor"],
            &last["totalResults"]
        ),
        (None, &json!("p"), &json!(1))
    );
    let Ok(Paging::Cursor(first)) = Paging::parse(None, None, Some("")) else {
        panic!("a page by cursor");
    };
    assert_eq!(first.position(&key, &query, 0, 600), Ok(None));
    let Ok(Paging::Cursor(page)) = Paging::parse(None, None, Some("x")) else {
        panic!("a page by cursor");
    };
    assert_eq!(page.position(&key, &query, 0, 600), Err(Error::invalid_cursor()));
}

proptest! {
    #[test]
    fn any_numbers_give_a_page_within_bounds(start: i64, count: i64) {
        let page = Page::parse(Some(&start.to_string()), Some(&count.to_string())).unwrap();
        prop_assert!(page.offset() >= 0 && (0..=MAX_RESULTS).contains(&page.count));
    }
}

#[test]
fn a_page_has_all_that_its_schema_requires_and_nothing_else() {
    // RFC 7644 §3.4.2, RFC 9865 §2
    let schema = crate::schema::list_schema(&json!({}));
    let some = || Some("c".to_owned());
    for body in [
        response(0, 1, Vec::new()),
        cursor_response(None, None, None, Vec::new()),
        cursor_response(Some(7), some(), some(), vec![json!({})]),
    ] {
        for required in schema["required"].as_array().unwrap() {
            assert!(
                body.get(required.as_str().unwrap()).is_some(),
                "{required}: {body}"
            );
        }
        for member in body.as_object().unwrap().keys() {
            assert!(schema["properties"].get(member).is_some(), "{member}");
        }
    }
}
