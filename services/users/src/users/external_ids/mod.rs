//! `externalId`: the identifier by which a provisioning client knows a user (RFC 7643 §3.1). Each client has its own (ADR 0040).
//!
//! A person who administers sees and writes the attribute of the state, and so does a client that has given no identifier of its
//! own: it is that of the time before clients had their own.

mod removal;
mod store;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use chassis::db::{DbError, Tx};
use contract::{UserId, UserState};
use serde_json::Value;

use super::values::{MAX_KEY_CHARS, shorten};
use super::{UserError, Users};
use crate::namespace::lock_texts;

pub(crate) use store::clients;
pub(super) use store::{holder, of_users, remove_all};

/// The name of the attribute.
pub(super) const EXTERNAL_ID: &str = "externalId";
/// The greatest length of an identifier, in characters: it is in an index.
pub(crate) const MAX_EXTERNAL_ID: usize = 256;

/// The state of a user as a client sees it, with its own identifier; as everybody else sees it without a client.
pub(crate) fn seen_by<'a>(state: &'a UserState, client: Option<&str>) -> Cow<'a, UserState> {
    match client.and_then(|client| state.external_ids.get(client)) {
        Some(own) => {
            let mut seen = state.clone();
            seen.attributes
                .insert(EXTERNAL_ID.to_owned(), own.as_str().into());
            Cow::Owned(seen)
        }
        None => Cow::Borrowed(state),
    }
}

/// Makes the identifier that a client wrote its own. `before` is the attribute that everybody else sees.
pub(super) fn assign(state: &mut UserState, client: Option<&str>, before: Option<Value>) {
    let Some(client) = client else { return };
    let written = state.attributes.remove(EXTERNAL_ID);
    let is_inherited = written == before && !state.external_ids.contains_key(client);
    match written.as_ref().and_then(Value::as_str) {
        Some(own) if !is_inherited => {
            state.external_ids.insert(client.to_owned(), own.to_owned());
        }
        Some(_) => {}
        None => {
            state.external_ids.remove(client);
        }
    }
    if let Some(before) = before {
        state.attributes.insert(EXTERNAL_ID.to_owned(), before);
    }
}

/// An identifier that a client gives to a user.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ExternalId {
    pub(super) client: String,
    pub(super) value: String,
    pub(super) user: UserId,
}

/// The identifiers of a user.
pub(super) fn of_state(state: &UserState) -> BTreeSet<ExternalId> {
    let all = state.external_ids.iter().map(|(client, value)| ExternalId {
        client: client.clone(),
        value: value.clone(),
        user: state.id,
    });
    all.collect()
}

/// The identifier that everybody sees.
pub(super) fn common_of(state: &UserState) -> Option<&str> {
    state.attributes.get(EXTERNAL_ID).and_then(Value::as_str)
}

/// Locks identifiers that clients give, and those that everybody is to see. Clients lock theirs together, because an index keeps
/// theirs apart.
async fn lock(tx: &mut Tx, given: &[&ExternalId], common: &[(UserId, &str)]) -> Result<(), DbError> {
    let given = given.iter().map(|one| (one.value.as_str(), false));
    let common = common.iter().map(|(_, value)| (*value, true));
    lock_texts(tx, "external ids of users", given.chain(common)).await
}

impl Users {
    /// Writes the identifiers that are in `new` in place of those in `old`.
    ///
    /// # Errors
    /// `uniqueness` when a client gave one to another user.
    pub(super) async fn write_external_ids(
        &self,
        tx: &mut Tx,
        old: Option<&UserState>,
        new: &UserState,
    ) -> Result<(), UserError> {
        let before = old.map(of_state).unwrap_or_default();
        let after = of_state(new);
        let common = common_of(new);
        let is_new = common.is_some() && common != old.and_then(common_of);
        if before == after && !is_new {
            return Ok(());
        }
        let removed: Vec<&ExternalId> = before.difference(&after).collect();
        let added: Vec<&ExternalId> = after.difference(&before).collect();
        // A client sees it from now on: because it is new, or because the client has none of its own any more.
        let common = common.filter(|_| is_new || !removed.is_empty());
        let wanted = common.map(|value| (new.id, value));
        lock(tx, &added, wanted.as_slice()).await?;
        store::remove(tx, &removed).await?;
        let is_taken = !claim_locked(tx, &added).await?.is_empty()
            || !store::given_among(tx, wanted.as_slice()).await?.is_empty();
        match is_taken {
            true => Err(scim::Error::uniqueness(EXTERNAL_ID).into()),
            false => Ok(()),
        }
    }
}

impl Users {
    /// The state of a locked user with these identifiers. If it has others, the next version is written, with its event.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn restore_external_ids(
        &self,
        tx: &mut Tx,
        state: UserState,
        known: BTreeMap<String, String>,
    ) -> Result<UserState, DbError> {
        if state.external_ids == known {
            return Ok(state);
        }
        let new = UserState {
            external_ids: known,
            version: state.version.saturating_add(1),
            updated_at: self.clock.now(),
            ..state.clone()
        };
        let rows = super::store::RowChanges {
            removed: Vec::new(),
            added: Vec::new(),
        };
        super::store::update(tx, &new, &rows).await?;
        self.append_changed(tx, state.active, new.clone()).await?;
        Ok(new)
    }
}

/// Gives identifiers to users, who need not be there yet, and with `common` those that everybody sees. Returns the users whose
/// identifiers were not free; what was written of theirs is the caller's to undo.
///
/// # Errors
/// When the database fails.
pub(super) async fn claim(
    tx: &mut Tx,
    wanted: &[&ExternalId],
    common: &[(UserId, &str)],
) -> Result<BTreeSet<UserId>, DbError> {
    lock(tx, wanted, common).await?;
    let mut taken = claim_locked(tx, wanted).await?;
    taken.extend(store::given_among(tx, common).await?);
    Ok(taken)
}

/// As [`claim`], of identifiers that are locked.
async fn claim_locked(tx: &mut Tx, wanted: &[&ExternalId]) -> Result<BTreeSet<UserId>, DbError> {
    if wanted.is_empty() {
        return Ok(BTreeSet::new());
    }
    // In order, so that two who want the same identifiers wait for each other and never in a circle.
    let mut wanted = wanted.to_vec();
    wanted.sort();
    let given = store::insert(tx, &wanted).await?;
    let mut taken: BTreeSet<UserId> = wanted
        .iter()
        .filter(|one| !given.contains(&(one.client.clone(), one.value.clone())))
        .map(|one| one.user)
        .collect();
    // A client sees what everybody sees of users to whom it gave none.
    let mut by_client: BTreeMap<&str, BTreeMap<&str, Vec<&ExternalId>>> = BTreeMap::new();
    for one in wanted {
        let keys = by_client.entry(one.client.as_str()).or_default();
        keys.entry(shorten(&one.value)).or_default().push(one);
    }
    for (client, wanted_by_key) in by_client {
        let keys: Vec<&str> = wanted_by_key.keys().copied().collect();
        for (key, user) in store::inherited(tx, client, &keys).await? {
            let Some(wanted) = wanted_by_key.get(key.as_str()) else {
                continue;
            };
            // A key of the greatest length may be the beginning of another value.
            let whole = match key.chars().count() < MAX_KEY_CHARS {
                true => Some(key),
                false => find_common(tx, user).await?,
            };
            let clashing = wanted.iter().filter(|one| one.user != user);
            taken.extend(
                clashing
                    .filter(|one| whole.as_ref() == Some(&one.value))
                    .map(|one| one.user),
            );
        }
    }
    Ok(taken)
}

/// The identifier of a user that everybody sees.
async fn find_common(tx: &mut Tx, user: UserId) -> Result<Option<String>, DbError> {
    let found = super::store::find(tx, user).await?;
    Ok(found.as_ref().and_then(common_of).map(str::to_owned))
}
