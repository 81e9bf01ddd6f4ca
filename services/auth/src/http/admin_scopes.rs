//! `GET /admin/v1/scopes`: the scopes that applications may ask for, each with its claims.

use axum::Json;
use axum::extract::State;
use chassis::access::{Admin, Scoped};
use schemars::JsonSchema;
use serde::Serialize;

use crate::scopes::Scopes;

/// All scopes.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ScopeList {
    scopes: Vec<ScopeView>,
}

/// A scope with the claims about a user that it gives (OpenID Connect Core §5.4).
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ScopeDefinition")]
pub(crate) struct ScopeView {
    scope: String,
    /// The names of the claims, in order. `sub` is not among them, because it is always there.
    claims: Vec<String>,
}

/// `GET /admin/v1/scopes`: all scopes. They are configuration, and the same in every replica of a release.
pub(crate) async fn list(State(scopes): State<Scopes>, _: Scoped<Admin>) -> Json<ScopeList> {
    let claims = scopes.claims();
    let view = |scope: &str| ScopeView {
        scope: scope.to_owned(),
        claims: claims
            .claims_of(|other| other == scope)
            .into_iter()
            .map(str::to_owned)
            .collect(),
    };
    Json(ScopeList {
        scopes: claims.supported_scopes().map(view).collect(),
    })
}
