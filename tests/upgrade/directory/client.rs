//! A client of `users` that reads and changes the directory.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use testkit::{Stack, within};

const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// The time in which indexes are filled in after an upgrade.
const FILLED_WITHIN: Duration = Duration::from_secs(60);

pub(super) struct Client {
    http: reqwest::Client,
    users: String,
    token: String,
}

impl Client {
    pub(super) async fn of(stack: &Stack) -> Self {
        Self {
            http: stack.http().clone(),
            users: stack.users_url(""),
            token: stack.operator_token().await,
        }
    }

    pub(super) async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> (StatusCode, Value) {
        let url = format!("{}{path}", self.users);
        let mut request = self.http.request(method, url).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request
                .header("content-type", "application/scim+json")
                .body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    async fn expect(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let (status, answer) = self.send(method, path, body).await;
        assert!(status.is_success(), "{path}: {status}: {answer}");
        answer
    }

    pub(super) async fn get(&self, path: &str) -> Value {
        self.expect(Method::GET, path, None).await
    }

    /// Creates a resource, and returns its id.
    pub(super) async fn create(&self, path: &str, resource: &Value) -> String {
        let made = self.expect(Method::POST, path, Some(resource)).await;
        made["id"].as_str().unwrap().to_owned()
    }

    pub(super) async fn put(&self, path: &str, resource: &Value) -> Value {
        self.expect(Method::PUT, path, Some(resource)).await
    }

    pub(super) async fn patch(&self, path: &str, operations: Value) -> Value {
        let body = json!({ "schemas": [PATCH], "Operations": operations });
        self.expect(Method::PATCH, path, Some(&body)).await
    }

    pub(super) async fn delete(&self, path: &str) {
        self.expect(Method::DELETE, path, None).await;
    }

    /// The answer of an index, when it is filled in. Until then `users` refuses.
    pub(super) async fn search(&self, path: &str, parameter: &str, text: &str) -> Value {
        let url = format!("{}{path}", self.users);
        within(
            FILLED_WITHIN,
            &format!("{text} is answered from an index"),
            async || {
                let request = self.http.get(&url).query(&[(parameter, text)]);
                let answer = request.bearer_auth(&self.token).send().await.ok()?;
                match answer.status() {
                    StatusCode::OK => answer.json().await.ok(),
                    _ => None,
                }
            },
        )
        .await
    }

    /// The user names that a filter finds.
    pub(super) async fn filter(&self, filter: &str) -> Vec<String> {
        let list = self.search("/scim/v2/Users", "filter", filter).await;
        names(&list["Resources"], "userName")
    }

    /// The user names that the search of administrators finds, the best first.
    pub(super) async fn find(&self, text: &str) -> Vec<String> {
        let list = self.search("/admin/v1/users", "search", text).await;
        names(&list["users"], "user_name")
    }
}

fn names(list: &Value, name: &str) -> Vec<String> {
    let items = list.as_array().unwrap_or_else(|| panic!("{list}")).iter();
    items
        .map(|item| item[name].as_str().unwrap().to_owned())
        .collect()
}
