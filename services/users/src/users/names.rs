//! The rules for user names that are given to somebody who does not have them yet (SB-49).

use std::collections::HashSet;

use chassis::db::{DbError, Tx};
use contract::{InvalidUserName, UserName, UserState};

use super::Invalid;
use crate::namespace::{self, ADMINISTRATORS};

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
    namespace::lock(tx, state.user_name.key()).await?;
    let skeleton = state.user_name.skeleton();
    if skeleton == reserved.administrators || namespace::is_group_name(tx, state.user_name.key()).await? {
        return Ok(Err(NameRefused::Group));
    }
    let administrates = state.groups.iter().any(|group| group == ADMINISTRATORS);
    if !administrates && reserved.reserved.contains(&skeleton) {
        return Ok(Err(NameRefused::Reserved));
    }
    Ok(Ok(()))
}
