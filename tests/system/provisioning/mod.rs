//! Tests of outbound provisioning: users and groups of one Vestibule are pushed to the SCIM endpoint of another.

mod faults;
mod life;
mod scim2_server;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::{Engine, Stack, StackOptions, eventually};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// A directory, and the application that its users and groups are pushed to.
struct Pair {
    directory: Stack,
    application: Stack,
    /// The path of the target.
    target: String,
}

async fn directory(engine: Engine) -> Stack {
    let options = StackOptions::on(engine).with("VESTIBULE_USERS__PROVISIONING__ALLOW", "127.0.0.1/32");
    Stack::with(options).await
}

/// Calls the user service of a stack as its operator.
async fn call(stack: &Stack, method: Method, path: &str, body: &Value) -> (StatusCode, Value) {
    let request = stack
        .http()
        .request(method, stack.users_url(path))
        .bearer_auth(stack.operator_token().await);
    let request = match (body, path.starts_with("/scim")) {
        (Value::Null, _) => request,
        (body, true) => request
            .header("content-type", "application/scim+json")
            .body(body.to_string()),
        (body, false) => request.json(body),
    };
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or_default())
}

/// The same, which succeeds.
async fn ok(stack: &Stack, method: Method, path: &str, body: &Value) -> Value {
    let (status, answer) = call(stack, method, path, body).await;
    assert!(status.is_success(), "{path}: {status} {answer}");
    answer
}

fn id(resource: &Value) -> String {
    resource["id"].as_str().unwrap().to_owned()
}

/// Adds a user.
async fn add_user(stack: &Stack, name: &str) -> String {
    let body = json!({ "schemas": [USER], "userName": name, "name": { "givenName": name } });
    id(&ok(stack, Method::POST, "/scim/v2/Users", &body).await)
}

/// Adds a group with these members.
async fn add_group(stack: &Stack, name: &str, members: &[&str]) -> String {
    let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
    let body = json!({ "schemas": [GROUP], "displayName": name, "members": members });
    id(&ok(stack, Method::POST, "/scim/v2/Groups", &body).await)
}

/// Changes a resource by PATCH.
async fn patch(stack: &Stack, path: &str, operations: Value) {
    let body = json!({ "schemas": [PATCH], "Operations": operations });
    ok(stack, Method::PATCH, &format!("/scim/v2/{path}"), &body).await;
}

/// The resource of a stack that a filter finds.
async fn find(stack: &Stack, endpoint: &str, attribute: &str, value: &str) -> Option<Value> {
    let filter = format!("{attribute} eq \"{value}\"");
    let encoded: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
    let list = ok(
        stack,
        Method::GET,
        &format!("/scim/v2/{endpoint}?filter={encoded}"),
        &Value::Null,
    )
    .await;
    let mut found = list["Resources"].as_array().cloned().unwrap_or_default();
    assert!(found.len() < 2, "{found:?}");
    found.pop()
}

impl Pair {
    /// Two services of their own on `engine`, and a target with these rules.
    async fn start(engine: Engine, rules: Value) -> Self {
        let directory = directory(engine).await;
        let application = Stack::start().await;
        let target = add_target(&directory, &application, rules).await;
        Self {
            directory,
            application,
            target,
        }
    }

    async fn user(&self, name: &str) -> Option<Value> {
        find(&self.application, "Users", "userName", name).await
    }

    /// Waits until the application has a user, of whom something is true.
    async fn wait_for_user(&self, name: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        eventually(&format!("{name} is as wanted"), async || {
            self.user(name).await.filter(|user| is_so(user))
        })
        .await
    }

    /// The ids of the members of a group at the application, in order.
    async fn members(&self, group: &str) -> Vec<String> {
        let Some(found) = find(&self.application, "Groups", "displayName", group).await else {
            return Vec::new();
        };
        let path = format!("/scim/v2/Groups/{}", id(&found));
        let group = ok(&self.application, Method::GET, &path, &Value::Null).await;
        let members = group["members"].as_array().cloned().unwrap_or_default();
        let mut ids: Vec<String> = members
            .iter()
            .map(|member| member["value"].as_str().unwrap().to_owned())
            .collect();
        ids.sort_unstable();
        ids
    }

    /// The target as its administrator sees it.
    async fn status(&self) -> Value {
        ok(&self.directory, Method::GET, &self.target, &Value::Null).await
    }

    /// Waits until so many resources are in step, and nothing waits.
    async fn wait_until_in_step(&self, count: i64) {
        eventually("everything is in step", async || {
            let status = self.status().await;
            let expected = json!({ "waiting": 0, "in_step": count, "dead": 0 });
            (status["resources"] == expected && status["sweeps"] == json!([])).then_some(())
        })
        .await;
    }
}

/// Adds the application as a target of the directory, which gets its tokens by itself. The path of the target.
async fn add_target(directory: &Stack, application: &Stack, rules: Value) -> String {
    let body = json!({
        "name": "application",
        "base_url": application.users_url("/scim/v2"),
        "credentials": {
            "type": "client_credentials",
            "token_url": application.auth_url("/oauth2/token"),
            "client_id": "vestibule-cli",
            "client_secret": application.operator_secret(),
            "scope": "users:read users:write groups:read groups:write",
            "resource": application.users_audience(),
        },
        "rules": rules,
    });
    let path = "/admin/v1/provisioning-targets";
    let created = ok(directory, Method::POST, path, &body).await;
    assert!(
        !created.to_string().contains(application.operator_secret()),
        "{created}"
    );
    format!("{path}/{}", id(&created))
}
