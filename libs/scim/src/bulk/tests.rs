//! Tests of bulk requests.

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
fn operations_follow_what_they_refer_to() {
    let manager = |bulk_id: &str, of: &str| {
        let mut operation = user(bulk_id);
        operation["data"][ENTERPRISE_USER] = json!({"manager": {"value": format!("bulkId:{of}")}});
        operation
    };
    let patch = |path: &str, inner: &str| {
        json!({
            "method": "PATCH", "path": path, "data": {"Operations": [{"op": "remove", "path": format!("members[value eq \"bulkId:{inner}\"]")}]},
        })
    };
    let modify = |path: &str, operations: Value| {
        json!({
            "method": "PATCH", "path": path, "data": {"Operations": operations},
        })
    };
    let add_member = |id: &str| json!([{"op": "add", "path": "members", "value": [{"value": id}]}]);
    let remove_all = json!([{"op": "remove", "path": "members"}]);
    let mut no_reference = user("x");
    no_reference["data"]["password"] = json!("bulkId:a");
    no_reference["data"]["title"] = json!("see \"bulkId:a\"");
    no_reference["data"]["profileUrl"] = json!("https://wiki.example/bulkId:a");
    no_reference["data"]["emails"] = json!([{"value": "bulkId:a"}]);
    let reference = json!({
        "method": "POST", "path": "/Groups", "bulkId": "g", "data": {"members": [{"$ref": "../Users/bulkId:a"}]},
    });
    for (section, operations, order) in [
        (
            "§3.7",
            json!([user("a"), user("b"), group("g", &[])]),
            vec![0, 1, 2],
        ),
        ("§3.7.2", json!([group("g", &["a"]), user("a")]), vec![1, 0]),
        (
            "§3.7.2",
            json!([group("g", &["a", "b"]), user("b"), user("c"), user("a")]),
            vec![1, 2, 3, 0],
        ),
        (
            "§3.7.2, an extension",
            json!([manager("a", "b"), manager("b", "c"), user("c")]),
            vec![2, 1, 0],
        ),
        (
            "§3.7.2, a path",
            json!([patch("/Groups/bulkId:g", "g"), group("g", &[])]),
            vec![1, 0],
        ),
        (
            "§3.7.2, a filter",
            json!([patch("/Groups/1", "a"), user("a")]),
            vec![1, 0],
        ),
        ("§3.7.2, $ref", json!([reference, user("a")]), vec![1, 0]),
        (
            "§3.7.2, a name that is a path",
            json!([
                modify(
                    "/Groups/1",
                    json!([{"op": "add", "value": {"members[value eq \"bulkId:a\"]": {"value": "bulkId:b"}}}])
                ),
                user("b"),
                user("a"),
            ]),
            vec![1, 2, 0],
        ),
        (
            "§3.7.2, a manager of an extension",
            json!([
                modify(
                    "/Users/1",
                    json!([{"op": "add", "path": ENTERPRISE_USER, "value": {"manager": "bulkId:a"}}])
                ),
                user("a"),
            ]),
            vec![1, 0],
        ),
        (
            "§3.7.2, texts that are no references",
            json!([no_reference, user("a")]),
            vec![0, 1],
        ),
        (
            "§3.7, one resource, PATCH and PATCH",
            json!([
                modify("/Groups/G", add_member("bulkId:u")),
                modify("/Groups/G", remove_all.clone()),
                user("u")
            ]),
            vec![2, 0, 1],
        ),
        (
            "§3.7, one resource, PATCH and DELETE",
            json!([modify("/Groups/G", add_member("bulkId:u")), {"method": "DELETE", "path": "/groups/G"}, user("u")]),
            vec![2, 0, 1],
        ),
        (
            "§3.7, two resources",
            json!([
                modify("/Groups/G", add_member("bulkId:u")),
                modify("/Groups/H", remove_all),
                user("u")
            ]),
            vec![1, 2, 0],
        ),
        (
            "§3.7.2, unknown",
            json!([group("g", &["nobody"]), user("a")]),
            vec![0, 1],
        ),
    ] {
        let steps: Vec<Step> = order.into_iter().map(Step::Run).collect();
        assert_eq!(plan(operations), steps, "{section}");
    }
}

#[test]
fn a_cycle_is_broken_at_its_first_operation() {
    // RFC 7644 §3.7.1: two groups that contain each other.
    let steps = plan(json!([group("a", &["b", "u"]), group("b", &["a"]), user("u")]));
    let without = json!({"schemas": [CORE_GROUP], "displayName": "a", "members": [{"value": "bulkId:u"}]});
    let rest = json!([{"op": "add", "path": "members", "value": [{"value": "bulkId:b"}]}]);
    assert_eq!(
        steps,
        [
            Step::Run(2),
            Step::Create(0, without),
            Step::Run(1),
            Step::Complete(0, rest)
        ]
    );
    // A resource that refers to itself, and one that waits for the cycle without being on it.
    let mut own = user("x");
    own["data"][ENTERPRISE_USER] = json!({"manager": {"value": "bulkId:x"}, "department": "d"});
    let steps = plan(json!([group("g", &["x"]), own]));
    let without = json!({"schemas": [CORE_USER], "userName": "x", ENTERPRISE_USER: {"department": "d"}});
    let path = format!("{ENTERPRISE_USER}:manager");
    let rest = json!([{"op": "add", "path": path, "value": {"value": "bulkId:x"}}]);
    assert_eq!(
        steps,
        [Step::Create(1, without), Step::Complete(1, rest), Step::Run(0)]
    );
    // A resource is changed after its completion.
    let remove = json!({"method": "PATCH", "path": "/Groups/bulkId:a", "data": {"Operations": [{"op": "remove", "path": "members"}]}});
    let steps = plan(json!([group("a", &["b"]), remove, group("b", &["a"])]));
    let order: Vec<String> = steps.iter().map(|step| format!("{step:?}")).collect();
    assert_eq!(order, ["Create(0, …)", "Run(2)", "Complete(0, …)", "Run(1)"]);
}

#[test]
fn a_required_reference_cannot_come_later() {
    // RFC 7644 §3.7.1
    let urn = "urn:example:params:scim:schemas:extension:2.0:User";
    let config = json!({"extensions": [{"schema": urn, "name": "X", "attributes": [
        {"name": "buddy", "type": "reference", "reference_types": ["User"], "required": true},
    ]}]});
    let registry = Registry::new(&serde_json::from_value(config).unwrap()).unwrap();
    let buddy = |bulk_id: &str, of: &str| {
        let mut operation = user(bulk_id);
        operation["data"][urn] = json!({"buddy": format!("bulkId:{of}")});
        operation
    };
    let request = parse(json!([buddy("a", "b"), buddy("b", "a")])).unwrap();
    assert_eq!(
        Plan::new(&request, &registry).steps,
        [Step::Conflict(0), Step::Run(1)]
    );
}

#[test]
fn references_become_ids() {
    let mut created = Created::default();
    created.record("a", "1");
    created.record("b c", "2");
    let registry = Registry::standard();
    let body = |value: Value| json!({"Operations": [{"op": "add", "path": "members", "value": value}]});
    let filter = |a: &str, b: &str| format!("members[value eq \"{a}\" or value eq \"{b}\"]");
    let members = |filter: String, value: &str| json!([{"op": "add", "value": {filter: {"value": value}}}]);
    let manager = |id: &str| json!({"manager": {"value": id, "displayName": "bulkId:a"}});
    for (method, resource_type, data, expected) in [
        (
            BulkMethod::Post,
            registry.groups(),
            json!({"members": [{"value": "bulkId:a", "$ref": "../Users/bulkId:a"}]}),
            json!({"members": [{"value": "1", "$ref": "../Users/1"}]}),
        ),
        (
            BulkMethod::Put,
            registry.users(),
            json!({ENTERPRISE_USER: manager("bulkId:b c")}),
            json!({ENTERPRISE_USER: manager("2")}),
        ),
        (
            BulkMethod::Patch,
            registry.groups(),
            body(json!([{"value": "bulkId:b c"}])),
            body(json!([{"value": "2"}])),
        ),
        (
            BulkMethod::Patch,
            registry.users(),
            json!({"operations": [{"op": "add", "path": "manager", "value": "bulkId:a"}]}),
            json!({"operations": [{"op": "add", "path": "manager", "value": "1"}]}),
        ),
        (
            BulkMethod::Patch,
            registry.users(),
            json!([{"Path": "manager.value", "Value": ["bulkId:a"], "op": "add"}]),
            json!([{"Path": "manager.value", "Value": ["1"], "op": "add"}]),
        ),
        (
            BulkMethod::Patch,
            registry.groups(),
            members(filter("bulkId:a", "bulkId:b c"), "bulkId:a"),
            members(filter("1", "2"), "1"),
        ),
        (
            BulkMethod::Patch,
            registry.groups(),
            json!([{"op": "remove", "path": filter("bulkId:a", "3")}]),
            json!([{"op": "remove", "path": filter("1", "3")}]),
        ),
    ] {
        let mut resolved = data.clone();
        created.resolve(&mut resolved, method, resource_type).unwrap();
        assert_eq!(resolved, expected, "{data}");
    }
    // What is no reference stays, whatever it looks like.
    for data in [
        json!({"displayName": "bulkId:a", "password": "bulkId:s3cret", "title": "see \"bulkId:a\"", "profileUrl": "x/bulkId:a"}),
        json!({"emails": [{"value": "bulkId:a"}], "unknown": "bulkId:a", "active": true}),
    ] {
        let mut resolved = data.clone();
        created
            .resolve(&mut resolved, BulkMethod::Post, registry.users())
            .unwrap();
        assert_eq!(resolved, data);
    }
    for data in [
        json!([{"op": "add", "path": "password", "value": "bulkId:s3cret"}]),
        json!([{"op": "add", "value": {"password": "bulkId:s3cret", "emails[value eq \"bulkId:a\"].type": "work"}}]),
    ] {
        let mut resolved = data.clone();
        created
            .resolve(&mut resolved, BulkMethod::Patch, registry.users())
            .unwrap();
        assert_eq!(resolved, data);
    }
    let mut unknown = json!({"members": [{"value": "bulkId:z"}]});
    let refused = created
        .resolve(&mut unknown, BulkMethod::Post, registry.groups())
        .unwrap_err();
    assert_eq!(
        (refused.status, refused.detail.starts_with("members: ")),
        (409, true)
    );
    assert!(!refused.detail.contains("bulkId:z"));
    let target = |id: &str| Target {
        endpoint: "/Users".to_owned(),
        id: Some(id.to_owned()),
    };
    assert_eq!(created.resolve_target(&target("bulkId:a")), Ok(target("1")));
    assert_eq!(created.resolve_target(&target("018f")), Ok(target("018f")));
    assert_eq!(
        created.resolve_target(&target("bulkId:z")).unwrap_err().status,
        409
    );
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
