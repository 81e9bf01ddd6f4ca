//! SCIM clients that others wrote, and requests as identity providers send them, against the running services.

mod python;
mod rebuild;
mod replay;
mod requirements;
mod sdk;

use serde_json::Value;
use testkit::{Engine, Stack, StackOptions};

/// A directory that a client provisions: its base URL, and a token that is good for the whole test.
struct Directory {
    stack: Stack,
    token: String,
}

impl Directory {
    async fn start(engine: Engine) -> Self {
        Self::with(Self::options(engine)).await
    }

    /// The options of a stack whose tokens are good for the whole test.
    fn options(engine: Engine) -> StackOptions {
        StackOptions::on(engine).with("VESTIBULE_AUTH__TOKENS__ACCESS_SECONDS", "3600")
    }

    async fn with(options: StackOptions) -> Self {
        let stack = Stack::with(options).await;
        let token = stack.operator_token().await;
        Self { stack, token }
    }

    fn base(&self) -> String {
        self.stack.users_url(contract::paths::users::SCIM)
    }

    /// The document at a path below the base URL.
    async fn document(&self, path: &str) -> Value {
        let url = format!("{}{path}", self.base());
        let answer = self
            .stack
            .http()
            .get(&url)
            .bearer_auth(&self.token)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), http::StatusCode::OK, "{url}");
        answer.json().await.unwrap()
    }
}
