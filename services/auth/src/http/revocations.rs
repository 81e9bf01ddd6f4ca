//! `GET /revocations`: the revocation list for resource servers (SB-47).

use axum::Json;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, HeaderName};
use chassis::access::{EventsRead, Scoped};
use chassis::clock::Timestamp;
use chassis::http::{Problem, Query};
use serde::Deserialize;

use crate::grants::{Grants, Revocations};

#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RevocationsQuery {
    since: Option<Timestamp>,
}

/// `GET /revocations?since=`: the revocation list. It requires the scope `events:read`. `since` is the
/// `as_of` of an earlier response.
pub(crate) async fn list(
    State(grants): State<Grants>,
    _: Scoped<EventsRead>,
    Query(query): Query<RevocationsQuery>,
) -> Result<([(HeaderName, &'static str); 1], Json<Revocations>), Problem> {
    let revocations = grants.revocations(query.since).await?;
    Ok(([(CACHE_CONTROL, "no-store")], Json(revocations)))
}
