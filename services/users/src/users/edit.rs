//! Changes of users by SCIM: creation (RFC 7644 §3.3), replacement (§3.5.1) and modification (§3.5.2).

use chassis::db::Tx;
use contract::{UserId, UserState};
use scim::patch::{self, Operation};
use scim::schema::{Accessor, check_replacement};
use scim::version::IfMatch;
use scim::{Password, User};
use serde_json::{Map, Value};

use super::desired_state::is_urn;
use super::external_ids::{EXTERNAL_ID, assign, seen_by};
use super::passwords::{HandedOver, NewPassword, not_handed_over};
use super::resource::{remove_server_attributes, to_desired_state, to_resource};
use super::{Change, UserError, Users, log_created};
use crate::authority::Authority;

/// The caller who writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Writer {
    /// The kind of caller, by which the attributes are chosen that may be written.
    pub(crate) accessor: Accessor,
    /// The client whose `externalId` it is (RFC 7643 §3.1); `None` for a person.
    pub(crate) client: Option<String>,
    /// True for a caller who could make administrators in any case: a person who administers, or a client that may change groups.
    pub(crate) makes_administrators: bool,
    /// The users and groups that the caller may see and change.
    pub(crate) authority: Authority,
}

/// A change of a user by SCIM.
#[derive(Clone)]
pub(crate) enum ResourceEdit {
    /// A body that [`scim::schema::read`] has read, in place of what is known. Groups stay; so does `active`, unless the body has
    /// it.
    Replace(Map<String, Value>),
    /// The operations of a PATCH. Either all are applied or none.
    Patch(Vec<Operation>),
}

impl Users {
    /// Creates a user from a body that [`scim::schema::read`] has read for `writer`.
    ///
    /// # Errors
    /// See [`UserError`].
    pub(crate) async fn create_resource(
        &self,
        body: Map<String, Value>,
        writer: &Writer,
    ) -> Result<UserState, UserError> {
        let (state, password) = self.prepare_resource(body, writer)?;
        let Some(password) = password else {
            return self.create_state(&writer.authority, state).await;
        };
        self.check_name_is_free(&state, &writer.authority).await?;
        let new = NewPassword {
            user: state.clone(),
            password,
        };
        let handed = self.hand_over_password(&new).await?;
        let state = handed.name_in(state);
        let outcome = self.create_state(&writer.authority, state).await;
        self.cancel_if_refused(Some(handed), &outcome).await;
        outcome
    }

    /// Creates a user, if the caller may do so at this moment.
    ///
    /// # Errors
    /// See [`UserError`].
    pub(super) async fn create_state(
        &self,
        authority: &Authority,
        state: UserState,
    ) -> Result<UserState, UserError> {
        let mut tx = self.db.begin("create_user").await?;
        let authority = authority.read_again(&mut tx).await??;
        self.check_creation(&authority, &state)?;
        self.insert_new(&mut tx, &state, &authority).await?;
        tx.commit().await?;
        log_created(state.id);
        Ok(state)
    }

    /// The user that a body asks for, with a new id, to be [inserted](Self::insert_new); and the password, to be
    /// [handed over](Self::hand_over_password) before.
    ///
    /// # Errors
    /// See [`UserError`].
    pub(crate) fn prepare_resource(
        &self,
        mut body: Map<String, Value>,
        writer: &Writer,
    ) -> Result<(UserState, Option<Password>), UserError> {
        let users = self.registry.users();
        let password = self.remove_password(&mut body, writer.accessor)?;
        users.check_writes(writer.accessor, &Map::new(), &body)?;
        let desired = to_desired_state(User::from_resource(body)?, users)?;
        let state = self.new_state(desired, writer.client.as_deref())?;
        self.check_creation(&writer.authority, &state)?;
        if password.is_some() {
            self.check_may_set_password(&writer.authority, &state)?;
        }
        Ok((state, password))
    }

    /// As [`Self::prepare_resource`], with the password that was handed over for this user, if there is one.
    ///
    /// # Errors
    /// See [`UserError`]; 503 for a password that was not handed over.
    pub(crate) fn prepare_with_password(
        &self,
        body: Map<String, Value>,
        writer: &Writer,
        handed: Option<HandedOver>,
    ) -> Result<UserState, UserError> {
        match (self.prepare_resource(body, writer)?, handed) {
            ((state, Some(_)), Some(handed)) => Ok(handed.name_in(state)),
            ((_, Some(_)), None) => Err(not_handed_over().into()),
            ((state, None), _) => Ok(state),
        }
    }

    /// Changes a user. Without an effect there is no new version; a password has one.
    ///
    /// # Errors
    /// See [`UserError`].
    pub(crate) async fn change_resource(
        &self,
        id: UserId,
        condition: &IfMatch,
        edit: ResourceEdit,
        writer: &Writer,
    ) -> Result<UserState, UserError> {
        let name = match &edit {
            ResourceEdit::Replace(_) => "replace_user",
            ResourceEdit::Patch(_) => "patch_user",
        };
        let handed = match self.find_password((id, condition), &edit, writer).await? {
            Some(new) => Some(self.hand_over_password(&new).await?),
            None => None,
        };
        let outcome = self
            .change_alone(name, (id, condition), edit, (writer, handed))
            .await;
        self.cancel_if_refused(handed, &outcome).await;
        outcome
    }

    /// The change of [`Self::change_resource`], in a transaction of its own.
    async fn change_alone(
        &self,
        name: &'static str,
        place: (UserId, &IfMatch),
        edit: ResourceEdit,
        by: (&Writer, Option<HandedOver>),
    ) -> Result<UserState, UserError> {
        let mut tx = self.db.begin(name).await?;
        let (state, change) = self.change_resource_in(&mut tx, place, edit, by).await?;
        if let Some(change) = change {
            tx.commit().await?;
            change.log(state.id);
        }
        Ok(state)
    }

    /// The password of a change, if it has one, with the user as the change would leave them now.
    ///
    /// # Errors
    /// See [`UserError`]: whatever refuses the change now.
    pub(crate) async fn find_password(
        &self,
        (id, condition): (UserId, &IfMatch),
        edit: &ResourceEdit,
        writer: &Writer,
    ) -> Result<Option<NewPassword>, UserError> {
        let may_set = match edit {
            ResourceEdit::Replace(body) => body.contains_key("password"),
            ResourceEdit::Patch(operations) => operations.iter().any(Operation::may_set_password),
        };
        if !may_set {
            return Ok(None);
        }
        let preview = |state: &mut UserState| self.apply_edit(state, edit.clone(), writer);
        let (user, password) = self.preview(id, (condition, &writer.authority), preview).await?;
        let Some(password) = password else { return Ok(None) };
        self.check_may_set_password(&writer.authority, &user)?;
        let mut reader = self.db.reader().await?;
        self.check_may_change_sign_in(&mut reader, id, writer).await?;
        Ok(Some(NewPassword { user, password }))
    }

    /// As [`Self::change_resource`], in a transaction that the caller commits, with the password that was handed over for the change.
    /// The result is the new state, and the change to be logged after the commit.
    ///
    /// # Errors
    /// See [`UserError`]; 503 for a password that was not handed over.
    pub(crate) async fn change_resource_in(
        &self,
        tx: &mut Tx,
        (id, condition): (UserId, &IfMatch),
        edit: ResourceEdit,
        (writer, handed): (&Writer, Option<HandedOver>),
    ) -> Result<(UserState, Option<Change>), UserError> {
        let mut is_sign_in_changed = false;
        let edit = |state: &mut UserState| {
            let before = (state.user_name.clone(), state.emails.clone());
            let password = self.apply_edit(state, edit, writer)?;
            match handed {
                None if password.is_some() => return Err(not_handed_over().into()),
                None => {}
                Some(handed) => state.credential_id = Some(handed.credential),
            }
            is_sign_in_changed = handed.is_some() || before.0 != state.user_name || before.1 != state.emails;
            Ok(())
        };
        let changed = self
            .change_in(tx, id, (condition, &writer.authority), edit)
            .await?;
        if handed.is_some() {
            let authority = writer.authority.read_again(tx).await??;
            self.check_may_set_password(&authority, &changed.0)?;
        }
        if is_sign_in_changed {
            // Under the lock of the user, whom nobody makes a direct member of a group meanwhile.
            self.check_may_change_sign_in(tx, id, writer).await?;
        }
        Ok(changed)
    }

    /// Changes the attributes of a user. Returns the password that is set.
    fn apply_edit(
        &self,
        state: &mut UserState,
        edit: ResourceEdit,
        writer: &Writer,
    ) -> Result<Option<Password>, UserError> {
        let mut password = None;
        let users = self.registry.users();
        self.edit(state, writer, |old| match edit {
            ResourceEdit::Replace(mut body) => {
                password = self.remove_password(&mut body, writer.accessor)?;
                check_replacement(old, &mut body, users, writer.accessor)?;
                Ok(body)
            }
            ResourceEdit::Patch(operations) => {
                let mut new = old.clone();
                let outcome = patch::apply_as(writer.accessor, &mut new, &operations, users)?;
                password = self.password_of(outcome.password)?;
                Ok(new)
            }
        })?;
        Ok(password)
    }

    /// Changes the attributes of a user by `edit`, as far as `writer` may write them.
    fn edit(
        &self,
        state: &mut UserState,
        writer: &Writer,
        edit: impl FnOnce(&Map<String, Value>) -> Result<Map<String, Value>, scim::Error>,
    ) -> Result<(), UserError> {
        let users = self.registry.users();
        let client = writer.client.as_deref();
        let Value::Object(mut old) = to_resource(&seen_by(state, client), users, "") else {
            return Ok(());
        };
        let mut new = edit(&old)?;
        remove_server_attributes(&mut old);
        remove_server_attributes(&mut new);
        users.check_writes(writer.accessor, &old, &new)?;
        let desired = to_desired_state(User::from_resource(new)?, users)?;
        // What the configuration does not define any more stays, unseen.
        let undefined: Vec<_> = state
            .attributes
            .iter()
            .filter(|(name, _)| is_urn(name) && users.extension(name).is_none())
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let external_id = state.attributes.get(EXTERNAL_ID).cloned();
        desired.replace(state);
        assign(state, client, external_id);
        state.attributes.extend(undefined);
        Ok(())
    }
}
