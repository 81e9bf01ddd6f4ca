//! Clients, for administrators.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use chassis::access::{Admin, Scoped};
use chassis::clock::Timestamp;
use chassis::http::{Path, Problem, Query};
use http::StatusCode;
use http::header::{CACHE_CONTROL, LOCATION};
use oidc::redirect_uri::RedirectUri;
use oidc::resource::Resource;
use oidc::scope::Scope;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::app::SharedApp;
use crate::clients::{
    self, AuthMethod, Client, ClientError, ClientId, GrantType, IdTokenAlgorithm, Origin, Registration,
};

/// A client to be registered: a [`Registration`], and an id if it is to have a certain one. Its fields are written out
/// once more because an error inside a flattened struct does not tell which field is wrong.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct New {
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

impl New {
    fn registration(self) -> Registration {
        let usual = Registration::usual();
        Registration {
            client_name: self.client_name,
            redirect_uris: self.redirect_uris.unwrap_or_default(),
            post_logout_redirect_uris: self.post_logout_redirect_uris.unwrap_or_default(),
            grant_types: self.grant_types.unwrap_or(usual.grant_types),
            scope: self.scope.unwrap_or(usual.scope),
            token_endpoint_auth_method: self.token_endpoint_auth_method.unwrap_or_default(),
            id_token_signed_response_alg: self.id_token_signed_response_alg.unwrap_or_default(),
            audiences: self.audiences.unwrap_or_default(),
            require_pkce: self.require_pkce.unwrap_or(usual.require_pkce),
        }
    }
}

/// A client.
#[derive(Serialize, JsonSchema)]
struct Shown {
    client_id: String,
    /// Told once, when the client is registered.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    #[serde(flatten)]
    registration: Registration,
    origin: Origin,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// Clients in the order of their ids.
#[derive(Serialize, JsonSchema)]
struct Page {
    clients: Vec<Shown>,
    /// For `after`, to read on.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Which page.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Which {
    #[serde(default)]
    after: String,
    #[serde(default = "default_limit")]
    limit: u16,
}

fn default_limit() -> u16 {
    100
}

impl From<Client> for Shown {
    fn from(client: Client) -> Self {
        Self {
            client_id: client.id.to_string(),
            client_secret: None,
            registration: client.registration,
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
        .route("/admin/v1/clients/{client_id}", get(one).delete(delete))
}

/// `GET /admin/v1/clients?after=&limit=`
async fn list(
    State(app): State<SharedApp>,
    _: Scoped<Admin>,
    Query(which): Query<Which>,
) -> Result<Json<Page>, Problem> {
    if !(1..=500).contains(&which.limit) {
        return Err(Problem::invalid().field("limit", "expected a number from 1 to 500"));
    }
    let found = clients::list(&app, &which.after, which.limit).await?;
    let full = found.len() == usize::from(which.limit);
    let next = found.last().filter(|_| full).map(|client| client.id.to_string());
    Ok(Json(Page {
        clients: found.into_iter().map(Shown::from).collect(),
        next,
    }))
}

/// `POST /admin/v1/clients`: the answer holds the secret, this once.
async fn create(
    State(app): State<SharedApp>,
    admin: Scoped<Admin>,
    chassis::http::Json(new): chassis::http::Json<New>,
) -> Result<Response, Problem> {
    let created = clients::create(&app, new.client_id.clone(), new.registration())
        .await
        .map_err(refuse)?;
    tracing::info!(event.action = "client-created", event.outcome = "success", user.id = %admin.subject, client.id = created.client.id.as_str(), "an administrator registered an application");
    let location = app
        .settings
        .issuer
        .local(&format!("/admin/v1/clients/{}", created.client.id));
    let shown = Shown {
        client_secret: created.secret.map(|secret| secret.expose().to_owned()),
        ..created.client.into()
    };
    let headers = [(LOCATION, location), (CACHE_CONTROL, "no-store".to_owned())];
    Ok((StatusCode::CREATED, headers, Json(shown)).into_response())
}

/// `GET /admin/v1/clients/{client_id}`
async fn one(
    State(app): State<SharedApp>,
    _: Scoped<Admin>,
    Path(id): Path<String>,
) -> Result<Json<Shown>, Problem> {
    let client = clients::find(&app, &id).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(Shown::from(Client::clone(&client))))
}

/// `DELETE /admin/v1/clients/{client_id}`: all that was granted to it is revoked.
async fn delete(
    State(app): State<SharedApp>,
    admin: Scoped<Admin>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    if clients::delete(&app, &id).await.map_err(refuse)? {
        tracing::info!(event.action = "client-deleted", event.outcome = "success", user.id = %admin.subject, client.id = id, "an administrator removed an application");
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found())
    }
}

fn refuse(error: ClientError) -> Problem {
    match error {
        ClientError::Invalid(invalid) => Problem::invalid().field(invalid.field, invalid.detail),
        ClientError::Taken => Problem::conflict("There is a client of that id."),
        ClientError::Configured => {
            Problem::conflict("The client is part of the configuration file, and changed there.")
        }
        ClientError::Db(error) => error.into(),
    }
}
