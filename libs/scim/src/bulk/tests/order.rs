//! Tests of the order of operations that refer to each other (RFC 7644 §3.7.1, §3.7.2).

use serde_json::json;

use super::*;

#[test]
fn operations_follow_what_they_refer_to() {
    // RFC 7644 §3.7 (6)
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
    // RFC 7644 §3.7.1 (1)
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
    // RFC 7644 §3.7.2 (1) (2)
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
