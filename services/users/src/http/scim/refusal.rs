//! SCIM error responses (RFC 7644 §3.12).

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use chassis::db::DbError;
use chassis::http::Problem;
use http::header::{CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};

use super::body::ScimResponse;
use crate::groups::GroupError;
use crate::users::{NO_CREDENTIALS, SearchError, UserError};

/// A SCIM error, with the headers that belong to it.
#[derive(Debug)]
pub(crate) struct Refusal {
    error: scim::Error,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Refusal {
    /// The error without its headers, for an operation of a bulk request.
    pub(super) fn into_error(self) -> scim::Error {
        self.error
    }
}

impl From<scim::Error> for Refusal {
    fn from(error: scim::Error) -> Self {
        Self {
            error,
            headers: Vec::new(),
        }
    }
}

/// The refusal of an extractor comes as a problem; its status, its text and its challenge are kept.
impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        let status = problem.status();
        let mut detail = problem.detail_text().map_or_else(
            || status.canonical_reason().unwrap_or("refused").to_owned(),
            str::to_owned,
        );
        for error in problem.errors() {
            detail = format!("{}: {}", error.field, error.detail);
        }
        let mut kept = problem.into_response();
        let headers = [WWW_AUTHENTICATE, RETRY_AFTER]
            .into_iter()
            .filter_map(|name| kept.headers_mut().remove(&name).map(|value| (name, value)))
            .collect();
        Self {
            error: scim::Error::of_status(status.as_u16(), detail),
            headers,
        }
    }
}

impl From<DbError> for Refusal {
    fn from(error: DbError) -> Self {
        Problem::from(error).into()
    }
}

impl From<SearchError> for Refusal {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::Refused(error) => error.into(),
            SearchError::IndexIncomplete => Problem::unavailable(Duration::from_secs(5))
                .detail("The index of users is being built after an upgrade; try again.")
                .into(),
            SearchError::Db(error) => error.into(),
        }
    }
}

impl From<UserError> for Refusal {
    fn from(error: UserError) -> Self {
        match error {
            UserError::NoCredentials { retry_after } => {
                Problem::unavailable(retry_after).detail(NO_CREDENTIALS).into()
            }
            UserError::TooManyTaken { retry_after } => {
                Problem::too_many(retry_after).detail(error.to_string()).into()
            }
            error => error.into_scim().map_or_else(Self::from, Self::from),
        }
    }
}

impl From<GroupError> for Refusal {
    fn from(error: GroupError) -> Self {
        error.into_scim().map_or_else(Self::from, Self::from)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.error.status).unwrap_or(StatusCode::BAD_REQUEST);
        let mut response = ScimResponse::new(status, self.error.to_json()).into_response();
        response.headers_mut().extend(self.headers);
        response
            .headers_mut()
            .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

/// The response of an unknown path under `/scim/v2`.
pub(crate) async fn no_such_endpoint() -> Refusal {
    scim::Error::no_such_endpoint().into()
}

/// The response of an endpoint to a method that it does not have.
pub(crate) async fn no_such_method() -> Refusal {
    scim::Error::method_not_allowed().into()
}
