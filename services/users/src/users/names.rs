//! The rules for user names that are given to somebody who does not have them yet (SB-49).

use std::collections::HashSet;

use chassis::db::{DbError, Tx};
use contract::{InvalidUserName, UserName, UserState};

use super::{Invalid, UserError};
use crate::authority::Authority;
use crate::namespace::{self, ADMINISTRATORS, Claim};

/// Names that only administrators may have, and names that look like them.
#[derive(Clone, Debug)]
pub(crate) struct ReservedNames {
    reserved: HashSet<String>,
    administrators: String,
}

impl ReservedNames {
    /// Reserves `names`.
    ///
    /// # Errors
    /// The first that is no user name.
    pub(crate) fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidUserName> {
        let skeletons = names
            .into_iter()
            .map(|name| name.parse::<UserName>().map(|name| name.skeleton()));
        Ok(Self {
            reserved: skeletons.collect::<Result<_, _>>()?,
            administrators: ADMINISTRATORS.parse::<UserName>()?.skeleton(),
        })
    }
}

/// The reason why a name cannot be given out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NameRefused {
    /// The name itself.
    #[error(transparent)]
    Form(#[from] InvalidUserName),
    /// It is kept for administrators.
    #[error("this user name is reserved for administrators")]
    Reserved,
    /// It is that of a group.
    #[error("this user name is that of a group")]
    Group,
}

impl NameRefused {
    /// The refusal for a caller. A delegated administrator is told the same of the name of a group as of that of a user.
    pub(super) fn for_caller(self, authority: &Authority) -> UserError {
        match (self, authority.limits()) {
            (Self::Group, Some(_)) => UserError::NameTaken,
            (refused, _) => Invalid::from(refused).into(),
        }
    }
}

impl From<NameRefused> for Invalid {
    fn from(refused: NameRefused) -> Self {
        Self::new("user_name", refused.to_string())
    }
}

/// Checks that the person may be given the name that `state` has.
///
/// # Errors
/// When the database fails.
pub(super) async fn check_new_name(
    tx: &mut Tx,
    reserved: &ReservedNames,
    state: &UserState,
) -> Result<Result<(), NameRefused>, DbError> {
    if let Err(form) = state.user_name.check_new() {
        return Ok(Err(form.into()));
    }
    namespace::lock(tx, &[(state.user_name.key(), Claim::User)]).await?;
    let is_group = namespace::is_group_name(tx, state.user_name.key()).await?;
    Ok(reserved.check(state, is_group))
}

impl ReservedNames {
    /// Checks that the person may be given the name that `state` has, which is that of a group or not.
    pub(super) fn check(&self, state: &UserState, is_group: bool) -> Result<(), NameRefused> {
        state.user_name.check_new()?;
        let skeleton = state.user_name.skeleton();
        if is_group || skeleton == self.administrators {
            return Err(NameRefused::Group);
        }
        let administrates = state.groups.iter().any(|group| group == ADMINISTRATORS);
        if !administrates && self.reserved.contains(&skeleton) {
            return Err(NameRefused::Reserved);
        }
        Ok(())
    }
}
