//! The holdings of this service as a follower of `auth`: erasures that it knows, registrations that it has answered.

use std::collections::HashSet;

use chassis::db::Reader;
use contract::Envelope;
use contract::{EventData, RegistrationRequested};
use events::reconcile::{Held, Holdings};
use events::{SnapshotFuture, Span};
use uuid::Uuid;

use super::store;
use crate::users;

/// The holdings that came of the events of `auth`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeldOfAuth;

impl Holdings for HeldOfAuth {
    fn versions<'a>(
        &'a self,
        reader: &'a mut Reader,
        span: Span,
        limit: i64,
    ) -> SnapshotFuture<'a, Vec<Held>> {
        Box::pin(users::erasures(reader, span, limit))
    }

    fn of<'a>(&'a self, reader: &'a mut Reader, ids: &'a [Uuid]) -> SnapshotFuture<'a, Vec<Held>> {
        Box::pin(users::erasures_of(reader, ids))
    }

    /// A registration that is answered: `auth` drops it when the answer arrives.
    fn settled<'a>(
        &'a self,
        reader: &'a mut Reader,
        states: &'a [Envelope],
    ) -> SnapshotFuture<'a, HashSet<Uuid>> {
        let requests = states
            .iter()
            .filter(|state| state.kind == RegistrationRequested::TYPE);
        let ids: Vec<Uuid> = requests.map(|state| state.subject).collect();
        Box::pin(async move { Ok(store::answered(reader, &ids).await?.into_iter().collect()) })
    }
}
