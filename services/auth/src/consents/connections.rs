//! The clients that have access for a person: by a consent, by a grant that has not ended, or by both.

use std::collections::{BTreeMap, BTreeSet};

use chassis::clock::Timestamp;
use chassis::db::DbError;
use oidc::scope::Scope;
use uuid::Uuid;

use super::{Consents, store};
use crate::{accounts, grants};

/// A client that has access for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConnectedClient {
    /// Its `client_id`.
    pub(crate) client_id: String,
    /// The scope that it may have: that of the consent and of its grants.
    pub(crate) scope: Scope,
    /// The services where it may have it: the audiences of the consent and of its grants.
    pub(crate) audiences: BTreeSet<String>,
    /// The time of the first consent or grant.
    pub(crate) since: Timestamp,
}

impl Consents {
    /// The clients that have access for a subject, for an administrator; or `None` when there is no such account.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn of_account(&self, subject: Uuid) -> Result<Option<Vec<ConnectedClient>>, DbError> {
        if !accounts::exists(&mut self.db.reader().await?, subject).await? {
            return Ok(None);
        }
        self.connections(subject).await.map(Some)
    }

    /// The clients that have access for a subject, in the order of their ids.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn connections(&self, subject: Uuid) -> Result<Vec<ConnectedClient>, DbError> {
        let mut reader = self.db.reader().await?;
        let consents = store::list(&mut reader, subject).await?;
        let grants = grants::live_of_subject(&mut reader, subject, self.clock.now()).await?;
        let consents = consents.into_iter().map(|row| {
            let audiences = row.audiences.split_ascii_whitespace().map(str::to_owned);
            (
                row.client_id,
                row.scope,
                audiences.collect::<Vec<_>>(),
                row.granted_at,
            )
        });
        let grants = grants.into_iter().map(|row| {
            let audiences: Vec<String> = row.audiences.0.into_iter().map(String::from).collect();
            (row.client_id, row.scope, audiences, row.created_at)
        });
        let mut connections: BTreeMap<String, ConnectedClient> = BTreeMap::new();
        for (client_id, scope, audiences, at) in consents.chain(grants) {
            let scope: Scope = scope.parse().unwrap_or_default();
            let connected = connections
                .entry(client_id.clone())
                .or_insert_with(|| ConnectedClient {
                    client_id,
                    scope: Scope::default(),
                    audiences: BTreeSet::new(),
                    since: at,
                });
            connected.since = at.min(connected.since);
            let both = Scope::of(connected.scope.iter().chain(scope.iter()));
            connected.scope = both.unwrap_or(scope);
            connected.audiences.extend(audiences);
        }
        Ok(connections.into_values().collect())
    }
}
