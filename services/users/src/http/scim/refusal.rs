//! SCIM error responses (RFC 7644 §3.12).

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use chassis::db::DbError;
use chassis::http::Problem;
use http::header::{CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, StatusCode};

use super::body::ScimResponse;
use crate::groups::{GroupError, MAX_MEMBER_CHANGES};
use crate::users::{Invalid, SearchError, UserError};

/// A SCIM error, with the headers that belong to it.
#[derive(Debug)]
pub(crate) struct Refusal {
    error: scim::Error,
    headers: Vec<(HeaderName, HeaderValue)>,
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
            UserError::NotFound => scim::Error::not_found().into(),
            UserError::NameTaken => scim::Error::uniqueness("userName").into(),
            UserError::Changed => scim::Error::precondition_failed().into(),
            UserError::Invalid(Invalid { field, reason }) => {
                scim::Error::invalid_value(&scim_name(&field), reason).into()
            }
            UserError::Scim(error) => error.into(),
            UserError::Db(error) => error.into(),
        }
    }
}

impl From<GroupError> for Refusal {
    fn from(error: GroupError) -> Self {
        match error {
            GroupError::NotFound => scim::Error::not_found().into(),
            GroupError::NameTaken => scim::Error::uniqueness("displayName").into(),
            GroupError::Changed => scim::Error::precondition_failed().into(),
            GroupError::BuiltIn => scim::Error::mutability("displayName", error).into(),
            GroupError::TooManyChanges => scim::Error::payload_too_large(format!(
                "members: at most {MAX_MEMBER_CHANGES} can be added and removed by one request"
            ))
            .into(),
            GroupError::Invalid(Invalid { field, reason }) => {
                scim::Error::invalid_value(&field, reason).into()
            }
            GroupError::Db(error) => error.into(),
        }
    }
}

/// Our name of a field, as SCIM calls it.
fn scim_name(field: &str) -> String {
    match field {
        "user_name" => "userName".to_owned(),
        "name.given_name" => "name.givenName".to_owned(),
        "name.family_name" => "name.familyName".to_owned(),
        "name.middle_name" => "name.middleName".to_owned(),
        "name.honorific_prefix" => "name.honorificPrefix".to_owned(),
        "name.honorific_suffix" => "name.honorificSuffix".to_owned(),
        "zoneinfo" => "timezone".to_owned(),
        other => other.strip_prefix("attributes.").unwrap_or(other).to_owned(),
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
