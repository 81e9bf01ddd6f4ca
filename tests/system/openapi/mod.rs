//! The descriptions of the APIs, held against the running services: their examples, their permissions, and requests that a
//! tool makes from them.

mod auth;
mod errors;
mod page;
mod permissions;
mod recorder;
mod schemathesis;
mod shared;
mod users;

use serde_json::Value;
use testkit::Stack;

/// A service with a description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Described {
    Auth,
    Users,
}

impl Described {
    pub(crate) const ALL: [Self; 2] = [Self::Auth, Self::Users];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Users => "users",
        }
    }

    pub(crate) fn url(self, stack: &Stack, path: &str) -> String {
        match self {
            Self::Auth => stack.auth_url(path),
            Self::Users => stack.users_url(path),
        }
    }

    /// The description that the running service has.
    pub(crate) async fn document(self, stack: &Stack) -> Value {
        let url = self.url(stack, contract::paths::OPENAPI);
        let answer = stack.http().get(&url).send().await.unwrap();
        assert_eq!(answer.status(), http::StatusCode::OK, "{url}");
        answer.json().await.unwrap()
    }
}

/// One operation of a document.
#[derive(Clone, Debug)]
pub(crate) struct Operation<'a> {
    pub(crate) path: &'a str,
    pub(crate) method: String,
    pub(crate) id: &'a str,
    pub(crate) described: &'a Value,
}

pub(crate) fn operations(document: &Value) -> Vec<Operation<'_>> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, described) in item.as_object().unwrap() {
            found.push(Operation {
                path,
                method: method.to_ascii_uppercase(),
                id: described["operationId"].as_str().unwrap(),
                described,
            });
        }
    }
    assert!(found.len() > 20, "{} operations", found.len());
    found
}
