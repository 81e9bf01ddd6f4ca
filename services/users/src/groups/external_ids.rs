//! `externalId` of groups: the identifier by which a provisioning client knows a group (RFC 7643 §3.1). Each client has its own
//! (ADR 0040).

use chassis::clock::Timestamp;
use chassis::db::{DbError, Tx};

use super::{Group, GroupError, Groups, Invalid, MAX_EXTERNAL_ID, store};
use crate::namespace::lock_texts;

/// Groups whose identifier of a deleted client is removed in one transaction.
const PAGE: i64 = 100;

/// The kind of text that is locked.
const LOCKED: &str = "external ids of groups";

/// Checks an identifier.
pub(super) fn check_external_id(external_id: Option<&str>) -> Result<(), Invalid> {
    let reason = match external_id {
        Some("") => "must not be empty".to_owned(),
        // SB-34
        Some(text) if text.chars().any(char::is_control) => "control characters are not allowed".to_owned(),
        Some(text) if text.chars().count() > MAX_EXTERNAL_ID => {
            format!("at most {MAX_EXTERNAL_ID} characters")
        }
        _ => return Ok(()),
    };
    Err(Invalid::new("externalId", reason))
}

/// Gives a group the external identifier that a client wrote; without a client that which everybody sees.
pub(super) fn assign_external_id(group: &mut Group, client: Option<&str>, written: Option<String>) {
    let Some(client) = client else {
        group.external_id = written;
        return;
    };
    let is_inherited = written == group.external_id && !group.external_ids.contains_key(client);
    match written {
        Some(own) if !is_inherited => {
            group.external_ids.insert(client.to_owned(), own);
        }
        Some(_) => {}
        None => {
            group.external_ids.remove(client);
        }
    }
}

/// Writes the identifier that a client gave to `new` in place of that of `old`; without a client, checks that which everybody sees.
pub(super) async fn write_external_id(
    tx: &mut Tx,
    old: Option<&Group>,
    new: &Group,
    client: Option<&str>,
) -> Result<(), GroupError> {
    let common = new.external_id.as_deref();
    let Some(client) = client else {
        return match old.and_then(|old| old.external_id.as_deref()) == common {
            true => Ok(()),
            false => check_common(tx, new).await,
        };
    };
    let before = old.and_then(|old| old.external_ids.get(client));
    let after = new.external_ids.get(client);
    if before == after {
        return Ok(());
    }
    store::external_ids::remove(tx, client, new.id).await?;
    let Some(after) = after else {
        // The client sees that of everybody from now on.
        return check_common(tx, new).await;
    };
    lock(tx, after, false).await?;
    let is_free = store::external_ids::insert(tx, client, after, new.id).await?
        && !store::external_ids::is_inherited(tx, client, after, new.id).await?;
    match is_free {
        true => Ok(()),
        false => Err(GroupError::ExternalIdTaken),
    }
}

/// Writes the identifiers of a new group that an import has: those of clients, and that which everybody sees.
pub(super) async fn write_imported(tx: &mut Tx, group: &Group) -> Result<(), GroupError> {
    // All at once and in order, so that no two imports wait for each other.
    let own = group.external_ids.values().map(|value| (value.as_str(), false));
    let common = group.external_id.iter().map(|value| (value.as_str(), true));
    lock_texts(tx, LOCKED, own.chain(common)).await?;
    for client in group.external_ids.keys() {
        write_external_id(tx, None, group, Some(client)).await?;
    }
    // After those of clients: a client with an identifier of its own does not see this one.
    write_external_id(tx, None, group, None).await
}

/// Locks an identifier: alone if everybody is to see it. Clients lock theirs together, because an index keeps theirs apart.
async fn lock(tx: &mut Tx, value: &str, alone: bool) -> Result<(), DbError> {
    lock_texts(tx, LOCKED, std::iter::once((value, alone))).await
}

/// Checks that no client sees the identifier that everybody sees of a group at another one as well.
async fn check_common(tx: &mut Tx, group: &Group) -> Result<(), GroupError> {
    let Some(common) = &group.external_id else {
        return Ok(());
    };
    lock(tx, common, true).await?;
    match store::external_ids::is_given(tx, common, group.id).await? {
        true => Err(GroupError::ExternalIdTaken),
        false => Ok(()),
    }
}

impl Groups {
    /// Removes the identifiers that a deleted client gave to the next groups, and writes their next versions, with the events. True
    /// if the client has given others.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn remove_external_ids_of(
        &self,
        tx: &mut Tx,
        client: &str,
        now: Timestamp,
    ) -> Result<bool, DbError> {
        let ids = store::external_ids::groups_of(tx, client, PAGE).await?;
        for mut group in store::lock_all(tx, &ids).await? {
            group.external_ids.remove(client);
            group.revision = group.revision.saturating_add(1);
            group.changed_at = now;
            self.write_next_version(tx, group, now).await?;
        }
        for id in &ids {
            store::external_ids::remove(tx, client, *id).await?;
        }
        Ok(i64::try_from(ids.len()).is_ok_and(|count| count == PAGE))
    }
}
