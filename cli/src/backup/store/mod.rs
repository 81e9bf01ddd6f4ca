//! The two database engines.

pub(super) mod postgres;
pub(super) mod sqlite;

/// The query for the ids of the users whom a service has erased.
fn erased_ids_query(service: &str) -> &'static str {
    match service {
        "auth" => "SELECT id FROM erased_subjects",
        _ => "SELECT id FROM tombstones",
    }
}
