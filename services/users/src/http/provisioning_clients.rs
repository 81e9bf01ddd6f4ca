//! `/admin/v1/provisioning-clients`: provisioning clients and their tokens, for tokens with the scope `admin`.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chassis::access::Admin;
use chassis::clock::Timestamp;
use chassis::db::next_cursor;
use chassis::http::{Path, Problem, Query, RawBody, not_null, page_limit, parse_json};
use chassis::secret::Token;
use contract::paths::fill;
use contract::paths::users::PROVISIONING_CLIENT;
use http::StatusCode;
use http::header::LOCATION;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::NO_STORE;
use super::caller::Privileged;
use crate::provisioning_clients::{
    ClientEdit, DesiredClient, MAX_VALID_TOKENS, ProvisioningClient, ProvisioningClients, ProvisioningError,
    ProvisioningToken,
};

/// The most entries of one page.
const MAX_LIMIT: i64 = 200;

/// A provisioning client to be created.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CreateProvisioningClient")]
pub(crate) struct CreateRequest {
    /// The id that the client has in another installation, whose users and groups are to be imported; a new one if it is left out.
    id: Option<Uuid>,
    /// A name for people, which no other provisioning client has.
    #[schemars(length(min = 1, max = 100))]
    name: String,
    /// Some of `users:read`, `users:write`, `groups:read`, `groups:write`.
    scopes: Vec<String>,
    /// The networks that its requests come from (CIDR); all if it is left out.
    #[serde(default)]
    networks: Vec<String>,
    /// The life of its token in days; the longest that the configuration allows if it is left out.
    #[schemars(range(min = 1))]
    expires_in_days: Option<u16>,
}

/// The changes of a provisioning client (a JSON merge patch, RFC 7396, without `null`).
#[derive(Debug, Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "ProvisioningClientPatch")]
pub(crate) struct ChangeRequest {
    #[serde(deserialize_with = "not_null")]
    #[schemars(with = "String")]
    name: Option<String>,
    #[serde(deserialize_with = "not_null")]
    #[schemars(with = "Vec<String>")]
    scopes: Option<Vec<String>>,
    #[serde(deserialize_with = "not_null")]
    #[schemars(with = "Vec<String>")]
    networks: Option<Vec<String>>,
}

/// Another token for a provisioning client.
#[derive(Debug, Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "IssueProvisioningToken")]
pub(crate) struct IssueRequest {
    /// Its life in days; the longest that the configuration allows if it is left out.
    #[schemars(range(min = 1))]
    expires_in_days: Option<u16>,
}

/// A provisioning client.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(rename = "ProvisioningClient")]
pub(crate) struct ClientResponse {
    /// The id, by which logs and `externalId` know the client. It stays when its tokens change.
    id: Uuid,
    name: String,
    scopes: Vec<String>,
    networks: Vec<String>,
    tokens: Vec<TokenResponse>,
    created_at: Timestamp,
    updated_at: Timestamp,
    /// The bearer token, this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

/// A token of a provisioning client.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(rename = "ProvisioningToken")]
pub(crate) struct TokenResponse {
    id: Uuid,
    /// The last characters of the token, by which people tell two apart.
    ending: String,
    created_at: Timestamp,
    expires_at: Timestamp,
    /// The minute of the last use. It is there at the latest half a minute after the use.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_at: Option<Timestamp>,
    /// The bearer token, this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

/// A page of provisioning clients, in the order of their ids.
#[derive(Debug, Serialize, schemars::JsonSchema)]
#[schemars(rename = "ProvisioningClientPage")]
pub(crate) struct PageResponse {
    provisioning_clients: Vec<ClientResponse>,
    /// For `after`, to read on.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Uuid>,
}

/// The parameters of a list.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ProvisioningClientQuery")]
pub(crate) struct PageQuery {
    /// The `next` of an earlier page.
    after: Option<Uuid>,
    /// The most clients of one page: 100 if it is left out.
    #[schemars(range(min = 1, max = MAX_LIMIT))]
    limit: Option<i64>,
}

impl From<ProvisioningClient> for ClientResponse {
    fn from(client: ProvisioningClient) -> Self {
        Self {
            id: client.id,
            name: client.name,
            scopes: client.scopes,
            networks: client.networks,
            tokens: client.tokens.into_iter().map(TokenResponse::from).collect(),
            created_at: client.created_at,
            updated_at: client.updated_at,
            token: None,
        }
    }
}

impl From<ProvisioningToken> for TokenResponse {
    fn from(token: ProvisioningToken) -> Self {
        Self {
            id: token.id,
            ending: token.ending,
            created_at: token.created_at,
            expires_at: token.expires_at,
            last_used_at: token.last_used_at,
            token: None,
        }
    }
}

impl From<ProvisioningError> for Problem {
    fn from(error: ProvisioningError) -> Self {
        match error {
            ProvisioningError::NotFound => Self::not_found(),
            ProvisioningError::NameTaken => Self::conflict("Another provisioning client has this name."),
            ProvisioningError::IdTaken => Self::conflict(
                "A provisioning client has this id, or one had it whose identifiers are still being removed.",
            ),
            ProvisioningError::TooManyTokens => Self::conflict(format!(
                "The client has {MAX_VALID_TOKENS} valid tokens. Revoke the one that it does not use any more."
            )),
            ProvisioningError::Invalid { field, reason } => Self::invalid().field(field, reason),
            ProvisioningError::Db(error) => error.into(),
        }
    }
}

/// `GET /admin/v1/provisioning-clients`: list.
pub(crate) async fn list(
    _: Privileged<Admin>,
    State(clients): State<ProvisioningClients>,
    Query(query): Query<PageQuery>,
) -> Result<Json<PageResponse>, Problem> {
    let limit = page_limit(query.limit.unwrap_or(100), MAX_LIMIT)?;
    let found = clients.page(query.after.unwrap_or(Uuid::nil()), limit).await?;
    let next = next_cursor(&found, limit, |client| client.id);
    Ok(Json(PageResponse {
        provisioning_clients: found.into_iter().map(ClientResponse::from).collect(),
        next,
    }))
}

/// `POST /admin/v1/provisioning-clients`: creation. The response has the token, this once.
pub(crate) async fn create(
    _: Privileged<Admin>,
    State(clients): State<ProvisioningClients>,
    chassis::http::Json(request): chassis::http::Json<CreateRequest>,
) -> Result<Response, Problem> {
    let desired = DesiredClient {
        id: request.id,
        name: request.name,
        scopes: request.scopes,
        networks: request.networks,
        expires_in_days: request.expires_in_days,
    };
    let (client, token) = clients.create(desired).await?;
    let headers = [(LOCATION, fill(PROVISIONING_CLIENT, &[&client.id.to_string()]))];
    let body = ClientResponse {
        token: Some(token.expose().to_owned()),
        ..client.into()
    };
    Ok((StatusCode::CREATED, headers, NO_STORE, Json(body)).into_response())
}

/// `GET /admin/v1/provisioning-clients/{id}`: retrieval.
pub(crate) async fn show(
    _: Privileged<Admin>,
    State(clients): State<ProvisioningClients>,
    Path(id): Path<Uuid>,
) -> Result<Json<ClientResponse>, Problem> {
    Ok(Json(clients.find(id).await?.into()))
}

/// `PATCH /admin/v1/provisioning-clients/{id}`: change.
pub(crate) async fn change(
    _: Privileged<Admin>,
    State(clients): State<ProvisioningClients>,
    Path(id): Path<Uuid>,
    chassis::http::Json(request): chassis::http::Json<ChangeRequest>,
) -> Result<Json<ClientResponse>, Problem> {
    let edit = ClientEdit {
        name: request.name,
        scopes: request.scopes,
        networks: request.networks,
    };
    if edit == ClientEdit::default() {
        return Err(Problem::invalid().detail("Name what is to change: name, scopes or networks."));
    }
    Ok(Json(clients.change(id, edit).await?.into()))
}

/// `DELETE /admin/v1/provisioning-clients/{id}`: deletion, with all its tokens.
pub(crate) async fn delete(
    _: Privileged<Admin>,
    State(clients): State<ProvisioningClients>,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    clients.delete(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /admin/v1/provisioning-clients/{id}/tokens`: another token, with or without a body. The response has it, this once.
pub(crate) async fn issue_token(
    _: Privileged<Admin>,
    State(clients): State<ProvisioningClients>,
    Path(id): Path<Uuid>,
    RawBody(body): RawBody,
) -> Result<Response, Problem> {
    let request = match body.is_empty() {
        true => IssueRequest::default(),
        false => parse_json::<IssueRequest>(&body)?,
    };
    let (row, token) = clients.issue_token(id, request.expires_in_days).await?;
    Ok((StatusCode::CREATED, NO_STORE, Json(with_token(row, &token))).into_response())
}

fn with_token(row: ProvisioningToken, token: &Token) -> TokenResponse {
    TokenResponse {
        token: Some(token.expose().to_owned()),
        ..row.into()
    }
}

/// `DELETE /admin/v1/provisioning-clients/{id}/tokens/{token}`: revocation of one token.
pub(crate) async fn revoke_token(
    _: Privileged<Admin>,
    State(clients): State<ProvisioningClients>,
    Path((id, token)): Path<(Uuid, Uuid)>,
) -> Result<StatusCode, Problem> {
    clients.revoke_token(id, token).await?;
    Ok(StatusCode::NO_CONTENT)
}
