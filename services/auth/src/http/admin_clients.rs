//! `/admin/v1/clients`: administration of clients (metadata of RFC 7591).

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chassis::access::{Admin, Scoped};
use chassis::clock::Timestamp;
use chassis::db::next_cursor;
use chassis::http::{Path, Problem, PublicUrl, Query, page_limit};
use contract::paths::auth::CLIENT;
use contract::paths::fill;
use http::header::{CACHE_CONTROL, LOCATION};
use http::{HeaderMap, HeaderName, StatusCode};
use oidc::client::{ClientMetadata, Extended, deserialize_extended, extended_members, extended_schema};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize};

use super::preconditions::{expected_version, precondition_failed, tag};
use crate::clients::{
    Client, ClientError, ClientId, ClientLogos, Clients, CreatedClient, LogoState, Origin,
    with_canonical_audiences,
};
use crate::keys::KeyError;
use crate::tokens::Issuer;

/// The member of a registration beside the metadata.
const CLIENT_ID: &str = "client_id";

/// All members of a registration.
static MEMBERS: LazyLock<Vec<&str>> = LazyLock::new(|| extended_members(CLIENT_ID));

/// The body of `POST /admin/v1/clients`: a [`ClientMetadata`], and a `client_id` if it is to have a certain one.
pub(crate) struct NewClient {
    client_id: Option<ClientId>,
    metadata: ClientMetadata,
    /// True if `require_consent` was sent with a value.
    says_consent: bool,
}

impl<'de> Deserialize<'de> for NewClient {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Extended {
            more: client_id,
            metadata,
            says_consent,
        } = deserialize_extended(deserializer, &MEMBERS)?;
        Ok(Self {
            client_id,
            metadata,
            says_consent,
        })
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
    /// The state of the logo, where one client with a `logo_uri` is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    logo: Option<LogoState>,
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
            logo: None,
        }
    }
}

impl From<CreatedClient> for ClientView {
    fn from(created: CreatedClient) -> Self {
        Self {
            client_secret: created.secret.map(|secret| secret.expose().to_owned()),
            ..created.client.into()
        }
    }
}

impl ClientView {
    /// `ETag` of the client.
    pub(super) fn tag(&self) -> (HeaderName, String) {
        tag(self.version)
    }
}

/// `GET /admin/v1/clients?after=&limit=`: one page of clients.
pub(crate) async fn list(
    State(clients): State<Clients>,
    _: Scoped<Admin>,
    Query(query): Query<PageQuery>,
) -> Result<Json<ClientPage>, Problem> {
    page_limit(query.limit, MAX_LIMIT)?;
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
    State(url): State<PublicUrl>,
    State(issuer): State<Arc<Issuer>>,
    admin: Scoped<Admin>,
    chassis::http::Json(new): chassis::http::Json<NewClient>,
) -> Result<Response, Problem> {
    let metadata = with_canonical_audiences(new.metadata, issuer.audiences());
    check_audiences(&metadata, &issuer)?;
    let created = clients
        .create(new.client_id, metadata)
        .await
        .map_err(to_problem)?;
    tracing::info!(event.action = "client-created", event.outcome = "success", user.id = %admin.subject, client.id = created.client.id.as_str(), "administrator registered a client");
    let location = url.local(&fill(CLIENT, &[created.client.id.as_str()]));
    let shown = ClientView::from(created);
    let headers = [(LOCATION, location), (CACHE_CONTROL, "no-store".to_owned())];
    Ok((StatusCode::CREATED, headers, Json(shown)).into_response())
}

/// `GET /admin/v1/clients/{client_id}`: one client.
pub(crate) async fn find(
    State(clients): State<Clients>,
    State(logos): State<ClientLogos>,
    _: Scoped<Admin>,
    Path(id): Path<String>,
) -> Result<([(HeaderName, String); 1], Json<ClientView>), Problem> {
    let client = clients.find_newest(&id).await?.ok_or_else(Problem::not_found)?;
    let view = ClientView {
        logo: logos.find_state(&id).await?,
        ..client.into()
    };
    Ok(([tag(view.version)], Json(view)))
}

/// `PUT /admin/v1/clients/{client_id}`: replaces the metadata of a client. What is left out gets its default, but
/// `require_consent`, which stays true: people are asked until somebody says that they are not.
pub(crate) async fn replace(
    State(clients): State<Clients>,
    State(issuer): State<Arc<Issuer>>,
    admin: Scoped<Admin>,
    Path(id): Path<String>,
    headers: HeaderMap,
    chassis::http::Json(new): chassis::http::Json<NewClient>,
) -> Result<Response, Problem> {
    if new.client_id.is_some_and(|named| named.as_str() != id) {
        return Err(Problem::invalid().field("client_id", "Expected the client_id of the path, or none."));
    }
    let expected = expected_version(&headers)?;
    let metadata = with_canonical_audiences(new.metadata, issuer.audiences());
    check_audiences(&metadata, &issuer)?;
    let updated = clients
        .update(&id, expected, metadata, new.says_consent)
        .await
        .map_err(|error| match error {
            ClientError::Changed if expected.is_some() => precondition_failed(),
            error => to_problem(error),
        })?;
    let updated = updated.ok_or_else(Problem::not_found)?;
    tracing::info!(event.action = "client-updated", event.outcome = "success", user.id = %admin.subject, client.id = id, "administrator changed a client");
    let shown = ClientView::from(updated);
    Ok(([(CACHE_CONTROL, "no-store".to_owned()), shown.tag()], Json(shown)).into_response())
}

fn check_audiences(metadata: &ClientMetadata, issuer: &Issuer) -> Result<(), Problem> {
    let checked = metadata.check_audiences(issuer.users());
    checked.map_err(|invalid| to_problem(invalid.into()))
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

pub(super) fn to_problem(error: ClientError) -> Problem {
    match error {
        ClientError::Invalid(invalid) => Problem::invalid().field(invalid.field, invalid.detail),
        ClientError::Taken => Problem::conflict("There is a client of that id."),
        ClientError::Configured => {
            Problem::conflict("The client is part of the configuration file, and changed there.")
        }
        ClientError::Db(error) | ClientError::Key(KeyError::Db(error)) => error.into(),
        ClientError::Key(error) => Problem::internal(&error),
        ClientError::Changed => Problem::conflict("The client was changed at the same moment: try again."),
        ClientError::NoSecrets => {
            Problem::conflict("The client authenticates without a secret: see token_endpoint_auth_method.")
        }
        ClientError::TooManySecrets => {
            Problem::conflict("The client has two secrets already: delete the one that is not used any more.")
        }
        ClientError::LastSecret => {
            Problem::conflict("The client has no other secret: make the new one first.")
        }
    }
}
