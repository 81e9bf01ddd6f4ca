//! The managers of users in resources (RFC 7643 §4.3): their names and URLs are the server's, and always those of today.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chassis::db::{DbError, Reader};
use contract::{UserId, UserState};
use scim::schema::ENTERPRISE_USER;
use serde_json::{Map, Value};

use super::store;

/// The names of managers, by their id.
pub(crate) type Managers = HashMap<UserId, String>;

/// The managers of these users, those of them that `is_visible` to the caller.
///
/// # Errors
/// When the database fails.
pub(crate) async fn managers_of(
    reader: &mut Reader,
    users: &[UserState],
    is_visible: impl Fn(&UserState) -> bool,
) -> Result<Managers, DbError> {
    let ids: BTreeSet<UserId> = users.iter().filter_map(manager_of).collect();
    let mut found = Managers::new();
    if ids.is_empty() {
        return Ok(found);
    }
    for entry in store::stored_of(reader, &ids.into_iter().collect::<Vec<_>>()).await? {
        let manager = store::parse(&entry.document)?;
        if !is_visible(&manager) {
            continue;
        }
        let name = manager.attributes.get("displayName").and_then(Value::as_str);
        let name = name.or(manager.name.formatted.as_deref());
        found.insert(manager.id, name.unwrap_or(manager.user_name.as_str()).to_owned());
    }
    Ok(found)
}

fn manager_of(state: &UserState) -> Option<UserId> {
    let manager = state.attributes.get(ENTERPRISE_USER)?.get("manager")?;
    manager.get("value")?.as_str()?.parse().ok()
}

/// Removes the name and the URL of the manager from the attributes of a user, where they are not kept.
pub(super) fn remove_shown(attributes: &mut BTreeMap<String, Value>) {
    let manager = attributes
        .get_mut(ENTERPRISE_USER)
        .and_then(|extension| extension.get_mut("manager"));
    if let Some(Value::Object(manager)) = manager {
        manager.remove("$ref");
        manager.remove("displayName");
    }
}

/// Puts the name and the URL of the manager into a resource. A manager who is not in the directory, or whom the caller may not
/// see, has neither. `base` is the
/// URL of `/scim/v2`.
pub(crate) fn show_manager(resource: &mut Map<String, Value>, managers: &Managers, base: &str) {
    let Some(Value::Object(manager)) = resource
        .get_mut(ENTERPRISE_USER)
        .and_then(|extension| extension.get_mut("manager"))
    else {
        return;
    };
    let id = manager.get("value").and_then(Value::as_str);
    let Some(id) = id.and_then(|id| id.parse::<UserId>().ok()) else {
        return;
    };
    if let Some(name) = managers.get(&id) {
        manager.insert("$ref".to_owned(), format!("{base}/Users/{id}").into());
        manager.insert("displayName".to_owned(), name.as_str().into());
    }
}
