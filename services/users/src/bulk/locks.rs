//! The locks that a bulk request needs, taken before its first operation in the order that every transaction has.
//!
//! The operations take them in the order of the request otherwise, so that two requests, or a request and a single change, wait
//! for each other. What cannot be known before (members that a replacement removes, values that no two users may have) is taken
//! later; the engine ends one of two transactions that wait for each other then, and it is run again.

use std::collections::BTreeSet;

use chassis::db::{DbError, Engine, Tx};
use contract::UserName;
use scim::bulk::{BulkMethod, BulkOperation, BulkRequest, Step};
use serde_json::Value;
use uuid::Uuid;

use super::Bulk;
use super::progress::index_of;
use crate::authority::Authority;
use crate::groups::GroupName;
use crate::namespace::{self, Claim};
use crate::{groups, users};

/// The things that the operations of a request are about.
#[derive(Default)]
struct Wanted {
    /// True if there is an operation on groups.
    changes_groups: bool,
    /// Ids of targets and members, which may be those of users or groups.
    ids: BTreeSet<Uuid>,
    names: Vec<(String, Claim)>,
}

/// Acquires the locks of the operations of `steps`.
///
/// # Errors
/// When the database fails.
pub(super) async fn acquire(
    tx: &mut Tx,
    bulk: &Bulk,
    (request, steps): (&BulkRequest, &[Step]),
    authority: &Authority,
) -> Result<(), DbError> {
    if chassis::db::Connection::engine(tx) == Engine::Sqlite {
        // The transaction holds the only lock for writing already.
        return Ok(());
    }
    let mut wanted = Wanted::of(bulk, request, steps);
    if authority.limits().is_some() {
        // Nothing is locked that the caller may not change, and not the graph either, which is not delegated.
        let managed = wanted.ids.iter().filter(|id| authority.manages_members_of(**id));
        groups::lock_managed_before(tx, &managed.copied().collect()).await?;
        wanted.ids = bulk.users.seen_among(tx, authority, &wanted.ids).await?;
    } else if wanted.changes_groups {
        groups::lock_before(tx, &wanted.ids).await?;
    }
    users::lock_before(tx, &wanted.ids).await?;
    namespace::lock(tx, &wanted.claims()).await
}

impl Wanted {
    fn of(bulk: &Bulk, request: &BulkRequest, steps: &[Step]) -> Self {
        let mut wanted = Self::default();
        let indexes: BTreeSet<usize> = steps.iter().map(index_of).collect();
        for operation in indexes.iter().filter_map(|index| request.operations.get(*index)) {
            wanted.add(operation, bulk);
        }
        wanted
    }

    fn claims(&self) -> Vec<(&str, Claim)> {
        self.names
            .iter()
            .map(|(key, claim)| (key.as_str(), *claim))
            .collect()
    }

    fn add(&mut self, operation: &BulkOperation, bulk: &Bulk) {
        let Ok(target) = &operation.target else { return };
        let id = target.id.as_deref().and_then(|id| id.parse::<Uuid>().ok());
        self.ids.extend(id);
        let is_of_users = target.endpoint == bulk.registry.users().endpoint;
        if !is_of_users {
            self.changes_groups = true;
            self.add_ids(&operation.data);
        }
        if !matches!(operation.method, BulkMethod::Post | BulkMethod::Put) {
            return;
        }
        match is_of_users {
            true => {
                let name = text(&operation.data, "userName").and_then(|name| name.parse::<UserName>().ok());
                self.names
                    .extend(name.map(|name| (name.key().to_owned(), Claim::User)));
            }
            false => {
                let name =
                    text(&operation.data, "displayName").and_then(|name| name.parse::<GroupName>().ok());
                self.names
                    .extend(name.map(|name| (name.key().to_owned(), Claim::Group)));
            }
        }
    }

    /// Adds everything that has the form of an id, wherever it is.
    fn add_ids(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.ids.extend(text.parse::<Uuid>()),
            Value::Array(items) => items.iter().for_each(|item| self.add_ids(item)),
            Value::Object(members) => members.values().for_each(|member| self.add_ids(member)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

fn text<'a>(data: &'a Value, name: &str) -> Option<&'a str> {
    let mut members = data.as_object()?.iter();
    let member = members.find(|(member, _)| member.eq_ignore_ascii_case(name));
    member.and_then(|(_, value)| value.as_str())
}
