//! `/admin/v1/clients`: administration of clients (metadata of RFC 7591).

use std::collections::BTreeSet;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use chassis::access::{Admin, Scoped};
use chassis::clock::Timestamp;
use chassis::http::{Path, Problem, PublicUrl, Query};
use http::StatusCode;
use http::header::{CACHE_CONTROL, LOCATION};
use oidc::redirect_uri::RedirectUri;
use oidc::resource::Resource;
use oidc::scope::Scope;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::app::SharedApp;
use crate::clients::{
    AuthMethod, Client, ClientError, ClientId, ClientMetadata, Clients, GrantType, IdTokenAlgorithm, Origin,
};

/// A client to be registered: a [`ClientMetadata`], and an id if it is to have a certain one. Its fields are
/// written out once more because an error inside a flattened struct does not tell which field is wrong.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewClient {
    #[schemars(with = "Option<String>")]
    client_id: Option<ClientId>,
    client_name: Option<String>,
    #[schemars(with = "Option<Vec<String>>")]
    redirect_uris: Option<Vec<RedirectUri>>,
    #[schemars(with = "Option<Vec<String>>")]
    post_logout_redirect_uris: Option<Vec<RedirectUri>>,
    grant_types: Option<BTreeSet<GrantType>>,
    #[schemars(with = "Option<String>")]
    scope: Option<Scope>,
    token_endpoint_auth_method: Option<AuthMethod>,
    id_token_signed_response_alg: Option<IdTokenAlgorithm>,
    #[schemars(with = "Option<Vec<String>>")]
    audiences: Option<Vec<Resource>>,
    require_pkce: Option<bool>,
}

impl NewClient {
    fn into_metadata(self) -> ClientMetadata {
        let default = ClientMetadata::default();
        ClientMetadata {
            client_name: self.client_name,
            redirect_uris: self.redirect_uris.unwrap_or_default(),
            post_logout_redirect_uris: self.post_logout_redirect_uris.unwrap_or_default(),
            grant_types: self.grant_types.unwrap_or(default.grant_types),
            scope: self.scope.unwrap_or(default.scope),
            token_endpoint_auth_method: self.token_endpoint_auth_method.unwrap_or_default(),
            id_token_signed_response_alg: self.id_token_signed_response_alg.unwrap_or_default(),
            audiences: self.audiences.unwrap_or_default(),
            require_pkce: self.require_pkce.unwrap_or(default.require_pkce),
        }
    }
}

/// The representation of a client.
#[derive(Serialize, JsonSchema)]
struct ClientView {
    client_id: String,
    /// The secret, which is shown once, in the response to the registration.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    #[serde(flatten)]
    metadata: ClientMetadata,
    origin: Origin,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// One page of clients in the order of their ids.
#[derive(Serialize, JsonSchema)]
struct ClientPage {
    clients: Vec<ClientView>,
    /// The `after` of the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// The query of the list.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PageQuery {
    #[serde(default)]
    after: String,
    #[serde(default = "default_limit")]
    limit: u16,
}

fn default_limit() -> u16 {
    100
}

impl From<Client> for ClientView {
    fn from(client: Client) -> Self {
        Self {
            client_id: client.id.to_string(),
            client_secret: None,
            metadata: client.metadata,
            origin: client.origin,
            version: client.version,
            created_at: client.created_at,
            updated_at: client.updated_at,
        }
    }
}

pub(super) fn routes() -> Router<SharedApp> {
    Router::new()
        .route("/admin/v1/clients", get(list).post(create))
        .route("/admin/v1/clients/{client_id}", get(find).delete(delete))
}

/// `GET /admin/v1/clients?after=&limit=`: one page of clients.
async fn list(
    State(clients): State<Clients>,
    _: Scoped<Admin>,
    Query(query): Query<PageQuery>,
) -> Result<Json<ClientPage>, Problem> {
    if !(1..=500).contains(&query.limit) {
        return Err(Problem::invalid().field("limit", "expected a number from 1 to 500"));
    }
    let found = clients.list(&query.after, query.limit).await?;
    let full = found.len() == usize::from(query.limit);
    let next = found.last().filter(|_| full).map(|client| client.id.to_string());
    Ok(Json(ClientPage {
        clients: found.into_iter().map(ClientView::from).collect(),
        next,
    }))
}

/// `POST /admin/v1/clients`: registers a client. Only this response has the secret.
async fn create(
    State(clients): State<Clients>,
    State(issuer): State<PublicUrl>,
    admin: Scoped<Admin>,
    chassis::http::Json(new): chassis::http::Json<NewClient>,
) -> Result<Response, Problem> {
    let created = clients
        .create(new.client_id.clone(), new.into_metadata())
        .await
        .map_err(to_problem)?;
    tracing::info!(event.action = "client-created", event.outcome = "success", user.id = %admin.subject, client.id = created.client.id.as_str(), "an administrator registered an application");
    let location = issuer.local(&format!("/admin/v1/clients/{}", created.client.id));
    let shown = ClientView {
        client_secret: created.secret.map(|secret| secret.expose().to_owned()),
        ..created.client.into()
    };
    let headers = [(LOCATION, location), (CACHE_CONTROL, "no-store".to_owned())];
    Ok((StatusCode::CREATED, headers, Json(shown)).into_response())
}

/// `GET /admin/v1/clients/{client_id}`: one client.
async fn find(
    State(clients): State<Clients>,
    _: Scoped<Admin>,
    Path(id): Path<String>,
) -> Result<Json<ClientView>, Problem> {
    let client = clients.find(&id).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(ClientView::from(Client::clone(&client))))
}

/// `DELETE /admin/v1/clients/{client_id}`: deletes a client and revokes its grants.
async fn delete(
    State(clients): State<Clients>,
    admin: Scoped<Admin>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    if clients.delete(&id).await.map_err(to_problem)? {
        tracing::info!(event.action = "client-deleted", event.outcome = "success", user.id = %admin.subject, client.id = id, "an administrator removed an application");
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found())
    }
}

fn to_problem(error: ClientError) -> Problem {
    match error {
        ClientError::Invalid(invalid) => Problem::invalid().field(invalid.field, invalid.detail),
        ClientError::Taken => Problem::conflict("There is a client of that id."),
        ClientError::Configured => {
            Problem::conflict("The client is part of the configuration file, and changed there.")
        }
        ClientError::Db(error) => error.into(),
    }
}
