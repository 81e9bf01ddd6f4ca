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
    /// The access that it has by the consent and by its grants.
    pub(crate) access: Vec<ConnectedAccess>,
    /// The time of the first consent or grant.
    pub(crate) since: Timestamp,
}

/// A scope that a client may have at each of some services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConnectedAccess {
    /// The scope.
    pub(crate) scope: Scope,
    /// The services. A consent to a client without audiences of its own names none: it is for those of this server.
    pub(crate) audiences: BTreeSet<String>,
}

impl ConnectedAccess {
    /// True if this is all of `other`.
    fn covers(&self, other: &Self) -> bool {
        let has_services = match other.audiences.is_empty() {
            true => self.audiences.is_empty(),
            false => self.audiences.is_superset(&other.audiences),
        };
        has_services && self.scope.covers(&other.scope)
    }
}

impl ConnectedClient {
    /// Adds the access of a consent or of a grant. Scopes are united only at the same services: a scope that is allowed at one service
    /// is not allowed at another.
    fn add(&mut self, new: ConnectedAccess) {
        if self.access.iter().any(|known| known.covers(&new)) {
            return;
        }
        let same = self
            .access
            .iter_mut()
            .find(|known| known.audiences == new.audiences);
        let added = match same {
            Some(known) => match Scope::of(known.scope.iter().chain(new.scope.iter())) {
                Ok(both) => {
                    known.scope = both;
                    known.clone()
                }
                // Together they are too long for a scope.
                Err(_) => new,
            },
            None => new,
        };
        self.access
            .retain(|known| *known == added || !added.covers(known));
        if !self.access.contains(&added) {
            self.access.push(added);
        }
    }

    /// All scopes, each of which it has at some services.
    pub(crate) fn scopes(&self) -> Vec<&str> {
        let mut scopes = Vec::new();
        for scope in self.access.iter().flat_map(|access| access.scope.iter()) {
            if !scopes.contains(&scope) {
                scopes.push(scope);
            }
        }
        scopes
    }

    /// All services at which it has some scope.
    pub(crate) fn audiences(&self) -> BTreeSet<&str> {
        let all = self.access.iter().flat_map(|access| &access.audiences);
        all.map(String::as_str).collect()
    }
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
                audiences.collect::<BTreeSet<_>>(),
                row.granted_at,
            )
        });
        let grants = grants.into_iter().map(|row| {
            let audiences = row.audiences.0.into_iter().map(String::from);
            (
                row.client_id,
                row.scope,
                audiences.collect::<BTreeSet<_>>(),
                row.created_at,
            )
        });
        let mut connections: BTreeMap<String, ConnectedClient> = BTreeMap::new();
        for (client_id, scope, audiences, at) in consents.chain(grants) {
            let connected = connections
                .entry(client_id.clone())
                .or_insert_with(|| ConnectedClient {
                    client_id,
                    access: Vec::new(),
                    since: at,
                });
            connected.since = at.min(connected.since);
            connected.add(ConnectedAccess {
                scope: scope.parse().unwrap_or_default(),
                audiences,
            });
        }
        Ok(connections.into_values().collect())
    }
}
