//! `/admin/v1/clients`: administration of clients (metadata of RFC 7591).

use std::borrow::Cow;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chassis::access::{Admin, Scoped};
use chassis::clock::Timestamp;
use chassis::db::next_cursor;
use chassis::http::{Path, Problem, PublicUrl, Query};
use contract::paths::auth::CLIENT;
use contract::paths::fill;
use http::StatusCode;
use http::header::{CACHE_CONTROL, LOCATION};
use oidc::client::{ClientMetadata, deserialize_extended, extended_members, extended_schema};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize};

use crate::clients::{Client, ClientError, ClientId, Clients, Origin};

/// The member of a registration beside the metadata.
const CLIENT_ID: &str = "client_id";

/// All members of a registration.
const MEMBERS: [&str; 10] = extended_members(CLIENT_ID);

/// The body of `POST /admin/v1/clients`: a [`ClientMetadata`], and a `client_id` if it is to have a certain one.
pub(crate) struct NewClient {
    client_id: Option<ClientId>,
    metadata: ClientMetadata,
}

impl<'de> Deserialize<'de> for NewClient {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (client_id, metadata) = deserialize_extended(deserializer, &MEMBERS)?;
        Ok(Self { client_id, metadata })
    }
}

impl JsonSchema for NewClient {
    fn schema_name() -> Cow<'static, str> {
        "NewClient".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        extended_schema(
            generator,
            CLIENT_ID,
            "The `client_id` that it is to have. Without it one is made.",
        )
    }
}

/// The representation of a client.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Client")]
pub(crate) struct ClientView {
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
pub(crate) struct ClientPage {
    clients: Vec<ClientView>,
    /// The `after` of the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// The most clients of one page.
const MAX_LIMIT: u16 = 500;

/// The query of the list.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageQuery {
    /// The `next` of an earlier page.
    #[serde(default)]
    after: String,
    /// The most clients of one page.
    #[serde(default = "default_limit")]
    #[schemars(range(min = 1, max = MAX_LIMIT))]
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

/// `GET /admin/v1/clients?after=&limit=`: one page of clients.
pub(crate) async fn list(
    State(clients): State<Clients>,
    _: Scoped<Admin>,
    Query(query): Query<PageQuery>,
) -> Result<Json<ClientPage>, Problem> {
    if !(1..=MAX_LIMIT).contains(&query.limit) {
        return Err(Problem::invalid().field("limit", format!("Expected a number from 1 to {MAX_LIMIT}.")));
    }
    let found = clients.list(&query.after, query.limit).await?;
    let next = next_cursor(&found, i64::from(query.limit), |client| client.id.to_string());
    Ok(Json(ClientPage {
        clients: found.into_iter().map(ClientView::from).collect(),
        next,
    }))
}

/// `POST /admin/v1/clients`: registers a client. Only this response has the secret.
pub(crate) async fn create(
    State(clients): State<Clients>,
    State(issuer): State<PublicUrl>,
    admin: Scoped<Admin>,
    chassis::http::Json(new): chassis::http::Json<NewClient>,
) -> Result<Response, Problem> {
    let created = clients
        .create(new.client_id, new.metadata)
        .await
        .map_err(to_problem)?;
    tracing::info!(event.action = "client-created", event.outcome = "success", user.id = %admin.subject, client.id = created.client.id.as_str(), "administrator registered a client");
    let location = issuer.local(&fill(CLIENT, &[created.client.id.as_str()]));
    let shown = ClientView {
        client_secret: created.secret.map(|secret| secret.expose().to_owned()),
        ..created.client.into()
    };
    let headers = [(LOCATION, location), (CACHE_CONTROL, "no-store".to_owned())];
    Ok((StatusCode::CREATED, headers, Json(shown)).into_response())
}

/// `GET /admin/v1/clients/{client_id}`: one client.
pub(crate) async fn find(
    State(clients): State<Clients>,
    _: Scoped<Admin>,
    Path(id): Path<String>,
) -> Result<Json<ClientView>, Problem> {
    let client = clients.find(&id).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(ClientView::from(Client::clone(&client))))
}

/// `DELETE /admin/v1/clients/{client_id}`: deletes a client and revokes its grants.
pub(crate) async fn delete(
    State(clients): State<Clients>,
    admin: Scoped<Admin>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    if clients.delete(&id).await.map_err(to_problem)? {
        tracing::info!(event.action = "client-deleted", event.outcome = "success", user.id = %admin.subject, client.id = id, "administrator deleted a client");
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
