//! [`Script`]: a service for tests that gives prepared answers.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use clap::Parser;
use serde_json::Value;

use super::{ApiClient, ConnectionArgs, TIMEOUT};

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// A service that gives the answers of a script, and records the requests.
#[derive(Clone, Default)]
pub(crate) struct Script {
    answers: Arc<Mutex<Vec<(u16, Value)>>>,
    requests: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Script {
    /// A client of a service with these answers, in their order. The last one is given for ever.
    pub(crate) async fn start(answers: &[(u16, Value)]) -> (Self, ApiClient) {
        let script = Self::default();
        *script.answers.lock().expect("unpoisoned") = answers.to_vec();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let app = Router::new().fallback(respond).with_state(script.clone());
        let server = axum::serve(listener, app);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime
                .expect("a runtime")
                .block_on(async { server.await.expect("served") });
        });
        (script, client(&url))
    }

    /// The requests so far: the path, with the version of `If-Match`, and the body.
    pub(crate) fn requests(&self) -> Vec<(String, Value)> {
        self.requests.lock().expect("unpoisoned").clone()
    }
}

fn client(url: &str) -> ApiClient {
    client_with_timeout(url, TIMEOUT)
}

/// A client that waits so long for each response.
pub(crate) fn client_with_timeout(url: &str, timeout: Duration) -> ApiClient {
    let line = ["x", "--auth-url", url, "--users-url", url, "--token", "t"];
    let connection = Line::parse_from(line).connection.connection();
    ApiClient::build(connection.expect("a connection"), &[], timeout).expect("a client")
}

async fn respond(State(script): State<Script>, uri: Uri, headers: HeaderMap, body: String) -> Response {
    let body = serde_json::from_str(&body).unwrap_or(Value::Null);
    let condition = headers
        .get("if-match")
        .map(|tag| tag.to_str().expect("text").to_owned());
    let request = condition.map_or_else(|| uri.to_string(), |tag| format!("{uri} if {tag}"));
    script.requests.lock().expect("unpoisoned").push((request, body));
    let mut answers = script.answers.lock().expect("unpoisoned");
    let (status, body) = match answers.len() {
        1 => answers[0].clone(),
        _ => answers.remove(0),
    };
    let status = StatusCode::from_u16(status).expect("a status");
    let retry = [("retry-after", "0"), ("content-type", "application/json")];
    (status, retry, body.to_string()).into_response()
}
