//! Fuzz targets of the SCIM requests that change many things at a time: PATCH and bulk requests.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use scim::bulk::{BULK_REQUEST_URN, BulkLimits, BulkMethod, BulkOperation, BulkRequest, Created, Plan, Step};
use scim::patch::{self, Operation, OperationKind, PATCH_URN};
use scim::projection::{Projection, Written};
use scim::schema::{Accessor, Registry, ResourceType, check_replacement};
use serde_json::{Map, Value, json};

use crate::{FuzzTarget, json_texts, repeat_pieces};

/// An extension with attributes of every kind.
const EXTENSION: &str = "urn:example:params:scim:schemas:extension:fuzz:1.0:User";

/// The attributes of a configuration beside the standard's.
static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    let config = json!({ "extensions": [{ "schema": EXTENSION, "name": "Fuzz", "attributes": [
        { "name": "box", "type": "complex", "required": true, "sub_attributes": [{ "name": "a" }, { "name": "b" }] },
        { "name": "hrId", "mutability": "readOnly" },
        { "name": "seal", "mutability": "immutable" },
        { "name": "pin", "mutability": "writeOnly" },
        { "name": "floor", "type": "integer", "write": ["self"] },
        { "name": "cards", "type": "complex", "multi_valued": true, "sub_attributes": [
            { "name": "value", "required": true }, { "name": "code", "mutability": "immutable" },
            { "name": "issued", "mutability": "readOnly" },
        ] },
    ] }] });
    let config = serde_json::from_value(config).unwrap_or_default();
    Registry::new(&config).unwrap_or_else(|_| Registry::standard().clone())
});

/// A stored phone number. Together they are as long as requests of some size can make them.
fn phone_number(index: usize) -> Value {
    json!({ "value": format!("{index:02}{}", "A".repeat(398)) })
}

/// The resources that operations are applied to.
fn resources() -> [(Value, &'static ResourceType); 3] {
    let user = json!({
        "id": "1", "userName": "ann", "name": { "givenName": "Ann" }, "title": "Guide",
        "emails": [{ "value": "a@b.example", "type": "work", "primary": true }, { "value": "c@d.example" }],
        "phoneNumbers": (0..50).map(phone_number).collect::<Vec<Value>>(),
    });
    let extended = json!({
        "id": "1", "userName": "ann", "groups": [{ "value": "7" }],
        EXTENSION: {
            "box": { "a": "1" }, "hrId": "7", "seal": "x", "pin": "12", "floor": 3,
            "cards": [{ "value": "v", "code": "1", "issued": "2" }],
        },
    });
    let group = json!({ "id": "2", "displayName": "Sales" });
    let registry = &*REGISTRY;
    [
        (user, registry.users()),
        (extended, registry.users()),
        (group, registry.groups()),
    ]
}

pub(crate) const SCIM_PATCH: FuzzTarget = FuzzTarget {
    name: "scim_patch",
    run: |input| {
        scim_patch(input);
    },
    worst: |length| {
        let body =
            |operations: String| format!("{{\"schemas\":[\"{PATCH_URN}\"],\"Operations\":[{operations}]}}");
        // The most operations that are read, each as long as the whole allows.
        let padding = "a".repeat((length / patch::MAX_OPERATIONS).saturating_sub(60).max(1));
        let many = |operation: &str| {
            let most = patch::MAX_OPERATIONS.min(length / operation.len());
            body(vec![operation; most.max(1)].join(","))
        };
        let filter = format!("phoneNumbers[value eq \\\"{}\\\"].type", "a".repeat(2000));
        let stored: Vec<String> = (0..50).map(|index| phone_number(index).to_string()).collect();
        let short = vec!["\"x\""; 50].join(",");
        let members = repeat_pieces(length, |index| format!("{{\"value\":\"{index:x}\"}},"));
        let mut inputs = json_texts(length);
        inputs.extend(
            [
                many(&format!(
                    "{{\"op\":\"add\",\"path\":\"emails\",\"value\":{{\"value\":\"{padding}@b\"}}}}"
                )),
                many(&format!(
                    "{{\"op\":\"replace\",\"path\":\"phoneNumbers[value pr].type\",\"value\":\"{padding}\"}}"
                )),
                many(&format!("{{\"op\":\"remove\",\"path\":\"{filter}\"}}")),
                many(&format!(
                    "{{\"op\":\"add\",\"path\":\"phoneNumbers\",\"value\":[{}]}}",
                    stored.join(",")
                )),
                many(&format!(
                    "{{\"op\":\"remove\",\"path\":\"phoneNumbers\",\"value\":[{short}]}}"
                )),
                body(format!(
                    "{{\"op\":\"add\",\"path\":\"members\",\"value\":[{members}{{\"value\":\"z\"}}]}}"
                )),
            ]
            .map(String::into_bytes),
        );
        inputs
    },
};

/// A body as a PATCH of users and of a group, and whether it was applied to one. What is refused changes nothing, and what is applied
/// leaves a valid resource.
pub(crate) fn scim_patch(input: &[u8]) -> bool {
    let Ok(body) = scim::json::parse(input) else {
        return false;
    };
    let Ok(operations) = patch::parse(&body) else {
        return false;
    };
    let mut applied = false;
    for (resource, resource_type) in resources() {
        let before: Map<String, Value> = resource.as_object().cloned().unwrap_or_default();
        let mut after = before.clone();
        match patch::apply(&mut after, &operations, resource_type) {
            Ok(outcome) => {
                applied = true;
                assert_eq!(outcome.changed, after != before);
                let members = &outcome.members;
                assert!(members.remove.iter().all(|id| !members.add.contains_key(id)));
                assert_patched(&before, &after, &operations, resource_type);
            }
            Err(_) => assert_eq!(after, before, "all or nothing"),
        }
    }
    applied
}

/// Asserts what is true of every resource that operations have left.
fn assert_patched(
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    operations: &[Operation],
    resource_type: &ResourceType,
) {
    assert_eq!(
        resource_type.canonical(after).as_ref(),
        Ok(after),
        "valid and canonical"
    );
    assert!(!after.contains_key("password"));
    if resource_type.name == "User" {
        assert!(scim::User::from_resource(after.clone()).is_ok());
    }
    // A replacement by what a client of provisioning reads leaves the rest.
    for accessor in Accessor::ALL {
        let mut replaced = after.clone();
        resource_type.hide_from(accessor, &mut replaced);
        Projection::default().apply(&mut replaced, resource_type, &Written::default());
        if check_replacement(after, &mut replaced, resource_type, accessor).is_ok() {
            assert_eq!(resource_type.check_writes(accessor, after, &replaced), Ok(()));
            assert_eq!(&replaced, after, "what was read is put back");
        }
        let _ = resource_type.check_writes(accessor, before, after);
    }
    // Without a filter, what is replaced again is there.
    let replaces = |operation: &Operation| {
        operation.kind == OperationKind::Replace && !operation.path.as_deref().unwrap_or("[").contains('[')
    };
    if operations.iter().all(replaces) {
        let again =
            patch::apply(&mut after.clone(), operations, resource_type).map(|outcome| outcome.changed);
        assert_eq!(again, Ok(false), "replaced again");
    }
}

pub(crate) const SCIM_BULK: FuzzTarget = FuzzTarget {
    name: "scim_bulk",
    run: |input| {
        scim_bulk(input);
    },
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
                body(group(0, &"\\\"bulkId:".repeat(length / 10))),
            ]
            .map(|text| text.replace(",0]}", "]}").into_bytes()),
        );
        inputs
    },
};

/// A body as a bulk request, and whether it is one. Each operation has a step, and refers to nothing that comes later.
pub(crate) fn scim_bulk(input: &[u8]) -> bool {
    // Far above those of a server, so that the cost of many operations shows.
    const LIMITS: BulkLimits = BulkLimits {
        max_operations: 100_000,
        max_payload_size: 1_048_576,
    };
    let Ok(body) = scim::json::parse(input) else {
        return false;
    };
    let registry = Registry::standard();
    let Ok(request) = BulkRequest::parse(&body, &LIMITS, registry) else {
        return false;
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
    true
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
