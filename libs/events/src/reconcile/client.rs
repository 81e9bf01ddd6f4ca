//! The HTTP client of the reconciler: digests, versions and states of the followed service.

use std::time::Duration;

use contract::Envelope;
use uuid::Uuid;

use super::serve::{Digests, States, Versions};
use crate::feed::{FeedError, FeedSource};
use crate::snapshot::Span;

/// The longest time for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// The side of the followed service.
#[derive(Clone, Debug)]
pub(super) struct ReconcileClient(pub(super) FeedSource);

impl ReconcileClient {
    /// Digests of what there is behind `after`.
    pub(super) async fn digests(&self, after: Uuid) -> Result<Digests, FeedError> {
        let mut url = self.0.below("digest")?;
        url.query_pairs_mut().append_pair("after", &after.to_string());
        self.0.ask(url, PATIENCE).await
    }

    /// The versions of a span, the first of them.
    pub(super) async fn versions(&self, span: Span) -> Result<Versions, FeedError> {
        let mut url = self.0.below("versions")?;
        url.query_pairs_mut()
            .append_pair("after", &span.after.to_string())
            .append_pair("through", &span.through.to_string());
        self.0.ask(url, PATIENCE).await
    }

    /// The states of up to 100 aggregates.
    pub(super) async fn states(&self, ids: &[Uuid]) -> Result<States, FeedError> {
        let mut url = self.0.below("states")?;
        let ids: Vec<String> = ids.iter().map(Uuid::to_string).collect();
        url.query_pairs_mut().append_pair("ids", &ids.join(","));
        self.0.ask(url, PATIENCE).await
    }
}

/// The current states of up to [`MAX_IDS`](super::MAX_IDS) aggregates of the followed service, as events. Those that do not exist have
/// none.
///
/// # Errors
/// When the followed service cannot be asked.
pub async fn current_states(source: &FeedSource, ids: &[Uuid]) -> Result<Vec<Envelope>, FeedError> {
    Ok(ReconcileClient(source.clone()).states(ids).await?.events)
}
