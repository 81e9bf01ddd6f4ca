//! The authority of a caller of the directory: everybody, or what was delegated to a person
//! (`docs/decisions/0047-delegated-administrators.md`).
//!
//! Use cases take it as a parameter, so that none can forget it. It depends on nothing but the state of a user, and is checked
//! under the lock of a change.

mod delegated;
mod rights;

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use chassis::access::BoxFuture;
use chassis::db::{DbError, Tx};
use contract::{GroupId, UserId, UserState};
use serde_json::Value;

pub(crate) use delegated::{Delegated, Extent, GroupSet, Held, Protected};
pub(crate) use rights::{InvalidRight, Right, Rights};

/// The reason why a caller may not make a change of what it may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Forbidden {
    /// No delegation of the caller has the right, or the user is one whom only administrators change.
    #[error(
        "this is not delegated to you; users who administer themselves are changed by members of vestibule-admins alone"
    )]
    NotDelegated,
    /// After the change, the caller could change the user no more.
    #[error("the change would move the user out of what is delegated to you")]
    MovesOut,
    /// The new user would not be among those that the caller may create.
    #[error("the new user would be outside of what is delegated to you")]
    CreatesOutside,
    /// After the change, the caller would have rights over a user that it does not have now.
    #[error("the change would give you rights over a user that you do not have")]
    GainsRights,
    /// No delegation of the caller has the right to set the password of the user.
    #[error("password: to set it is not delegated to you")]
    Password,
    /// Of a group, members alone are delegated: users, and neither its name nor groups in it.
    #[error("of a group, the users that are its members are delegated, and nothing else")]
    MembersOnly,
    /// The delegations ended after the request began.
    #[error("nothing is delegated to you any more")]
    Ended,
}

/// The reader of what is delegated to one person.
pub(crate) trait Source: Send + Sync {
    /// The authority of the person now, as the transaction sees it; `None` when nothing is delegated to them.
    fn read<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Option<Authority>, DbError>>;
}

/// The authority of a caller.
#[derive(Clone, Default)]
pub(crate) struct Authority {
    delegated: Option<Arc<Delegated>>,
    source: Option<Arc<dyn Source>>,
}

impl Authority {
    /// The authority over everybody.
    pub(crate) const EVERYBODY: Self = Self {
        delegated: None,
        source: None,
    };

    /// The authority of a delegated administrator.
    pub(crate) fn delegated(delegated: Delegated) -> Self {
        Self {
            delegated: Some(Arc::new(delegated)),
            source: None,
        }
    }

    /// The same authority, which every change [reads again](Self::read_again).
    #[must_use]
    pub(crate) fn with_source(self, source: Arc<dyn Source>) -> Self {
        Self {
            source: Some(source),
            ..self
        }
    }

    /// The same authority, which no change reads again, for a caller that compares it before the commit.
    #[must_use]
    pub(crate) fn without_source(self) -> Self {
        Self { source: None, ..self }
    }

    /// The authority of the caller at this moment, for a transaction that holds the locks of its change: a request may have taken
    /// long since its authority was read (SB-47).
    ///
    /// # Errors
    /// When the database fails; [`Forbidden::Ended`] inside.
    pub(crate) async fn read_again(&self, tx: &mut Tx) -> Result<Result<Self, Forbidden>, DbError> {
        match &self.source {
            None => Ok(Ok(self.clone())),
            Some(source) => Ok(source.read(tx).await?.ok_or(Forbidden::Ended)),
        }
    }

    /// The delegations of the caller; `None` for the authority over everybody.
    pub(crate) fn limits(&self) -> Option<&Delegated> {
        self.delegated.as_deref()
    }

    /// A text that differs when other users are delegated: cursors are bound to it, because their positions are in what is delegated.
    pub(crate) fn extent_text(&self) -> String {
        self.limits().map(Delegated::extent_text).unwrap_or_default()
    }

    /// The person to whom what the authority has is delegated.
    pub(crate) fn holder(&self) -> Option<UserId> {
        self.limits().and_then(Delegated::holder)
    }

    /// True if a user is one whom the caller may never change.
    pub(crate) fn is_protected(&self, state: &UserState) -> bool {
        self.limits().is_some_and(|delegated| delegated.protects(state))
    }

    /// The rights over a user, whose resource `resource` makes.
    pub(crate) fn rights_over<R: Borrow<Value>>(
        &self,
        state: &UserState,
        resource: impl FnOnce() -> R,
    ) -> Rights {
        match self.limits() {
            None => Rights::OVER_USERS,
            Some(delegated) => delegated.rights_over(state, resource),
        }
    }

    /// True if the caller has a right over any users at all.
    pub(crate) fn has_anywhere(&self, right: Right) -> bool {
        self.limits()
            .is_none_or(|delegated| delegated.has_anywhere(right))
    }

    /// True if a group may be seen.
    pub(crate) fn sees_group(&self, id: GroupId) -> bool {
        self.limits().is_none_or(|delegated| delegated.sees_group(id))
    }

    /// True if the members of a group may be changed.
    pub(crate) fn manages_members_of(&self, id: GroupId) -> bool {
        self.limits()
            .is_none_or(|delegated| delegated.manages_members_of(id))
    }
}

/// Two authorities are equal if they have the same delegations.
impl PartialEq for Authority {
    fn eq(&self, other: &Self) -> bool {
        self.delegated == other.delegated
    }
}

impl Eq for Authority {}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Authority").field(&self.delegated).finish()
    }
}
