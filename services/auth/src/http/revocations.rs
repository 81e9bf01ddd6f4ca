//! `GET /revocations`: the revocation list for resource servers (SB-47).

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, HeaderName};
use axum::routing::get;
use axum::{Json, Router};
use chassis::access::{EventsRead, Scoped};
use chassis::clock::Timestamp;
use chassis::http::{Problem, Query};
use serde::Deserialize;

use crate::app::SharedApp;
use crate::grants::{Grants, Revocations};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RevocationsQuery {
    since: Option<Timestamp>,
}

pub(super) fn routes() -> Router<SharedApp> {
    Router::new().route("/revocations", get(list))
}

/// `GET /revocations?since=`: the revocation list. It requires the scope `events:read`. `since` is the
/// `as_of` of an earlier response.
async fn list(
    State(grants): State<Grants>,
    _: Scoped<EventsRead>,
    Query(query): Query<RevocationsQuery>,
) -> Result<([(HeaderName, &'static str); 1], Json<Revocations>), Problem> {
    let revocations = grants.revocations(query.since).await?;
    Ok(([(CACHE_CONTROL, "no-store")], Json(revocations)))
}
