//! Tests of bulk requests.

mod order;

use serde_json::{Value, json};

use super::*;
use crate::ScimType;
use crate::schema::{CORE_GROUP, CORE_USER, ENTERPRISE_USER};

const LIMITS: BulkLimits = BulkLimits {
    max_operations: 10,
    max_payload_size: 1000,
};

fn parse(operations: Value) -> Result<BulkRequest, Error> {
    let body = json!({"schemas": [BULK_REQUEST_URN], "failOnErrors": 1, "Operations": operations});
    BulkRequest::parse(&body, &LIMITS, Registry::standard())
}

fn plan(operations: Value) -> Vec<Step> {
    Plan::new(&parse(operations).unwrap(), Registry::standard()).steps
}

fn user(bulk_id: &str) -> Value {
    json!({"method": "POST", "path": "/Users", "bulkId": bulk_id, "data": {"schemas": [CORE_USER], "userName": bulk_id}})
}

fn group(bulk_id: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members
        .iter()
        .map(|id| json!({"value": format!("bulkId:{id}")}))
        .collect();
    json!({
        "method": "POST", "path": "/Groups", "bulkId": bulk_id,
        "data": {"schemas": [CORE_GROUP], "displayName": bulk_id, "members": members},
    })
}

#[test]
fn a_request_is_read() {
    // RFC 7644 §3.7 (1)
    // RFC 7644 §3.7.3, figure 8
    let request = parse(json!([
        user("qwerty"),
        {"method": "put", "path": "/Users/b7c14771", "version": "W/\"1\"", "data": {"schemas": [CORE_USER], "userName": "Bob"}},
        {"METHOD": "PATCH", "path": "Groups/bulkId:qwerty", "data": {"Operations": []}},
        {"method": "DELETE", "path": "/users/e9025315", "version": "W/\"0\""},
    ]))
    .unwrap();
    assert_eq!(request.fail_on_errors, Some(1));
    let targets: Vec<(BulkMethod, &str, Option<&str>)> = request
        .operations
        .iter()
        .map(|it| (it.method, it.target.as_ref().unwrap()))
        .map(|(method, target)| (method, target.endpoint.as_str(), target.id.as_deref()))
        .collect();
    let expected = [
        (BulkMethod::Post, "/Users", None),
        (BulkMethod::Put, "/Users", Some("b7c14771")),
        (BulkMethod::Patch, "/Groups", Some("bulkId:qwerty")),
        (BulkMethod::Delete, "/Users", Some("e9025315")),
    ];
    assert_eq!(targets, expected);
    assert_eq!(request.operations[1].version.as_deref(), Some("W/\"1\""));
}

#[test]
fn a_malformed_request_is_refused_as_a_whole() {
    let of = |body: Value| BulkRequest::parse(&body, &LIMITS, Registry::standard()).unwrap_err();
    for (section, refused, status, named) in [
        ("§3.7", of(json!([])), 400, "object"),
        ("§3.7", of(json!({"Operations": []})), 400, "schemas"),
        (
            "§3.7",
            of(json!({"schemas": [BULK_REQUEST_URN]})),
            400,
            "Operations",
        ),
        (
            "§3.7",
            of(json!({"schemas": [BULK_REQUEST_URN], "failOnErrors": 0, "Operations": []})),
            400,
            "failOnErrors",
        ),
        (
            "§3.7",
            of(json!({"schemas": [BULK_REQUEST_URN], "failOnErrors": "1", "Operations": []})),
            400,
            "failOnErrors",
        ),
        (
            "§3.7.4",
            parse(json!(vec![user("a"); 11])).unwrap_err(),
            413,
            "maxOperations (10)",
        ),
        (
            "§3.7.4",
            LIMITS.check_payload(1001).unwrap_err(),
            413,
            "maxPayloadSize (1000)",
        ),
        ("§3.7", parse(json!([7])).unwrap_err(), 400, "Operations[0]"),
        (
            "§3.7",
            parse(json!([{"method": "GET", "path": "/Users/1"}])).unwrap_err(),
            400,
            "method",
        ),
        (
            "§3.7",
            parse(json!([{"method": "DELETE"}])).unwrap_err(),
            400,
            "path",
        ),
        (
            "§3.7",
            parse(json!([{"method": "POST", "path": "/Users", "data": {}}])).unwrap_err(),
            400,
            "bulkId",
        ),
        (
            "§3.7.2",
            parse(json!([user("a"), user("b"), user("a")])).unwrap_err(),
            400,
            "Operations[2]: bulkId",
        ),
        ("§3.7.2", parse(json!([user("a\"b")])).unwrap_err(), 400, "bulkId"),
        ("§3.7.2", parse(json!([user("")])).unwrap_err(), 400, "bulkId"),
        (
            "§3.7",
            parse(json!([{"method": "DELETE", "path": "/Users/1", "version": 7}])).unwrap_err(),
            400,
            "version",
        ),
    ] {
        assert_eq!(refused.status, status, "{section}: {refused}");
        assert!(refused.detail.contains(named), "{section}: {named}: {refused}");
    }
    assert_eq!(LIMITS.check_payload(1000), Ok(()));
}

#[test]
fn an_operation_that_cannot_be_run_fails_alone() {
    // RFC 7644 §3.7.3
    for (operation, status, scim_type) in [
        (json!({"method": "DELETE", "path": "/Devices/1"}), 404, None),
        (json!({"method": "DELETE", "path": "/Users"}), 405, None),
        (json!({"method": "DELETE", "path": "/Users/1/2"}), 404, None),
        (
            json!({"method": "POST", "path": "/Users/1", "bulkId": "a", "data": {}}),
            405,
            None,
        ),
        (
            json!({"method": "PUT", "path": "/Users/1"}),
            400,
            Some(ScimType::InvalidSyntax),
        ),
        (
            json!({"method": "PATCH", "path": "/Users/1", "data": "x"}),
            400,
            Some(ScimType::InvalidSyntax),
        ),
    ] {
        let request = parse(json!([operation, {"method": "DELETE", "path": "/Users/2"}])).unwrap();
        let refused = request.operations[0].target.clone().unwrap_err();
        assert_eq!(
            (refused.status, refused.scim_type),
            (status, scim_type),
            "{operation}"
        );
        assert!(request.operations[1].target.is_ok());
        assert_eq!(
            Plan::new(&request, Registry::standard()).steps,
            [Step::Run(0), Step::Run(1)]
        );
    }
}

#[test]
fn no_debug_output_shows_the_data() {
    let mut operation = user("a");
    operation["data"]["password"] = json!("correct horse");
    operation["data"][ENTERPRISE_USER] = json!({"manager": {"value": "bulkId:a"}});
    let request = parse(json!([operation])).unwrap();
    let plan = Plan::new(&request, Registry::standard());
    let shown = format!("{request:?} {plan:?}");
    assert!(
        shown.contains("Create(0, …)") && !shown.contains("correct horse"),
        "{shown}"
    );
}

#[test]
fn errors_are_counted_against_the_budget() {
    // RFC 7644 §3.7 (4)
    // RFC 7644 §3.7.3
    for (fail_on_errors, statuses, spent) in [
        (None, vec![400, 404, 500], false),
        (Some(1), vec![201, 200, 204], false),
        (Some(1), vec![201, 400], true),
        (Some(2), vec![400, 201], false),
        (Some(2), vec![400, 409], true),
    ] {
        let mut budget = ErrorBudget::new(fail_on_errors);
        statuses.iter().for_each(|status| budget.record(*status));
        assert_eq!(budget.is_spent(), spent, "{fail_on_errors:?} {statuses:?}");
    }
}

#[test]
fn a_response_looks_as_in_the_standard() {
    // RFC 7644 §3.7 (2) (5), RFC 7644 §3.7.3 (2)
    // RFC 7644 §3.7.3
    let request = parse(json!([user("qwerty"), {"method": "DELETE", "path": "/Users/1"}])).unwrap();
    let made = BulkResult {
        method: BulkMethod::Post,
        bulk_id: Some("qwerty".to_owned()),
        location: Some("https://example.com/v2/Users/92b7".to_owned()),
        version: Some("W/\"1\"".to_owned()),
        status: 201,
        response: None,
    };
    let location = Some("https://example.com/v2/Users/1".to_owned());
    let failed = BulkResult::failed(&request.operations[1], location, &Error::not_found());
    assert_eq!(
        response(&[made, failed]),
        json!({
            "schemas": [BULK_RESPONSE_URN],
            "Operations": [
                {"location": "https://example.com/v2/Users/92b7", "method": "POST", "bulkId": "qwerty", "version": "W/\"1\"", "status": "201"},
                {"location": "https://example.com/v2/Users/1", "method": "DELETE", "status": "404", "response": Error::not_found().to_json()},
            ],
        })
    );
}
