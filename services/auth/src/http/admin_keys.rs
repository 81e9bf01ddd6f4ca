//! `/admin/v1/keys`: administration of signing keys.

use axum::Json;
use axum::extract::State;
use chassis::access::{Admin, Scoped};
use chassis::clock::Timestamp;
use chassis::http::{Problem, RawBody, parse_json};
use http::StatusCode;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::keys::{KeyError, KeyInfo, KeyRing};

/// All signing keys, oldest first.
#[derive(Serialize, JsonSchema)]
pub(crate) struct KeyList {
    keys: Vec<KeyInfo>,
}

/// The result of a rotation.
#[derive(Serialize, JsonSchema)]
pub(crate) struct RotationResult {
    /// The ids of the keys that were made. It is empty when the next keys were published already.
    made: Vec<String>,
    /// The time at which the last of the next keys begins to sign.
    signs_from: Timestamp,
    /// All signing keys now, oldest first.
    keys: Vec<KeyInfo>,
}

/// The options of a rotation.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RotationRequest {
    /// Signs with the new keys within seconds, because a key may have leaked, instead of waiting until every
    /// cached copy of the key set has expired.
    #[serde(default)]
    immediately: bool,
    /// Deletes every key and signs with new ones from now on, because private keys have leaked. Everything
    /// that the old keys signed is void: access tokens, and ID tokens as hints. Sessions and refresh tokens
    /// stay valid.
    #[serde(default)]
    drop_now: bool,
}

/// `GET /admin/v1/keys`: all signing keys.
pub(crate) async fn list(State(keys): State<KeyRing>, _: Scoped<Admin>) -> Result<Json<KeyList>, Problem> {
    let keys = keys.list().await.map_err(to_problem)?;
    Ok(Json(KeyList { keys }))
}

/// `POST /admin/v1/keys/rotate`: rotates the signing keys. The body is optional.
pub(crate) async fn rotate(
    State(keys): State<KeyRing>,
    admin: Scoped<Admin>,
    RawBody(body): RawBody,
) -> Result<(StatusCode, Json<RotationResult>), Problem> {
    let request = if body.is_empty() {
        RotationRequest::default()
    } else {
        parse_json::<RotationRequest>(&body)?
    };
    let rotation = match request.drop_now {
        true => keys.drop_all().await.map_err(to_problem)?,
        false => keys.rotate(request.immediately).await.map_err(to_problem)?,
    };
    let reason = if request.drop_now { "dropped" } else { "rotated" };
    tracing::info!(event.action = "keys-rotated", event.outcome = "success", event.reason = reason, user.id = %admin.subject, "administrator rotated the signing keys");
    let rotated = RotationResult {
        made: rotation.made,
        signs_from: rotation.signs_from,
        keys: keys.list().await.map_err(to_problem)?,
    };
    Ok((StatusCode::ACCEPTED, Json(rotated)))
}

fn to_problem(error: KeyError) -> Problem {
    match error {
        KeyError::Db(error) => error.into(),
        other => Problem::internal(&other),
    }
}
