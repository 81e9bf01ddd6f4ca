//! Changes of users by SCIM: creation (RFC 7644 §3.3), replacement (§3.5.1) and modification (§3.5.2).

use contract::{UserId, UserState};
use scim::User;
use scim::patch::{self, Operation};
use scim::schema::{Accessor, check_replacement};
use scim::version::IfMatch;
use serde_json::{Map, Value};

use super::desired_state::is_urn;
use super::resource::{no_password, remove_server_attributes, to_desired_state, to_resource};
use super::{UserError, Users};

impl Users {
    /// Creates a user from a body that [`scim::schema::read`] has read for `accessor`.
    ///
    /// # Errors
    /// See [`UserError`].
    pub(crate) async fn create_resource(
        &self,
        body: Map<String, Value>,
        accessor: Accessor,
    ) -> Result<UserState, UserError> {
        let users = self.registry.users();
        users.check_writes(accessor, &Map::new(), &body)?;
        self.create(to_desired_state(User::from_resource(body)?, users)?)
            .await
    }

    /// Puts a body that [`scim::schema::read`] has read for `accessor` in place of what is known of a user. Groups stay; so does
    /// `active`, unless the body has it.
    ///
    /// # Errors
    /// See [`UserError`].
    pub(crate) async fn replace_resource(
        &self,
        id: UserId,
        condition: &IfMatch,
        mut body: Map<String, Value>,
        accessor: Accessor,
    ) -> Result<UserState, UserError> {
        let users = self.registry.users();
        self.change("replace_user", id, condition, |state| {
            self.edit(state, accessor, |old| {
                check_replacement(old, &mut body, users, accessor)?;
                Ok(body)
            })
        })
        .await
    }

    /// Applies the operations of a PATCH to a user. Either all are applied or none, and without an effect there is no new
    /// version.
    ///
    /// # Errors
    /// See [`UserError`].
    pub(crate) async fn patch_resource(
        &self,
        id: UserId,
        condition: &IfMatch,
        operations: &[Operation],
        accessor: Accessor,
    ) -> Result<UserState, UserError> {
        let users = self.registry.users();
        self.change("patch_user", id, condition, |state| {
            self.edit(state, accessor, |old| {
                let mut new = old.clone();
                match patch::apply_as(accessor, &mut new, operations, users)?.password {
                    Some(_) => Err(no_password()),
                    None => Ok(new),
                }
            })
        })
        .await
    }

    /// Changes the attributes of a user by `edit`, as far as `accessor` may write them.
    fn edit(
        &self,
        state: &mut UserState,
        accessor: Accessor,
        edit: impl FnOnce(&Map<String, Value>) -> Result<Map<String, Value>, scim::Error>,
    ) -> Result<(), UserError> {
        let users = self.registry.users();
        let Value::Object(mut old) = to_resource(state, users, "") else {
            return Ok(());
        };
        let mut new = edit(&old)?;
        remove_server_attributes(&mut old);
        remove_server_attributes(&mut new);
        users.check_writes(accessor, &old, &new)?;
        let desired = to_desired_state(User::from_resource(new)?, users)?;
        // What the configuration does not define any more stays, unseen.
        let undefined: Vec<_> = state
            .attributes
            .iter()
            .filter(|(name, _)| is_urn(name) && users.extension(name).is_none())
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        desired.replace(state);
        state.attributes.extend(undefined);
        Ok(())
    }
}
