//! Fuzz targets of the SCIM requests that change many things at a time: PATCH and bulk requests.

use std::collections::BTreeSet;

use scim::bulk::{BULK_REQUEST_URN, BulkLimits, BulkMethod, BulkOperation, BulkRequest, Created, Plan, Step};
use scim::patch::{self, PATCH_URN};
use scim::schema::Registry;
use serde_json::{Map, Value, json};

use crate::{FuzzTarget, json_texts, repeat_pieces};

pub(crate) const SCIM_PATCH: FuzzTarget = FuzzTarget {
    name: "scim_patch",
    run: scim_patch,
    worst: |length| {
        let body =
            |operations: String| format!("{{\"schemas\":[\"{PATCH_URN}\"],\"Operations\":[{operations}]}}");
        let many = |operation: &str| {
            let all = repeat_pieces(length, |_| format!("{operation},"));
            body(format!("{all}{operation}"))
        };
        let emails = repeat_pieces(length / 2, |index| format!("{{\"value\":\"{index}@a\"}},"));
        let members = repeat_pieces(length, |index| format!("{{\"value\":\"{index:x}\"}},"));
        let filter = format!("emails[value eq \\\"{}\\\"].type", "a".repeat(2000));
        let mut inputs = json_texts(length);
        inputs.extend(
            [
                many("{\"op\":\"add\",\"path\":\"emails\",\"value\":{\"value\":\"a@b\"}}"),
                many("{\"op\":\"replace\",\"path\":\"emails[value pr].type\",\"value\":\"x\"}"),
                many(&format!("{{\"op\":\"remove\",\"path\":\"{filter}\"}}")),
                body(format!(
                    "{{\"op\":\"add\",\"path\":\"emails\",\"value\":[{emails}{{}}]}}"
                )),
                body(format!(
                    "{{\"op\":\"remove\",\"path\":\"emails\",\"value\":[{emails}{{}}]}}"
                )),
                body(format!(
                    "{{\"op\":\"add\",\"path\":\"members\",\"value\":[{members}{{}}]}}"
                )),
            ]
            .map(String::into_bytes),
        );
        inputs
    },
};

/// A body as a PATCH of a user and of a group. What is refused changes nothing, and what is applied leaves a valid resource.
fn scim_patch(input: &[u8]) {
    let Ok(body) = scim::json::parse(input) else {
        return;
    };
    let Ok(operations) = patch::parse(&body) else {
        return;
    };
    let user = json!({
        "id": "1", "userName": "ann", "name": { "givenName": "Ann" }, "title": "Guide",
        "emails": [{ "value": "a@b.example", "type": "work", "primary": true }, { "value": "c@d.example" }],
    });
    let group = json!({ "id": "2", "displayName": "Sales" });
    let registry = Registry::standard();
    for (resource, resource_type) in [(user, registry.users()), (group, registry.groups())] {
        let before: Map<String, Value> = resource.as_object().cloned().unwrap_or_default();
        let mut after = before.clone();
        match patch::apply(&mut after, &operations, resource_type) {
            Ok(outcome) => {
                assert_eq!(
                    resource_type.canonical(&after).as_ref(),
                    Ok(&after),
                    "a valid resource in canonical form"
                );
                assert!(!after.contains_key("password"));
                assert_eq!(outcome.changed, after != before);
                let members = &outcome.members;
                assert!(members.remove.iter().all(|id| !members.add.contains_key(id)));
            }
            Err(_) => assert_eq!(after, before, "all or nothing"),
        }
    }
}

pub(crate) const SCIM_BULK: FuzzTarget = FuzzTarget {
    name: "scim_bulk",
    run: scim_bulk,
    worst: |length| {
        let body = |operations: String| {
            format!("{{\"schemas\":[\"{BULK_REQUEST_URN}\"],\"Operations\":[{operations}0]}}")
        };
        let group = |index: usize, member: &str| {
            format!(
                "{{\"method\":\"POST\",\"path\":\"/Groups\",\"bulkId\":\"{index}\",\"data\":{{\"members\":[{{\"value\":\"{member}\"}}]}}}},"
            )
        };
        let mut inputs = json_texts(length);
        inputs.extend(
            [
                // A chain against the order, a circle through all, many small circles, and one that many refer to.
                body(repeat_pieces(length, |index| {
                    group(index, &format!("bulkId:{}", index + 1))
                })),
                body(repeat_pieces(length, |index| {
                    group(index, &format!("bulkId:{}", index ^ 1))
                })),
                body(repeat_pieces(length, |index| group(index, "bulkId:500"))),
                body(group(0, &"\\\"bulkId:".repeat(length / 9))),
            ]
            .map(|text| text.replace(",0]}", "]}").into_bytes()),
        );
        inputs
    },
};

/// A body as a bulk request. Each operation has a step, and refers to nothing that comes later.
fn scim_bulk(input: &[u8]) {
    const LIMITS: BulkLimits = BulkLimits {
        max_operations: 1000,
        max_payload_size: 1_048_576,
    };
    let Ok(body) = scim::json::parse(input) else {
        return;
    };
    let registry = Registry::standard();
    let Ok(request) = BulkRequest::parse(&body, &LIMITS, registry) else {
        return;
    };
    let mut references = References::default();
    for operation in &request.operations {
        if let (BulkMethod::Post, Some(id)) = (operation.method, &operation.bulk_id) {
            references.all.record(id, "7");
        }
    }
    let mut began = BTreeSet::new();
    let mut incomplete = BTreeSet::new();
    for step in Plan::new(&request, registry).steps {
        let (index, data) = match step {
            Step::Run(index) => (index, request.operations.get(index).map(|it| it.data.clone())),
            Step::Create(index, data) => {
                assert!(incomplete.insert(index));
                (index, Some(data))
            }
            Step::Complete(index, rest) => {
                assert!(incomplete.remove(&index), "it was created");
                if let Some(operation) = request.operations.get(index) {
                    references.assert_resolves(operation, BulkMethod::Patch, &rest);
                }
                continue;
            }
            Step::Conflict(index) => (index, None),
        };
        assert!(began.insert(index), "one step");
        if let (Some(data), Some(operation)) = (data, request.operations.get(index)) {
            references.assert_resolves(operation, operation.method, &data);
        }
        // A conflict fails what refers to it, which is no matter of the order.
        if let Some(id) = request.operations.get(index).and_then(|it| it.bulk_id.as_deref()) {
            references.created.record(id, "7");
        }
    }
    assert!(incomplete.is_empty(), "every circle is closed");
    assert_eq!(began.len(), request.operations.len());
}

/// The resources that the steps so far have created, and those that all steps create.
#[derive(Default)]
struct References {
    created: Created,
    all: Created,
}

impl References {
    /// Asserts that data refers to nothing that has yet to be created. What no operation creates is refused with both.
    fn assert_resolves(&self, operation: &BulkOperation, method: BulkMethod, data: &Value) {
        let endpoint = operation.target.as_ref().map(|target| target.endpoint.as_str());
        let Some(resource_type) = endpoint.ok().and_then(|it| Registry::standard().of_endpoint(it)) else {
            return;
        };
        let resolve = |created: &Created| created.resolve(&mut data.clone(), method, resource_type);
        assert_eq!(
            resolve(&self.created),
            resolve(&self.all),
            "a reference comes later"
        );
    }
}
