//! The requirements of RFC 7643, RFC 7644 and RFC 9865 that only the running endpoints can show; `docs/reference/scim.md` lists them all.

mod documents;
mod lists;
mod resources;
mod writes;

use serde_json::{Value, json};

use crate::app::SharedApp;
use crate::testing::{Caller, TestResponse, clients_token};

const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
const USERS: &str = "/scim/v2/Users";
const GROUPS: &str = "/scim/v2/Groups";
const NOBODY: &str = "018f0000-0000-7000-8000-0000000000ff";

fn directory(app: &SharedApp) -> Caller {
    let scopes = "users:read users:write groups:read groups:write";
    Caller::with(app, clients_token("a-directory", scopes))
}

fn user(name: &str) -> Value {
    json!({"schemas": [CORE], "userName": name})
}

fn group(name: &str) -> Value {
    json!({"schemas": [GROUP], "displayName": name})
}

fn operations(operations: Value) -> Value {
    json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations})
}

/// The path of a resource that a response has.
fn path_of(answer: &TestResponse) -> String {
    let location = answer.body["meta"]["location"].as_str().unwrap();
    location.strip_prefix("http://users.example").unwrap().to_owned()
}

/// The names in a list.
fn names(answer: &TestResponse) -> Vec<&str> {
    let resources = answer.body["Resources"].as_array().into_iter().flatten();
    resources.map(|it| it["userName"].as_str().unwrap()).collect()
}

/// A path with a filter.
fn filtered(path: &str, filter: &str) -> String {
    let encoded = filter.replace('%', "%25").replace(' ', "%20").replace('"', "%22");
    format!("{path}?filter={encoded}")
}
