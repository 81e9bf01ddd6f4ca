//! The insertion of many new users by a few statements, as bulk requests need it.

use std::collections::{BTreeMap, BTreeSet};

use chassis::db::{DbError, Tx};
use contract::{UserCreated, UserState};

use super::external_ids::{self, ExternalId};
use super::values::Row;
use super::{AGGREGATE, Invalid, UserError, Users, outbox_failed, skeletons, store, total, values};
use crate::authority::Authority;
use crate::namespace::{self, Claim};

/// The refusals of users, by their place in the list.
pub(crate) type Refused = BTreeMap<usize, UserError>;

/// The users of a list who are inserted together, with their indexed values, and those who have to wait: they have something in
/// common with an earlier one that no two may have.
#[derive(Default)]
struct Batch<'a> {
    together: Vec<(usize, &'a UserState, BTreeSet<Row>)>,
    later: Vec<(usize, &'a UserState)>,
}

impl Users {
    /// Inserts new users, who were checked, with their events: the same as [`Self::insert_new`] for each, in order. Returns the
    /// refusals of those who were not inserted.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn insert_all_new(
        &self,
        tx: &mut Tx,
        states: &[UserState],
        authority: &Authority,
    ) -> Result<Refused, DbError> {
        skeletons::fill(tx).await?;
        if authority.limits().is_some() {
            // Each refusal is counted before the next one.
            let mut refused = Refused::new();
            let all = states.iter().enumerate();
            self.insert_each(tx, (all, authority), &mut refused).await?;
            return Ok(refused);
        }
        let keys: Vec<&str> = states.iter().map(|state| state.user_name.key()).collect();
        let claims: Vec<_> = keys.iter().map(|key| (*key, Claim::User)).collect();
        namespace::lock(tx, &claims).await?;
        let of_groups: BTreeSet<String> = namespace::group_names_among(tx, &keys)
            .await?
            .into_iter()
            .collect();
        let mut refused = Refused::new();
        let mut named: Vec<(usize, &UserState)> = Vec::with_capacity(states.len());
        for (index, state) in states.iter().enumerate() {
            match self
                .reserved_names
                .check(state, of_groups.contains(state.user_name.key()))
            {
                Ok(()) => named.push((index, state)),
                Err(reason) => {
                    refused.insert(index, Invalid::from(reason).into());
                }
            }
        }
        let mut batch = self.batch(named);
        self.refuse_taken_values(tx, &mut batch.together, &mut refused)
            .await?;
        self.insert_together(tx, batch.together, &mut refused).await?;
        let later = batch.later.into_iter();
        self.insert_each(tx, (later, authority), &mut refused).await?;
        Ok(refused)
    }

    /// Inserts users one after another.
    async fn insert_each<'a>(
        &self,
        tx: &mut Tx,
        (states, authority): (impl Iterator<Item = (usize, &'a UserState)>, &Authority),
        refused: &mut Refused,
    ) -> Result<(), DbError> {
        for (index, state) in states {
            tx.savepoint().await?;
            match self.insert_new(tx, state, authority).await {
                Ok(()) => tx.release_savepoint().await?,
                Err(UserError::Db(error)) => return Err(error),
                Err(error) => {
                    tx.roll_back_to_savepoint().await?;
                    refused.insert(index, error);
                }
            }
        }
        Ok(())
    }

    fn batch<'a>(&self, states: Vec<(usize, &'a UserState)>) -> Batch<'a> {
        let mut batch = Batch::default();
        let (mut keys, mut skeletons) = (BTreeSet::new(), BTreeSet::new());
        let mut unique: BTreeSet<Row> = BTreeSet::new();
        let mut external: BTreeSet<(&str, &str)> = BTreeSet::new();
        for (index, state) in states {
            let rows = self.indexed.rows_of(state, self.registry.users());
            let own: Vec<&Row> = rows.iter().filter(|row| self.indexed.is_unique(row)).collect();
            let is_free = !keys.contains(state.user_name.key())
                && !skeletons.contains(&state.user_name.skeleton())
                && !own.iter().any(|row| unique.contains(*row))
                && !external_ids_of(state).any(|one| external.contains(&one));
            keys.insert(state.user_name.key());
            skeletons.insert(state.user_name.skeleton());
            unique.extend(own.into_iter().cloned());
            external.extend(external_ids_of(state));
            match is_free {
                true => batch.together.push((index, state, rows)),
                false => batch.later.push((index, state)),
            }
        }
        batch
    }

    /// Takes those out of a batch whose values somebody else has, of which no two users may have the same.
    async fn refuse_taken_values(
        &self,
        tx: &mut Tx,
        together: &mut Vec<(usize, &UserState, BTreeSet<Row>)>,
        refused: &mut Refused,
    ) -> Result<(), DbError> {
        let mut unique: BTreeMap<&Row, (usize, &UserState)> = BTreeMap::new();
        for (index, state, rows) in together.iter() {
            let own = rows.iter().filter(|row| self.indexed.is_unique(row));
            unique.extend(own.map(|row| (row, (*index, *state))));
        }
        // In order, so that two transactions wait for each other and never in a circle.
        for (row, (index, state)) in unique {
            if values::holder(tx, row, state.id).await?.is_some() {
                refused.insert(index, scim::Error::uniqueness(&row.0).into());
            }
        }
        together.retain(|(index, _, _)| !refused.contains_key(index));
        self.refuse_taken_external_ids(tx, together, refused).await
    }

    /// Takes those out of a batch to whom a client gives an identifier that it gave to somebody else.
    async fn refuse_taken_external_ids(
        &self,
        tx: &mut Tx,
        together: &mut Vec<(usize, &UserState, BTreeSet<Row>)>,
        refused: &mut Refused,
    ) -> Result<(), DbError> {
        let wanted: Vec<ExternalId> = together
            .iter()
            .flat_map(|(_, state, _)| external_ids::of_state(state))
            .collect();
        let common: Vec<_> = together
            .iter()
            .filter_map(|(_, state, _)| Some((state.id, external_ids::common_of(state)?)))
            .collect();
        let wanted = wanted.iter().collect::<Vec<_>>();
        let taken = external_ids::claim(tx, &wanted, &common).await?;
        if taken.is_empty() {
            return Ok(());
        }
        external_ids::remove_all(tx, &taken.iter().copied().collect::<Vec<_>>()).await?;
        for (index, state, _) in together.iter() {
            if taken.contains(&state.id) {
                refused.insert(*index, scim::Error::uniqueness(external_ids::EXTERNAL_ID).into());
            }
        }
        together.retain(|(index, _, _)| !refused.contains_key(index));
        Ok(())
    }

    async fn insert_together(
        &self,
        tx: &mut Tx,
        mut together: Vec<(usize, &UserState, BTreeSet<Row>)>,
        refused: &mut Refused,
    ) -> Result<(), DbError> {
        if together.is_empty() {
            return Ok(());
        }
        // In the order of the index, as above.
        together.sort_by(|(_, one, _), (_, other, _)| one.user_name.key().cmp(other.user_name.key()));
        let states: Vec<&UserState> = together.iter().map(|(_, state, _)| *state).collect();
        let inserted: BTreeSet<_> = store::insert_all(tx, &states).await?.into_iter().collect();
        for (index, state, _) in &together {
            if !inserted.contains(&state.id) {
                refused.insert(*index, UserError::NameTaken);
            }
        }
        let ids = together.iter().map(|(_, state, _)| state.id);
        let left_out: Vec<_> = ids.filter(|id| !inserted.contains(id)).collect();
        if !left_out.is_empty() {
            external_ids::remove_all(tx, &left_out).await?;
        }
        together.retain(|(_, state, _)| inserted.contains(&state.id));
        if together.is_empty() {
            return Ok(());
        }
        let rows = together
            .iter()
            .flat_map(|(_, state, rows)| rows.iter().map(|row| (state.id, row)));
        values::insert_all(tx, &rows.collect::<Vec<_>>()).await?;
        total::change(tx, i64::try_from(together.len()).unwrap_or(i64::MAX)).await?;
        let events: Vec<_> = together
            .iter()
            .map(|(_, state, _)| (state.id, state.version, UserCreated((*state).clone())))
            .collect();
        self.outbox
            .append_all(tx, AGGREGATE, &events)
            .await
            .map_err(outbox_failed)?;
        self.waiters.announce_on_commit(tx);
        Ok(())
    }
}

fn external_ids_of(state: &UserState) -> impl Iterator<Item = (&str, &str)> {
    let all = state.external_ids.iter();
    all.map(|(client, value)| (client.as_str(), value.as_str()))
}
