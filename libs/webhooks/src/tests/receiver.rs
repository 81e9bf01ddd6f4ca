//! A receiver of webhooks, for tests.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::response::Response;
use chassis::shutdown::Shutdown;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap().to_str().unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The aggregate and its version.
    pub(crate) fn about(&self) -> (String, i64) {
        let event = self.json();
        let sequence = event["sequence"].as_str().unwrap().parse().unwrap();
        (event["subject"].as_str().unwrap().to_owned(), sequence)
    }
}

/// The answer to a request, as the test says; nothing: never.
type Rule = dyn Fn(&Received) -> Option<Response> + Send + Sync;

/// An HTTP server of its own.
#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) url: String,
    received: Arc<Mutex<Vec<Received>>>,
    rule: Arc<Mutex<Arc<Rule>>>,
}

pub(crate) fn status(status: u16) -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}

impl Receiver {
    /// Answers 204 to everything.
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Self {
            url: format!("http://{}/hook", listener.local_addr().unwrap()),
            received: Arc::default(),
            rule: Arc::new(Mutex::new(Arc::new(|_| Some(status(204))))),
        };
        let me = receiver.clone();
        let app = Router::new().fallback(move |headers: HeaderMap, body: Bytes| {
            let me = me.clone();
            async move { me.answer(Received { headers, body }).await }
        });
        Shutdown::new().spawn("receiver", async move {
            axum::serve(listener, app).await.unwrap();
        });
        receiver
    }

    async fn answer(&self, request: Received) -> Response {
        let rule = Arc::clone(&self.rule.lock().unwrap());
        let answer = rule(&request);
        self.received.lock().unwrap().push(request);
        match answer {
            Some(answer) => answer,
            None => std::future::pending().await,
        }
    }

    pub(crate) fn behave(&self, rule: impl Fn(&Received) -> Option<Response> + Send + Sync + 'static) {
        *self.rule.lock().unwrap() = Arc::new(rule);
    }

    /// Everything that came, in the order in which it came.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// The versions of an aggregate, as they came.
    pub(crate) fn versions(&self, id: uuid::Uuid) -> Vec<i64> {
        let about = self.received().into_iter().map(|request| request.about());
        about
            .filter(|(subject, _)| *subject == id.to_string())
            .map(|(_, version)| version)
            .collect()
    }
}
