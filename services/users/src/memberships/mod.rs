//! The groups that users are members of, directly and by groups in groups, as resources show them (RFC 7643 §4.1.2, `groups`).
//!
//! `groups` decides who is a member; this reads what it wrote, for searches of users as well.

mod store;

use std::collections::HashMap;

use chassis::db::{Connection, DbError};
use contract::{GroupId, MAX_GROUP_LEVELS, UserId};
use serde_json::{Value, json};

use crate::authority::Authority;

/// The most memberships that are read for one response, the direct ones first.
const MOST: i64 = 100_000;

/// The values of `groups` of users.
pub(crate) type GroupsOfUsers = HashMap<UserId, Vec<Value>>;

/// The values of `groups` of these users, of the groups that a caller may see: the direct groups first, each by id. `base` is the URL
/// of `/scim/v2`.
///
/// # Errors
/// When the database fails.
pub(crate) async fn groups_of(
    connection: &mut impl Connection,
    users: &[UserId],
    authority: &Authority,
    base: &str,
) -> Result<GroupsOfUsers, DbError> {
    let mut found = GroupsOfUsers::new();
    if users.is_empty() {
        return Ok(found);
    }
    for membership in store::of_users(connection, users, MAX_GROUP_LEVELS, MOST).await? {
        let id = membership.group_id;
        if !authority.sees_group(id) {
            continue;
        }
        found.entry(membership.person_id).or_default().push(json!({
            "value": id,
            "$ref": format!("{base}/Groups/{id}"),
            "display": membership.name,
            "type": if membership.level == 0 { "direct" } else { "indirect" },
        }));
    }
    Ok(found)
}

/// The first `limit` users who are members of a group, directly or by groups in it, by id.
///
/// # Errors
/// When the database fails.
pub(crate) async fn members_of(
    connection: &mut impl Connection,
    group: GroupId,
    limit: i64,
) -> Result<Vec<UserId>, DbError> {
    store::members(connection, group, MAX_GROUP_LEVELS, limit).await
}
