//! The two database engines.

pub(super) mod postgres;
pub(super) mod sqlite;

use std::collections::BTreeSet;

use uuid::Uuid;

/// The ids of users who are not to come back with a backup.
#[derive(Clone, Debug, Default)]
pub(in crate::backup) struct GoneUsers {
    /// Those who were erased.
    pub(in crate::backup) erased: BTreeSet<Uuid>,
    /// Those who were deleted and can be restored.
    pub(in crate::backup) deleted: BTreeSet<Uuid>,
}

/// The query for the ids of the users whom a service has erased.
fn erased_ids_query(service: &str) -> &'static str {
    match service {
        "auth" => "SELECT id FROM erased_subjects",
        _ => "SELECT id FROM tombstones",
    }
}

/// The query for the ids of the users whom a service knows as deleted, and not erased.
fn deleted_ids_query(service: &str) -> &'static str {
    match service {
        // The key of a deleted user is one that no name has.
        "auth" => "SELECT id FROM subjects WHERE user_name_key LIKE ' %'",
        _ => "SELECT id FROM deleted_users",
    }
}
