//! The log of deliveries, tests and replays.

use axum::Json;
use axum::extract::State;
use chassis::access::{Admin, HasVerifier, Scoped};
use chassis::db::next_cursor;
use chassis::http::{Path, Problem, Query, page_limit};
use chassis::routes::{Permission, Routes};
use contract::paths::webhooks::{DELIVERIES, DELIVERY, REPLAY, REPLAY_DELIVERY, TEST};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::super::store;
use super::super::store::log::{self, Delivery, State as Progress};
use super::{HasWebhooks, MAX_LIMIT};

pub(super) fn routes<S>() -> Routes<S>
where
    S: HasWebhooks + HasVerifier + Clone + Send + Sync + 'static,
{
    let admin = Permission::scope::<Admin>();
    Routes::default()
        .post(TEST, admin, test::<S>)
        .post(REPLAY, admin, replay_dead::<S>)
        .get(DELIVERIES, admin, list::<S>)
        .get(DELIVERY, admin, one::<S>)
        .post(REPLAY_DELIVERY, admin, replay::<S>)
}

#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageQuery {
    /// Only deliveries in this state.
    state: Option<Progress>,
    /// Only deliveries older than this event's.
    before: Option<Uuid>,
    /// The most deliveries of one page.
    #[schemars(range(min = 1, max = MAX_LIMIT))]
    limit: Option<i64>,
}

/// Deliveries, newest first.
#[derive(Serialize, schemars::JsonSchema)]
#[schemars(rename = "DeliveryPage")]
pub(crate) struct Page {
    deliveries: Vec<Delivery>,
    /// For `before`, to read on.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<Uuid>,
}

#[derive(Serialize, schemars::JsonSchema)]
#[schemars(rename = "ReplayedDeliveries")]
pub(crate) struct Replayed {
    replayed: u64,
}

/// `GET /admin/v1/webhooks/{id}/deliveries?state=&before=&limit=`
async fn list<S: HasWebhooks>(
    _: Scoped<Admin>,
    State(state): State<S>,
    Path(id): Path<Uuid>,
    Query(which): Query<PageQuery>,
) -> Result<Json<Page>, Problem> {
    let limit = page_limit(which.limit.unwrap_or(100), MAX_LIMIT)?;
    let mut reader = state.webhooks().shared.db.reader().await?;
    store::find(&mut reader, id)
        .await?
        .ok_or_else(Problem::not_found)?;
    let page = log::Page {
        state: which.state,
        before: which.before,
        limit,
    };
    let deliveries = log::list(&mut reader, id, page).await?;
    let next = next_cursor(&deliveries, limit, Delivery::event_id);
    Ok(Json(Page { deliveries, next }))
}

/// `GET /admin/v1/webhooks/{id}/deliveries/{event}`
async fn one<S: HasWebhooks>(
    _: Scoped<Admin>,
    State(state): State<S>,
    Path((id, event)): Path<(Uuid, Uuid)>,
) -> Result<Json<Delivery>, Problem> {
    find(&state, id, event).await.map(Json)
}

/// `POST /admin/v1/webhooks/{id}/test`: sends an event that says nothing, once. 202 with its delivery, which tells later
/// what became of it.
async fn test<S: HasWebhooks>(
    _: Scoped<Admin>,
    State(state): State<S>,
    Path(id): Path<Uuid>,
) -> Result<(StatusCode, Json<Delivery>), Problem> {
    let event = state.webhooks().test(id).await?;
    Ok((StatusCode::ACCEPTED, Json(find(&state, id, event).await?)))
}

/// `POST /admin/v1/webhooks/{id}/deliveries/{event}/replay`: delivers an event again, whatever became of it.
async fn replay<S: HasWebhooks>(
    _: Scoped<Admin>,
    State(state): State<S>,
    Path((id, event)): Path<(Uuid, Uuid)>,
) -> Result<(StatusCode, Json<Delivery>), Problem> {
    state.webhooks().replay(id, event).await?;
    Ok((StatusCode::ACCEPTED, Json(find(&state, id, event).await?)))
}

/// `POST /admin/v1/webhooks/{id}/replay`: delivers everything again that was given up.
async fn replay_dead<S: HasWebhooks>(
    _: Scoped<Admin>,
    State(state): State<S>,
    Path(id): Path<Uuid>,
) -> Result<(StatusCode, Json<Replayed>), Problem> {
    let replayed = state.webhooks().replay_dead(id).await?;
    Ok((StatusCode::ACCEPTED, Json(Replayed { replayed })))
}

async fn find<S: HasWebhooks>(state: &S, id: Uuid, event: Uuid) -> Result<Delivery, Problem> {
    let mut reader = state.webhooks().shared.db.reader().await?;
    log::find(&mut reader, id, event)
        .await?
        .ok_or_else(Problem::not_found)
}
