//! Tests of the client of `/pending-credentials/{id}`, against an authentication service that answers as it is told.

use std::sync::Mutex;

use ::http::{HeaderMap, StatusCode};
use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::put;
use chassis::access::{IssuedToken, ServiceTokens, TokenError, TokenIssuer};
use chassis::clock::{SystemClock, Timestamp};
use chassis::http_client::{ClientOptions, HttpClient};
use chassis::secret::Token;
use chassis::shutdown::Shutdown;
use serde_json::{Value, json};

use super::*;
use crate::testing::desired_user;

const ID: Uuid = Uuid::from_u128(7);

/// An authentication service with answers to give, in order, and the requests that it had.
#[derive(Clone, Default)]
struct Auth {
    answers: Arc<Mutex<Vec<(u16, Value)>>>,
    requests: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Auth {
    async fn answer(&self, at: String, headers: &HeaderMap, body: Value) -> Response {
        let bearer = headers["authorization"].to_str().unwrap();
        self.requests
            .lock()
            .unwrap()
            .push((format!("{at} {bearer}"), body));
        let (status, body) = self.answers.lock().unwrap().remove(0);
        let status = StatusCode::from_u16(status).unwrap();
        let headers = [("retry-after", "9")];
        (status, headers, Json(body)).into_response()
    }

    async fn put(
        State(auth): State<Self>,
        Path(id): Path<String>,
        headers: HeaderMap,
        Json(body): Json<Value>,
    ) -> Response {
        auth.answer(format!("PUT {id}"), &headers, body).await
    }

    async fn cancel(State(auth): State<Self>, Path(id): Path<String>, headers: HeaderMap) -> Response {
        auth.answer(format!("DELETE {id}"), &headers, Value::Null).await
    }

    /// A client of it, below a path.
    async fn client(&self) -> HttpCredentialService {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/idp", listener.local_addr().unwrap());
        let routes = axum::Router::new()
            .route(
                "/idp/pending-credentials/{id}",
                put(Self::put).delete(Self::cancel),
            )
            .with_state(self.clone());
        let serve = async move { axum::serve(listener, routes).await.unwrap() };
        Shutdown::new().spawn("auth", serve);
        client(&url)
    }
}

fn client(url: &str) -> HttpCredentialService {
    let http = HttpClient::new(ClientOptions::default()).unwrap();
    let tokens = ServiceTokens::issued_by(Issuer::default(), Arc::new(SystemClock));
    HttpCredentialService::new(&url.parse().unwrap(), http, tokens)
}

/// Issues `t1`, then `t2`.
#[derive(Default)]
struct Issuer(Mutex<u32>);

impl TokenIssuer for Issuer {
    fn issue(&self) -> BoxFuture<'_, Result<IssuedToken, TokenError>> {
        let mut issued = self.0.lock().unwrap();
        *issued += 1;
        let token = Token::new(format!("t{issued}"));
        let expires_at = Timestamp::from_secs(4_000_000_000);
        Box::pin(async move { Ok(IssuedToken { token, expires_at }) })
    }
}

async fn hand_over(client: &HttpCredentialService) -> Result<(), CredentialError> {
    let mut user = desired_user("ann").into_state(ID, Timestamp::from_secs(0));
    user.name.given_name = Some("Ann".to_owned());
    let password = Password::new("plover-quilt-anvil".to_owned());
    let new = NewCredential {
        user: &user,
        password: &password,
    };
    assert!(!format!("{new:?}").contains("plover"));
    client.put(ID, &new).await
}

#[tokio::test]
async fn a_password_is_sent_with_what_it_is_checked_against_and_once_more_with_a_new_token() {
    let auth = Auth::default();
    let client = auth.client().await;
    *auth.answers.lock().unwrap() = vec![(401, json!({})), (204, json!({})), (204, json!({}))];
    hand_over(&client).await.unwrap();
    client.cancel(ID).await;
    let body = json!({
        "user_id": ID, "password": "plover-quilt-anvil", "user_name": "ann", "email": null, "name": {"given_name": "Ann"},
    });
    assert_eq!(
        *auth.requests.lock().unwrap(),
        [
            (format!("PUT {ID} Bearer t1"), body.clone()),
            (format!("PUT {ID} Bearer t2"), body),
            (format!("DELETE {ID} Bearer t2"), Value::Null),
        ]
    );
}

#[tokio::test]
async fn a_refusal_has_the_reason_of_auth_and_everything_else_is_unavailable() {
    let auth = Auth::default();
    let client = auth.client().await;
    let weak = json!({"errors": [{"field": "password", "detail": "this is too easy to guess"}]});
    let other = json!({"errors": [{"field": "user_name", "detail": "?"}]});
    let later = |seconds| CredentialError::Unavailable {
        retry_after: Duration::from_secs(seconds),
    };
    for (answer, expected) in [
        (
            (422, weak),
            CredentialError::Refused("this is too easy to guess".to_owned()),
        ),
        ((422, other), CredentialError::NotAccepted),
        ((503, json!({})), later(9)),
        ((403, json!({})), later(9)),
        ((404, json!({})), later(9)),
        ((500, json!({})), later(9)),
    ] {
        auth.answers.lock().unwrap().push(answer.clone());
        assert_eq!(hand_over(&client).await, Err(expected), "{answer:?}");
    }
    let nobody = super::tests::client("http://127.0.0.1:1");
    assert_eq!(hand_over(&nobody).await, Err(later(5)));
    nobody.cancel(ID).await;
}
