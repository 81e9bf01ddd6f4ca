//! Personas of the tests: the operator, users such as ann, and clients.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a story that cannot go on must say where; indexing JSON never panics"
)]

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use contract::paths::auth::{AUTHENTICATE, CLIENTS, TOKEN, USERS};
use contract::paths::users::USER;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::stack::{OPERATOR, Stack};
use crate::wait::eventually;

/// A user with an account.
#[derive(Clone, Debug)]
pub struct Person {
    /// The user id in both services.
    pub id: String,
    /// The user name.
    pub user_name: String,
    /// The password in clear.
    pub password: String,
}

/// The tokens from `POST /authenticate` or `POST /oauth2/token`.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// The access token, a JWT (RFC 9068).
    pub access: String,
    /// The refresh token, if there is one.
    pub refresh: Option<String>,
    /// The whole response.
    pub answer: Value,
}

impl Tokens {
    fn read(answer: Value) -> Self {
        let text = |name: &str| answer[name].as_str().map(str::to_owned);
        Self {
            access: text("access_token").unwrap_or_else(|| unreadable(&answer)),
            refresh: text("refresh_token"),
            answer,
        }
    }
}

#[expect(clippy::panic, reason = "a story that cannot go on must say where")]
fn unreadable(answer: &Value) -> String {
    panic!("no access_token in {answer}")
}

impl Person {
    /// A user without an account yet, with a password that every rule accepts.
    pub fn named(user_name: &str) -> Self {
        Self {
            id: String::new(),
            user_name: user_name.to_owned(),
            password: "plum-tractor-violin-42".to_owned(),
        }
    }

    /// The user's e-mail address.
    pub fn email(&self) -> String {
        format!("{}@example.com", self.user_name)
    }
}

/// All scopes of the operator's client.
const OPERATOR_SCOPE: &str = "admin users:read users:write groups:read groups:write events:read";

impl Stack {
    /// An access token of the operator's client with all of its scopes.
    ///
    /// # Panics
    /// When `auth` does not give one.
    pub async fn operator_token(&self) -> String {
        self.client_token(OPERATOR, self.operator_secret(), OPERATOR_SCOPE)
            .await
    }

    /// An access token with `scope`, by the client credentials grant (RFC 6749 §4.4).
    ///
    /// # Panics
    /// When `auth` does not give one.
    pub async fn client_token(&self, id: &str, secret: &str, scope: &str) -> String {
        let answer = self
            .http
            .post(self.auth_url(TOKEN))
            .basic_auth(id, Some(secret))
            .form(&[("grant_type", "client_credentials"), ("scope", scope)])
            .send()
            .await
            .expect("the token endpoint answers");
        let status = answer.status();
        let body: Value = answer.json().await.expect("the token endpoint answers in JSON");
        assert_eq!(status, StatusCode::OK, "{body}");
        Tokens::read(body).access
    }

    /// Creates an account by `POST /admin/v1/users`, and waits until it is active.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn register(&self, user_name: &str) -> Person {
        self.register_in(user_name, &[]).await
    }

    /// Like [`Self::register`], for a member of `vestibule-admins`.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn register_admin(&self, user_name: &str) -> Person {
        self.register_in(user_name, &["vestibule-admins"]).await
    }

    async fn register_in(&self, user_name: &str, groups: &[&str]) -> Person {
        let mut person = Person::named(user_name);
        let answer = self
            .http
            .post(self.auth_url(USERS))
            .bearer_auth(self.operator_token().await)
            .json(&json!({
                "user_name": person.user_name,
                "email": person.email(),
                "password": person.password,
                "groups": groups,
            }))
            .send()
            .await
            .expect("auth answers");
        let status = answer.status();
        let body = answer.text().await.expect("auth answers");
        assert_eq!(status, StatusCode::CREATED, "{body}");
        let body: Value = serde_json::from_str(&body).expect("JSON");
        person.id = body["id"].as_str().expect("an id").to_owned();
        eventually("the account is active", async || {
            self.try_authenticate(&person, None).await.1["access_token"]
                .as_str()
                .map(|_| ())
        })
        .await;
        person
    }

    /// Signs a user in by `POST /authenticate`.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn authenticate(&self, person: &Person) -> Tokens {
        let (status, body) = self.try_authenticate(person, None).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        Tokens::read(body)
    }

    /// Signs an administrator in by `POST /authenticate`, with the scope `admin`.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn authenticate_admin(&self, person: &Person) -> Tokens {
        let (status, body) = self.try_authenticate(person, Some("openid profile admin")).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        Tokens::read(body)
    }

    /// Calls `POST /authenticate` and returns any response.
    ///
    /// # Panics
    /// When `auth` does not answer in JSON.
    pub async fn try_authenticate(&self, person: &Person, scope: Option<&str>) -> (StatusCode, Value) {
        let mut body = json!({ "username": person.user_name, "password": person.password });
        if let Some(scope) = scope {
            body["scope"] = scope.into();
        }
        let answer = self
            .http
            .post(self.auth_url(AUTHENTICATE))
            .json(&body)
            .send()
            .await
            .expect("auth answers");
        (
            answer.status(),
            answer.json().await.expect("auth answers in JSON"),
        )
    }

    /// Calls `GET /user` with an access token and returns any response.
    ///
    /// # Panics
    /// When `users` does not answer in JSON.
    pub async fn user(&self, access_token: &str) -> (StatusCode, Value) {
        let answer = self
            .http
            .get(self.users_url(USER))
            .bearer_auth(access_token)
            .send()
            .await
            .expect("users answers");
        (
            answer.status(),
            answer.json().await.expect("users answers in JSON"),
        )
    }

    /// Registers a client by `POST /admin/v1/clients` and returns the response.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn create_client(&self, client: &Value) -> Value {
        let answer = self
            .http
            .post(self.auth_url(CLIENTS))
            .bearer_auth(self.operator_token().await)
            .json(client)
            .send()
            .await
            .expect("auth answers");
        let status = answer.status();
        let body: Value = answer.json().await.expect("auth answers in JSON");
        assert_eq!(status, StatusCode::CREATED, "{body}");
        body
    }
}

/// The S256 challenge of a PKCE verifier (RFC 7636 §4.2).
pub fn pkce_challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()))
}
