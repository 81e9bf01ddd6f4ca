//! Tests of queries.

use serde_json::json;

use super::*;
use crate::ScimType;
use crate::list::Page;
use crate::schema::Registry;

#[test]
fn a_list_request_is_read_with_all_its_parameters() {
    // RFC 7644 §3.4.2
    let users = Registry::standard().users();
    let text = |text: &str| Some(text.to_owned());
    let parameters = QueryParameters {
        filter: text("USERNAME eq \"ann\""),
        sort_by: text("name.familyname"),
        sort_order: text("descending"),
        count: text("5"),
        attributes: Some(QueryParameters::names("userName, emails.value,,")),
        ..QueryParameters::default()
    };
    let request = ListRequest::parse(&parameters, &[users]).unwrap();
    assert_eq!(
        request.paging,
        Paging::Index(Page {
            start_index: 1,
            count: 5
        })
    );
    assert_eq!(
        request.filter.as_ref().unwrap().to_string(),
        "userName eq \"ann\""
    );
    assert_eq!(
        request.sort.as_ref().unwrap().attribute.to_string(),
        "name.familyName"
    );
    assert!(!request.projection.has("title", users) && request.projection.has("emails", users));
    let all = ListRequest::parse(&QueryParameters::default(), &[users]).unwrap();
    assert_eq!(
        (all.filter, all.sort, all.projection),
        (None, None, Projection::Default)
    );
    let error = |start: Option<&str>, filter: &str| {
        let parameters = QueryParameters {
            start_index: start.map(str::to_owned),
            filter: text(filter),
            ..QueryParameters::default()
        };
        ListRequest::parse(&parameters, &[users]).unwrap_err().scim_type
    };
    assert_eq!(error(None, "user pr"), Some(ScimType::InvalidFilter));
    assert_eq!(error(Some("x"), "user pr"), Some(ScimType::InvalidValue));
}

#[test]
fn the_digest_is_that_of_the_query_and_of_no_other() {
    // RFC 9865 §2
    let users = Registry::standard().users();
    let digest = |filter: &str, sort_by: &str, order: &str, context: &[&str]| {
        let parameters = QueryParameters {
            filter: Some(filter.to_owned()),
            sort_by: Some(sort_by.to_owned()),
            sort_order: Some(order.to_owned()),
            ..QueryParameters::default()
        };
        ListRequest::parse(&parameters, &[users]).unwrap().digest(context)
    };
    let one = digest("title pr", "userName", "ascending", &["/Users"]);
    assert_eq!(one, digest("TITLE  pr", "USERNAME", "ASCENDING", &["/Users"]));
    for other in [
        digest("title pr or active eq true", "userName", "ascending", &["/Users"]),
        digest("title pr", "title", "ascending", &["/Users"]),
        digest("title pr", "userName", "descending", &["/Users"]),
        digest("title pr", "userName", "ascending", &["/Groups"]),
    ] {
        assert_ne!(one, other);
    }
}

#[test]
fn a_search_has_the_parameters_of_a_query() {
    // RFC 7644 §3.4.3, figure 3; RFC 9865 §3
    let read = QueryParameters::from_search(&json!({
        "schemas": [SEARCH_URN], "attributes": ["displayName", "userName"], "filter": "displayName sw \"smith\"",
        "startIndex": 1, "COUNT": "10", "sortBy": "userName", "sortorder": "descending", "excludedAttributes": null,
    }))
    .unwrap();
    let expected = QueryParameters {
        attributes: Some(vec!["displayName".to_owned(), "userName".to_owned()]),
        filter: Some("displayName sw \"smith\"".to_owned()),
        start_index: Some("1".to_owned()),
        count: Some("10".to_owned()),
        sort_by: Some("userName".to_owned()),
        sort_order: Some("descending".to_owned()),
        ..QueryParameters::default()
    };
    assert_eq!(read, expected);
    let cursor =
        QueryParameters::from_search(&json!({"schemas": [SEARCH_URN], "cursor": "", "count": 10})).unwrap();
    assert_eq!(cursor.cursor.as_deref(), Some(""));
    for (body, named) in [
        (json!([]), "object"),
        (json!({"filter": "title pr"}), "schemas"),
        (json!({"schemas": ["urn:x"]}), "schemas"),
        (json!({"schemas": [SEARCH_URN], "attributes": [1]}), "attributes"),
        (json!({"schemas": [SEARCH_URN], "filter": 1}), "filter"),
        (json!({"schemas": [SEARCH_URN], "count": []}), "count"),
        (json!({"schemas": [SEARCH_URN], "count": 1, "Count": 1}), "twice"),
        (json!({"schemas": [SEARCH_URN], "limit": 1}), "limit"),
    ] {
        let refused = QueryParameters::from_search(&body).unwrap_err();
        assert!(
            refused.status == 400 && refused.detail.contains(named),
            "{body}: {refused}"
        );
    }
}
