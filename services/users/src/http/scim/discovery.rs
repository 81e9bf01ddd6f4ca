//! `GET /scim/v2/ServiceProviderConfig`, `/Schemas` and `/ResourceTypes`: discovery (RFC 7644 §4). They are public.

use axum::extract::State;
use chassis::http::{Path, Problem};
use http::{StatusCode, Uri};
use scim::Error;
use scim::list::response;
use scim::schema;
use serde_json::Value;

use super::body::ScimResponse;
use super::refusal::Refusal;
use crate::app::ScimBase;

/// GET /scim/v2/ServiceProviderConfig
pub(super) async fn service_provider_config(
    State(base): State<ScimBase>,
    uri: Uri,
) -> Result<ScimResponse, Refusal> {
    no_filter(&uri)?;
    Ok(ScimResponse::new(
        StatusCode::OK,
        schema::service_provider_config(base.as_str()),
    ))
}

/// GET /scim/v2/ResourceTypes
pub(super) async fn resource_types(State(base): State<ScimBase>, uri: Uri) -> Result<ScimResponse, Refusal> {
    all(schema::resource_types(base.as_str()), &uri)
}

/// GET /scim/v2/ResourceTypes/{id}
pub(super) async fn resource_type(
    State(base): State<ScimBase>,
    id: Result<Path<String>, Problem>,
) -> Result<ScimResponse, Refusal> {
    one(schema::resource_types(base.as_str()), &id?.0)
}

/// GET /scim/v2/Schemas
pub(super) async fn schemas(State(base): State<ScimBase>, uri: Uri) -> Result<ScimResponse, Refusal> {
    all(schema::schema_documents(base.as_str()), &uri)
}

/// GET /scim/v2/Schemas/{id}
pub(super) async fn schema(
    State(base): State<ScimBase>,
    id: Result<Path<String>, Problem>,
) -> Result<ScimResponse, Refusal> {
    one(schema::schema_documents(base.as_str()), &id?.0)
}

fn all(documents: Vec<Value>, uri: &Uri) -> Result<ScimResponse, Refusal> {
    no_filter(uri)?;
    let total = i64::try_from(documents.len()).unwrap_or(i64::MAX);
    Ok(ScimResponse::new(StatusCode::OK, response(total, 1, documents)))
}

fn one(documents: Vec<Value>, id: &str) -> Result<ScimResponse, Refusal> {
    let found = documents.into_iter().find(|document| {
        document
            .get("id")
            .and_then(Value::as_str)
            .is_some_and(|known| known.eq_ignore_ascii_case(id))
    });
    Ok(ScimResponse::new(
        StatusCode::OK,
        found.ok_or_else(Error::not_found)?,
    ))
}

/// RFC 7644 §4: a filter is answered with 403 here.
fn no_filter(uri: &Uri) -> Result<(), Error> {
    let filters = uri
        .query()
        .is_some_and(|query| query.split('&').any(|pair| pair.starts_with("filter=")));
    if filters {
        return Err(Error::new(403, "these documents cannot be filtered"));
    }
    Ok(())
}
