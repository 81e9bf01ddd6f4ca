//! `/admin/v1/webhooks`, for tokens with the scope `admin`.

pub(crate) mod deliveries;
mod problem;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chassis::access::{Admin, HasVerifier, Scoped};
use chassis::clock::Timestamp;
use chassis::db::next_cursor;
use chassis::http::{Path, Problem, Query, RawBody, not_null, page_limit, parse_json};
use chassis::routes::{Permission, Routes};
use chassis::secret::{SecretString, Token};
use contract::paths::fill;
use contract::paths::webhooks::{ROTATE_SECRET, WEBHOOK, WEBHOOKS};
use http::header::{CACHE_CONTROL, LOCATION};
use http::{HeaderName, StatusCode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Webhooks;
use super::manage::{Edit, NewWebhook};
use super::store::{self, Webhook, log};

/// A router's state that has webhooks.
pub trait HasWebhooks {
    /// The webhooks.
    fn webhooks(&self) -> &Webhooks;
}

impl<T: HasWebhooks + ?Sized> HasWebhooks for Arc<T> {
    fn webhooks(&self) -> &Webhooks {
        (**self).webhooks()
    }
}

/// The routes of webhooks and their deliveries.
pub fn routes<S>() -> Routes<S>
where
    S: HasWebhooks + HasVerifier + Clone + Send + Sync + 'static,
{
    let admin = Permission::scope::<Admin>();
    Routes::default()
        .get(WEBHOOKS, admin, list::<S>)
        .post(WEBHOOKS, admin, create::<S>)
        .get(WEBHOOK, admin, one::<S>)
        .patch(WEBHOOK, admin, change::<S>)
        .delete(WEBHOOK, admin, delete::<S>)
        .post(ROTATE_SECRET, admin, rotate::<S>)
        .and(deliveries::routes())
}

/// A webhook to be made.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateWebhook {
    url: String,
    types: Vec<String>,
    #[serde(default)]
    description: String,
    /// `whsec_…`; without it, one is made.
    #[schemars(with = "Option<String>")]
    secret: Option<SecretString>,
}

/// The changes to a webhook (as JSON Merge Patch, RFC 7396, without `null`: nothing can be taken away).
#[derive(Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "WebhookPatch")]
pub(crate) struct Patch {
    #[serde(deserialize_with = "not_null")]
    #[schemars(with = "String")]
    url: Option<String>,
    #[serde(deserialize_with = "not_null")]
    #[schemars(with = "Vec<String>")]
    types: Option<Vec<String>>,
    #[serde(deserialize_with = "not_null")]
    #[schemars(with = "String")]
    description: Option<String>,
    #[serde(deserialize_with = "not_null")]
    #[schemars(with = "bool")]
    enabled: Option<bool>,
}

/// A rotation of the secret.
#[derive(Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SecretRotation")]
pub(crate) struct Rotate {
    /// `whsec_…`; without it, one is made.
    #[schemars(with = "Option<String>")]
    secret: Option<SecretString>,
    /// If true, the secret from before the last rotation may be forgotten though it still signs.
    #[serde(default)]
    force: bool,
}

/// A webhook. Its secret is told once, when it is new.
#[derive(Serialize, schemars::JsonSchema)]
#[schemars(rename = "Webhook")]
pub(crate) struct WebhookResponse {
    id: Uuid,
    url: String,
    types: Vec<String>,
    description: String,
    enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled: Option<Disabled>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    /// Until when the secret from before signs too.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_secret_until: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deliveries: Option<Counts>,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// Since when, and why: `operator`, or `gone` when the receiver answered 410.
#[derive(Serialize, schemars::JsonSchema)]
pub(crate) struct Disabled {
    at: Timestamp,
    reason: String,
}

#[derive(Serialize, schemars::JsonSchema)]
#[schemars(rename = "DeliveryCounts")]
pub(crate) struct Counts {
    pending: i64,
    dead: i64,
}

#[derive(Serialize, schemars::JsonSchema)]
#[schemars(rename = "WebhookPage")]
pub(crate) struct Page {
    webhooks: Vec<WebhookResponse>,
    /// For `after`, to read on.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Uuid>,
}

/// The most entries of one page.
const MAX_LIMIT: i64 = 500;

#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageQuery {
    /// The `next` of an earlier page.
    after: Option<Uuid>,
    /// The most webhooks of one page.
    #[schemars(range(min = 1, max = MAX_LIMIT))]
    limit: Option<i64>,
}

impl WebhookResponse {
    fn of(webhook: Webhook, now: Timestamp) -> Self {
        let types = webhook.types();
        Self {
            id: webhook.id,
            enabled: webhook.disabled_at.is_none(),
            disabled: webhook
                .disabled_at
                .zip(webhook.disabled_reason)
                .map(|(at, reason)| Disabled { at, reason }),
            secret: None,
            previous_secret_until: webhook.previous_until.filter(|until| *until > now),
            deliveries: None,
            types: types.as_slice().to_vec(),
            url: webhook.url,
            description: webhook.description,
            version: webhook.version,
            created_at: webhook.created_at,
            updated_at: webhook.updated_at,
        }
    }
}

/// `GET /admin/v1/webhooks?after=&limit=`
async fn list<S: HasWebhooks>(
    _: Scoped<Admin>,
    State(state): State<S>,
    Query(which): Query<PageQuery>,
) -> Result<Json<Page>, Problem> {
    let webhooks = state.webhooks();
    let limit = page_limit(which.limit.unwrap_or(100), MAX_LIMIT)?;
    let mut reader = webhooks.shared.db.reader().await?;
    let found = store::list(&mut reader, which.after.unwrap_or(Uuid::nil()), limit).await?;
    let next = next_cursor(&found, limit, |webhook| webhook.id);
    let now = webhooks.now();
    Ok(Json(Page {
        webhooks: found
            .into_iter()
            .map(|webhook| WebhookResponse::of(webhook, now))
            .collect(),
        next,
    }))
}

/// `POST /admin/v1/webhooks`: the answer holds the secret, this once.
async fn create<S: HasWebhooks>(
    _: Scoped<Admin>,
    State(state): State<S>,
    chassis::http::Json(new): chassis::http::Json<CreateWebhook>,
) -> Result<Response, Problem> {
    let new = NewWebhook {
        url: new.url,
        types: new.types,
        description: new.description,
        secret: new.secret,
    };
    let (made, secret) = state.webhooks().create(new).await?;
    let location = fill(WEBHOOK, &[&made.id.to_string()]);
    let shown = with_secret(made, &secret, state.webhooks().now());
    let headers: [(HeaderName, String); 2] = [(LOCATION, location), (CACHE_CONTROL, "no-store".to_owned())];
    Ok((StatusCode::CREATED, headers, shown).into_response())
}

/// `GET /admin/v1/webhooks/{id}`
async fn one<S: HasWebhooks>(
    _: Scoped<Admin>,
    State(state): State<S>,
    Path(id): Path<Uuid>,
) -> Result<Json<WebhookResponse>, Problem> {
    let webhooks = state.webhooks();
    let mut reader = webhooks.shared.db.reader().await?;
    let webhook = store::find(&mut reader, id)
        .await?
        .ok_or_else(Problem::not_found)?;
    let (pending, dead) = log::counts(&mut reader, id).await?;
    Ok(Json(WebhookResponse {
        deliveries: Some(Counts { pending, dead }),
        ..WebhookResponse::of(webhook, webhooks.now())
    }))
}

/// `PATCH /admin/v1/webhooks/{id}`
async fn change<S: HasWebhooks>(
    _: Scoped<Admin>,
    State(state): State<S>,
    Path(id): Path<Uuid>,
    chassis::http::Json(patch): chassis::http::Json<Patch>,
) -> Result<Json<WebhookResponse>, Problem> {
    let edit = Edit {
        url: patch.url,
        types: patch.types,
        description: patch.description,
        enabled: patch.enabled,
    };
    if edit == Edit::default() {
        return Err(Problem::invalid().detail("Nothing is to be different: name what is to change."));
    }
    let webhook = state.webhooks().change(id, edit).await?;
    Ok(Json(WebhookResponse::of(webhook, state.webhooks().now())))
}

/// `DELETE /admin/v1/webhooks/{id}`: what was to be delivered is forgotten.
async fn delete<S: HasWebhooks>(
    _: Scoped<Admin>,
    State(state): State<S>,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    state.webhooks().delete(id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `POST /admin/v1/webhooks/{id}/rotate-secret`, with or without a body: the answer holds the new secret, this once.
async fn rotate<S: HasWebhooks>(
    _: Scoped<Admin>,
    State(state): State<S>,
    Path(id): Path<Uuid>,
    RawBody(body): RawBody,
) -> Result<Response, Problem> {
    let how = if body.is_empty() {
        Rotate::default()
    } else {
        parse_json::<Rotate>(&body)?
    };
    let (rotated, secret) = state.webhooks().rotate(id, how.secret, how.force).await?;
    let shown = with_secret(rotated, &secret, state.webhooks().now());
    Ok(([(CACHE_CONTROL, "no-store")], shown).into_response())
}

fn with_secret(webhook: Webhook, secret: &Token, now: Timestamp) -> Json<WebhookResponse> {
    Json(WebhookResponse {
        secret: Some(secret.expose().to_owned()),
        ..WebhookResponse::of(webhook, now)
    })
}
