//! Operations over HTTP, all for tokens with the scope `admin`.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use chassis::access::{Admin, HasVerifier, Scoped};
use chassis::http::{Problem, Query};
use serde::Deserialize;

use super::Operations;
use crate::reconcile::{ReconcileError, Report};

/// A router's state that has [`Operations`].
pub trait HasOperations {
    /// The operations.
    fn operations(&self) -> &Operations;
}

impl<T: HasOperations + ?Sized> HasOperations for Arc<T> {
    fn operations(&self) -> &Operations {
        (**self).operations()
    }
}

/// The routes below `/admin/v1/events`, all for tokens with the scope `admin`.
pub fn routes<S>() -> Router<S>
where
    S: HasOperations + HasVerifier + Clone + Send + Sync + 'static,
{
    Router::new().route("/admin/v1/events/reconcile", post(reconcile::<S>))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReconcileQuery {
    /// Only look.
    #[serde(default)]
    dry: bool,
}

/// POST /admin/v1/events/reconcile
async fn reconcile<S: HasOperations>(
    _scope: Scoped<Admin>,
    State(state): State<S>,
    Query(query): Query<ReconcileQuery>,
) -> Result<Json<Report>, Problem> {
    let report = state.operations().reconciliation().ask(!query.dry).await;
    report.map(Json).map_err(|error| match error {
        ReconcileError::Db(error) => Problem::internal(&error),
        ReconcileError::Busy => {
            Problem::unavailable(Duration::from_secs(5)).detail("Other comparisons wait already.")
        }
        error @ ReconcileError::Feed(_) => Problem::unavailable(Duration::from_secs(5))
            .detail(format!("The other service cannot be asked: {error}.")),
    })
}
