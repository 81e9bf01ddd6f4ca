//! A caller of the service, with its routes and without its ports.

use axum::Router;
use axum::body::{Body, to_bytes};
use chassis::config::LimitsConfig;
use chassis::http::{PublicScheme, standard_layers};
use chassis::shutdown::Shutdown;
use http::{HeaderMap, Request, StatusCode};
use serde_json::Value;
use tower::ServiceExt;

use super::described::assert_described;
use crate::app::SharedApp;

/// Somebody with, or without, a token, talking to the service.
#[derive(Clone)]
pub(crate) struct Caller {
    router: Router,
    token: Option<String>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct TestResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl TestResponse {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The field that a problem names first.
    pub(crate) fn field(&self) -> &str {
        self.body["errors"][0]["field"].as_str().unwrap_or_default()
    }
}

impl Caller {
    /// Somebody without a token.
    pub(crate) fn anonymous(app: &SharedApp) -> Self {
        app.user_created_waiters.run(&Shutdown::new());
        let router = standard_layers(
            crate::routes::router(app.clone()),
            &LimitsConfig::default(),
            PublicScheme::Http,
        );
        Self { router, token: None }
    }

    /// Somebody with a token.
    pub(crate) fn with(app: &SharedApp, token: String) -> Self {
        Self {
            token: Some(token),
            ..Self::anonymous(app)
        }
    }

    pub(crate) async fn get(&self, path: &str) -> TestResponse {
        self.send("GET", path, &[], Body::empty()).await
    }

    pub(crate) async fn json(&self, method: &str, path: &str, body: &Value) -> TestResponse {
        self.json_if(method, path, body, "*").await
    }

    /// With `If-Match`.
    pub(crate) async fn json_if(&self, method: &str, path: &str, body: &Value, tag: &str) -> TestResponse {
        let headers = [("content-type", "application/json"), ("if-match", tag)];
        self.send(method, path, &headers, Body::from(body.to_string()))
            .await
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> TestResponse {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let response = self
            .router
            .clone()
            .oneshot(request.body(body).unwrap())
            .await
            .unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        let response = TestResponse {
            status: parts.status,
            headers: parts.headers,
            body: serde_json::from_slice(&bytes).unwrap_or_default(),
        };
        assert_described((method, path), response.status, &response.body);
        response
    }
}
