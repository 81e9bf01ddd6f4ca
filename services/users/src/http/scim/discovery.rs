//! `GET /scim/v2/ServiceProviderConfig`, `/Schemas` and `/ResourceTypes`: discovery (RFC 7644 §4). They are public.

use std::sync::Arc;

use axum::extract::State;
use chassis::http::{Path, Problem};
use http::{StatusCode, Uri};
use scim::discovery::{
    Capabilities, Pagination, check_query, find, service_provider_config as config_document,
};
use scim::list::response;
use scim::schema::Registry;
use serde_json::Value;

use super::body::ScimResponse;
use super::refusal::Refusal;
use super::search::CURSOR_TIMEOUT;
use crate::app::ScimBase;
use crate::bulk::Bulk;
use crate::credentials::Credentials;

/// The features of this server, but for the limits of bulk requests and for passwords.
const CAPABILITIES: Capabilities = Capabilities {
    patch: true,
    bulk: None,
    change_password: false,
    sort: true,
    pagination: Some(Pagination {
        cursor_timeout: CURSOR_TIMEOUT,
    }),
};

/// `GET /scim/v2/ServiceProviderConfig`: service provider configuration (RFC 7644 §4).
pub(crate) async fn service_provider_config(
    (State(base), State(bulk), State(credentials)): (State<ScimBase>, State<Bulk>, State<Credentials>),
    uri: Uri,
) -> Result<ScimResponse, Refusal> {
    check_query(uri.query())?;
    let capabilities = Capabilities {
        bulk: Some(*bulk.limits()),
        change_password: credentials.are_taken(),
        ..CAPABILITIES
    };
    Ok(ScimResponse::new(
        StatusCode::OK,
        config_document(base.as_str(), &capabilities),
    ))
}

/// `GET /scim/v2/ResourceTypes`: list of resource types (RFC 7644 §4).
pub(crate) async fn resource_types(
    State(base): State<ScimBase>,
    State(registry): State<Arc<Registry>>,
    uri: Uri,
) -> Result<ScimResponse, Refusal> {
    all(resource_type_documents(&registry, &base), &uri)
}

/// `GET /scim/v2/ResourceTypes/{id}`: one resource type (RFC 7644 §4).
pub(crate) async fn resource_type(
    State(base): State<ScimBase>,
    State(registry): State<Arc<Registry>>,
    id: Result<Path<String>, Problem>,
) -> Result<ScimResponse, Refusal> {
    one(resource_type_documents(&registry, &base), &id?.0)
}

/// `GET /scim/v2/Schemas`: list of schemas (RFC 7644 §4).
pub(crate) async fn schemas(
    State(base): State<ScimBase>,
    State(registry): State<Arc<Registry>>,
    uri: Uri,
) -> Result<ScimResponse, Refusal> {
    all(schema_documents(&registry, &base), &uri)
}

/// `GET /scim/v2/Schemas/{id}`: one schema (RFC 7644 §4).
pub(crate) async fn schema(
    State(base): State<ScimBase>,
    State(registry): State<Arc<Registry>>,
    id: Result<Path<String>, Problem>,
) -> Result<ScimResponse, Refusal> {
    one(schema_documents(&registry, &base), &id?.0)
}

fn resource_type_documents(registry: &Registry, base: &ScimBase) -> Vec<Value> {
    Registry::resource_type_documents(registry.resource_types(), base.as_str())
}

fn schema_documents(registry: &Registry, base: &ScimBase) -> Vec<Value> {
    Registry::schema_documents(registry.resource_types(), base.as_str())
}

fn all(documents: Vec<Value>, uri: &Uri) -> Result<ScimResponse, Refusal> {
    check_query(uri.query())?;
    let total = i64::try_from(documents.len()).unwrap_or(i64::MAX);
    Ok(ScimResponse::new(StatusCode::OK, response(total, 1, documents)))
}

fn one(documents: Vec<Value>, id: &str) -> Result<ScimResponse, Refusal> {
    Ok(ScimResponse::new(StatusCode::OK, find(documents, id)?))
}
