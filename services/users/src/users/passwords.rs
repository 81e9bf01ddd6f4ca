//! The passwords of changes by SCIM: handed to the authentication service before the transaction of the change, and cancelled when the
//! change is refused. See [`crate::credentials`].

use chassis::db::Connection;
use contract::{UserId, UserState};
use scim::patch::PasswordChange;
use scim::schema::Accessor;
use scim::version::IfMatch;
use scim::{Error, Password};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{UserError, Users, Writer, store};
use crate::authority::{Authority, Forbidden, Right};
use crate::credentials::{CredentialError, NewCredential};
use crate::namespace;

impl From<CredentialError> for UserError {
    fn from(error: CredentialError) -> Self {
        match error {
            CredentialError::Refused(reason) => Error::invalid_value("password", reason).into(),
            CredentialError::NotAccepted => Error::new(
                500,
                "the authentication service does not accept what is known of the user",
            )
            .into(),
            CredentialError::Unavailable { retry_after } => Self::NoCredentials { retry_after },
        }
    }
}

/// A password that is to be set, and the user as the change leaves them, with the id that they have or will have.
#[derive(Debug)]
pub(crate) struct NewPassword {
    pub(crate) user: UserState,
    pub(crate) password: Password,
}

/// A password that the authentication service has, for a change that is not made yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HandedOver {
    /// The user.
    pub(crate) user: UserId,
    /// The id that the state has to name.
    pub(crate) credential: Uuid,
}

impl HandedOver {
    /// A new user with the id for which the password was handed over, whose state names the password.
    pub(super) fn name_in(self, state: UserState) -> UserState {
        UserState {
            id: self.user,
            credential_id: Some(self.credential),
            ..state
        }
    }
}

impl Users {
    /// Takes the password out of a body that [`scim::schema::read`] has read for `accessor`, so that nothing else sees it.
    ///
    /// # Errors
    /// `mutability` when `accessor` may not set it.
    pub(super) fn remove_password(
        &self,
        body: &mut Map<String, Value>,
        accessor: Accessor,
    ) -> Result<Option<Password>, Error> {
        let Some(value) = body.remove("password") else {
            return Ok(None);
        };
        if self.credentials.are_ignored() {
            return Ok(None);
        }
        let is_writable = self
            .registry
            .users()
            .find("password")
            .is_some_and(|attribute| attribute.is_writable_by(accessor));
        if !is_writable {
            return Err(Error::mutability("password", "cannot be set by this client"));
        }
        match value {
            Value::String(text) => Ok(Some(Password::new(text))),
            Value::Null => Ok(None),
            _ => Err(Error::invalid_value("password", "expected text")),
        }
    }

    /// The password that the operations of a PATCH set.
    ///
    /// # Errors
    /// `invalidValue` when they remove it.
    pub(super) fn password_of(&self, change: Option<PasswordChange>) -> Result<Option<Password>, Error> {
        match change {
            _ if self.credentials.are_ignored() => Ok(None),
            Some(PasswordChange::Remove) => Err(no_removal()),
            Some(PasswordChange::Set(password)) => Ok(Some(password)),
            None => Ok(None),
        }
    }

    /// Hands the password of a change to the authentication service, which checks and hashes it. Call it before the transaction of
    /// the change begins, name the result in the state, and call [`Self::cancel_password`] when the change is refused.
    ///
    /// # Errors
    /// `invalidValue` with the reason of the authentication service; [`UserError::NoCredentials`] when it is away or busy.
    pub(crate) async fn hand_over_password(&self, new: &NewPassword) -> Result<HandedOver, UserError> {
        let service = self.credentials.service().ok_or_else(no_passwords)?;
        let credential = self.random.uuid(&*self.clock);
        let NewPassword { user, password } = new;
        service.put(credential, &NewCredential { user, password }).await?;
        Ok(HandedOver {
            user: user.id,
            credential,
        })
    }

    /// Checks that `writer` may change what a user signs in with: the password, the user name, and the e-mail addresses to which links
    /// are sent. Those of an administrator are as good as `admin`, so they are for those who could make administrators in any case.
    ///
    /// # Errors
    /// 403, or when the database fails.
    pub(super) async fn check_may_change_sign_in(
        &self,
        connection: &mut impl Connection,
        id: UserId,
        writer: &Writer,
    ) -> Result<(), UserError> {
        if writer.makes_administrators || !namespace::is_administrator(connection, id).await? {
            return Ok(());
        }
        Err(Error::new(
            403,
            "password, userName, emails: those of an administrator are changed by an administrator, or with the scope groups:write as well",
        )
        .into())
    }

    /// Checks that the caller has the right to set the password of a user, who may be new.
    ///
    /// # Errors
    /// [`Forbidden::Password`].
    pub(super) fn check_may_set_password(
        &self,
        authority: &Authority,
        state: &UserState,
    ) -> Result<(), Forbidden> {
        match self.rights(authority, state).has(Right::SetPassword) {
            true => Ok(()),
            false => Err(Forbidden::Password),
        }
    }

    /// Has a password forgotten, because its change was refused. It could not take effect anyway, and would lapse.
    pub(crate) async fn cancel_password(&self, handed: HandedOver) {
        if let Some(service) = self.credentials.service() {
            service.cancel(handed.credential).await;
        }
    }

    /// Cancels the password of a change that was refused. After a failure of the database the change may have been committed
    /// all the same: then the password stays, and takes effect or lapses.
    pub(super) async fn cancel_if_refused<T>(
        &self,
        handed: Option<HandedOver>,
        outcome: &Result<T, UserError>,
    ) {
        match (handed, outcome) {
            (None, _) | (_, Ok(_) | Err(UserError::Db(_))) => {}
            (Some(handed), Err(_)) => self.cancel_password(handed).await,
        }
    }

    /// Checks that nobody has the user name, before a password is hashed for nothing. The transaction decides.
    ///
    /// # Errors
    /// [`UserError::NameTaken`], [`UserError::TooManyTaken`], or when the database fails.
    pub(crate) async fn check_name_is_free(
        &self,
        state: &UserState,
        authority: &Authority,
    ) -> Result<(), UserError> {
        let key = state.user_name.key();
        let check = async {
            let mut reader = self.db.reader().await?;
            let mut is_taken = store::find_by_key(&mut reader, key).await?.is_some();
            if authority.limits().is_some() {
                // Otherwise the time for the password would tell a group from a user.
                is_taken |= namespace::is_group_name(&mut reader, key).await?;
            }
            match is_taken {
                true => Err(UserError::NameTaken),
                false => Ok(()),
            }
        };
        self.claim(authority, check).await
    }

    /// The state that `edit` would make of a user now, for what has to be known before the transaction.
    pub(super) async fn preview<T>(
        &self,
        id: UserId,
        (condition, authority): (&IfMatch, &Authority),
        edit: impl FnOnce(&mut UserState) -> Result<T, UserError>,
    ) -> Result<(UserState, T), UserError> {
        let mut reader = self.db.reader().await?;
        let old = store::find(&mut reader, id).await?.ok_or(UserError::NotFound)?;
        drop(reader);
        // Before the condition, which tells of a version, and before a password is handed over (SB-35).
        self.check_right(authority, Right::Write, &old)?;
        if !condition.allows(old.version) {
            return Err(UserError::Changed);
        }
        let mut new = old.clone();
        let more = edit(&mut new)?;
        self.check_rights_after(authority, &old, &new)?;
        super::check::check_change(&old, &new, self.registry.users())?;
        Ok((new, more))
    }
}

/// The refusal of a password where none is taken.
fn no_passwords() -> Error {
    Error::invalid_value(
        "password",
        "cannot be set here: this server does not take passwords over SCIM",
    )
}

/// The refusal of a password that could not be handed over before the change.
pub(super) fn not_handed_over() -> Error {
    Error::new(
        503,
        "password: it could not be handed to the authentication service before this change; send the request again",
    )
}

/// The refusal to remove a password.
pub(super) fn no_removal() -> Error {
    Error::invalid_value(
        "password",
        "cannot be removed: set another one, or deactivate the user",
    )
}
