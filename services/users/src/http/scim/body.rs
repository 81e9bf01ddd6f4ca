//! SCIM bodies of requests and responses (RFC 7644 §3.1, §3.3, §3.14).

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use chassis::http::RawBody;
use chassis::http::header::content_type;
use http::header::{CONTENT_TYPE, ETAG, LOCATION};
use http::{HeaderValue, StatusCode};
use scim::version::etag;
use serde_json::Value;

use super::refusal::Refusal;

/// A JSON body of type `application/scim+json`, or `application/json` (RFC 7644 §3.8).
#[derive(Debug)]
pub(crate) struct ScimBody(pub(super) Value);

impl<S: Send + Sync> FromRequest<S> for ScimBody {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        scim::check_media_type(content_type(request.headers()).as_deref())?;
        let RawBody(bytes) = RawBody::from_request(request, state).await?;
        Ok(Self(scim::json::parse(&bytes)?))
    }
}

/// A SCIM document.
#[derive(Debug)]
pub(crate) struct ScimResponse {
    status: StatusCode,
    body: Value,
    version: Option<i64>,
    location: Option<String>,
}

impl ScimResponse {
    pub(super) fn new(status: StatusCode, body: Value) -> Self {
        Self {
            status,
            body,
            version: None,
            location: None,
        }
    }

    /// The same response without a body: 204 and 304 have none.
    pub(super) fn without_content(self) -> Response {
        let (mut parts, _) = self.into_response().into_parts();
        parts.headers.remove(CONTENT_TYPE);
        Response::from_parts(parts, Body::empty())
    }

    /// A resource: `ETag` and `Location` go with it (RFC 7644 §3.3, §3.14).
    pub(super) fn resource(status: StatusCode, body: Value, version: i64, location: String) -> Self {
        Self {
            status,
            body,
            version: Some(version),
            location: Some(location),
        }
    }
}

impl IntoResponse for ScimResponse {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body.to_string()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(scim::MEDIA_TYPE));
        if let Some(tag) = self
            .version
            .and_then(|version| HeaderValue::from_str(&etag(version)).ok())
        {
            headers.insert(ETAG, tag);
        }
        if let Some(location) = self
            .location
            .and_then(|location| HeaderValue::from_str(&location).ok())
        {
            headers.insert(LOCATION, location);
        }
        response
    }
}
