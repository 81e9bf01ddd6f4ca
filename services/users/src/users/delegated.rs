//! Users as delegated administrators may see and change them.

use std::collections::BTreeSet;

use chassis::db::{Connection, DbError};
use contract::{UserId, UserState};
use scim::filter::Filter;
use scim::schema::Accessor;
use uuid::Uuid;

use super::resource::to_resource;
use super::search::is_groups;
use super::{UserError, Users, store};
use crate::authority::{Authority, Forbidden, Right, Rights};

/// Users in one statement.
const PAGE: usize = 1_000;

impl Users {
    /// The rights of a caller over a user.
    pub(crate) fn rights(&self, authority: &Authority, state: &UserState) -> Rights {
        authority.rights_over(state, || to_resource(state, self.registry.users(), ""))
    }

    /// A user, if there is one whom the caller may see.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn find_visible(
        &self,
        connection: &mut impl Connection,
        id: UserId,
        authority: &Authority,
    ) -> Result<Option<UserState>, DbError> {
        let found = store::find(connection, id).await?;
        Ok(found.filter(|state| self.rights(authority, state).has(Right::Read)))
    }

    /// Those of the ids that are users whom the caller may see. Nobody is locked.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn seen_among(
        &self,
        connection: &mut impl Connection,
        authority: &Authority,
        ids: &BTreeSet<Uuid>,
    ) -> Result<BTreeSet<UserId>, DbError> {
        let (ids, mut seen) = (Vec::from_iter(ids.iter().copied()), BTreeSet::new());
        for page in ids.chunks(PAGE) {
            for state in store::states_of(connection, page).await? {
                if self.rights(authority, &state).has(Right::Read) {
                    seen.insert(state.id);
                }
            }
        }
        Ok(seen)
    }

    /// Checks that a caller has a right over a user.
    ///
    /// # Errors
    /// [`UserError::NotFound`] for a user whom the caller may not see; [`Forbidden::NotDelegated`].
    pub(super) fn check_right(
        &self,
        authority: &Authority,
        right: Right,
        state: &UserState,
    ) -> Result<(), UserError> {
        let rights = self.rights(authority, state);
        match (rights.has(Right::Read), rights.has(right)) {
            (false, _) => Err(UserError::NotFound),
            (true, false) => Err(Forbidden::NotDelegated.into()),
            (true, true) => Ok(()),
        }
    }

    /// Checks a change of a user: nobody moves a user out of what they may change, or into more rights than they have.
    ///
    /// # Errors
    /// [`Forbidden`].
    pub(super) fn check_rights_after(
        &self,
        authority: &Authority,
        old: &UserState,
        new: &UserState,
    ) -> Result<(), Forbidden> {
        let (before, after) = (self.rights(authority, old), self.rights(authority, new));
        if !after.has(Right::Write) {
            return Err(Forbidden::MovesOut);
        }
        match before.covers(after) {
            true => Ok(()),
            false => Err(Forbidden::GainsRights),
        }
    }

    /// Checks that a caller may create a user, with the password that the state names.
    ///
    /// # Errors
    /// [`Forbidden::CreatesOutside`], [`Forbidden::Password`].
    pub(crate) fn check_creation(&self, authority: &Authority, state: &UserState) -> Result<(), Forbidden> {
        if !self.rights(authority, state).has(Right::Create) {
            return Err(Forbidden::CreatesOutside);
        }
        match state.credential_id {
            Some(_) => self.check_may_set_password(authority, state),
            None => Ok(()),
        }
    }

    /// Parses the filter of a delegation, which an index has to serve: it is a part of every search of the delegated
    /// administrator.
    ///
    /// # Errors
    /// The refusal, as of a filter in a search.
    pub(crate) fn delegable_filter(&self, text: &str) -> Result<Filter, scim::Error> {
        let users = self.registry.users();
        let filter = Filter::parse(text, &[users])?;
        let hidden =
            |attribute: &scim::schema::AttributeRef| !users.is_readable(attribute, Accessor::Administrator);
        if filter.attributes().iter().any(is_groups) {
            let reason = "groups: delegate the members of a group instead";
            return Err(scim::Error::invalid_filter(reason));
        }
        // Every change sets the time of the last one: nobody could say then whether a change moves a user out.
        if filter
            .attributes()
            .iter()
            .any(|attribute| attribute.schema.is_none() && attribute.name == "meta")
        {
            let reason = "meta: the server changes it with every change of a user";
            return Err(scim::Error::invalid_filter(reason));
        }
        if let Some(attribute) = filter.attributes().into_iter().find(hidden) {
            return Err(scim::Error::invalid_filter(format!(
                "{attribute}: administrators cannot read it"
            )));
        }
        match self.is_indexed(&filter) {
            true => Ok(filter),
            false => Err(scim::Error::invalid_filter(format!(
                "no index serves it; compare one of these with eq, sw, gt, ge, lt or le: {}",
                Vec::from_iter(self.indexed.names()).join(", ")
            ))),
        }
    }
}
