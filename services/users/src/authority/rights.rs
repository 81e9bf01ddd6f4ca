//! Rights over users, and sets of them.

use std::fmt;
use std::str::FromStr;

/// A right that can be delegated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Right {
    /// To read users. Every delegation has it.
    Read,
    /// To change users.
    Write,
    /// To create users.
    Create,
    /// To delete users.
    Delete,
    /// To add members to a group, and to remove them.
    ManageMembers,
    /// To set passwords of users whom one may create or change.
    SetPassword,
}

impl Right {
    /// Every right, in order.
    pub(crate) const EACH: [Self; 6] = [
        Self::Read,
        Self::Write,
        Self::Create,
        Self::Delete,
        Self::ManageMembers,
        Self::SetPassword,
    ];

    /// The name in requests.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Create => "create",
            Self::Delete => "delete",
            Self::ManageMembers => "manage_members",
            Self::SetPassword => "set_password",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Read => 1,
            Self::Write => 2,
            Self::Create => 4,
            Self::Delete => 8,
            Self::ManageMembers => 16,
            Self::SetPassword => 32,
        }
    }
}

/// A text is the name of no right.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?}: expected some of read, write, create, delete, manage_members, set_password")]
pub(crate) struct InvalidRight(String);

impl FromStr for Right {
    type Err = InvalidRight;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::EACH.into_iter().find(|right| right.as_str() == text);
        found.ok_or_else(|| InvalidRight(text.to_owned()))
    }
}

/// A set of rights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rights(u8);

impl Rights {
    /// No right.
    pub(crate) const NONE: Self = Self(0);
    /// The right that every delegation has.
    pub(crate) const READ: Self = Self(1);
    /// The rights that one can have over a user. To manage members is a right over a group.
    pub(crate) const OVER_USERS: Self = Self(47);

    /// True if the right is in the set.
    pub(crate) const fn has(self, right: Right) -> bool {
        self.0 & right.bit() != 0
    }

    /// The set with another right.
    #[must_use]
    pub(crate) const fn with(self, right: Right) -> Self {
        Self(self.0 | right.bit())
    }

    /// The rights of both sets.
    #[must_use]
    pub(crate) const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The rights that both sets have.
    #[must_use]
    pub(crate) const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// True if every right of `other` is in the set.
    pub(crate) const fn covers(self, other: Self) -> bool {
        self.0 | other.0 == self.0
    }

    /// The rights, in order.
    pub(crate) fn iter(self) -> impl Iterator<Item = Right> {
        Right::EACH.into_iter().filter(move |right| self.has(*right))
    }
}

impl FromIterator<Right> for Rights {
    fn from_iter<I: IntoIterator<Item = Right>>(rights: I) -> Self {
        rights.into_iter().fold(Self::NONE, Self::with)
    }
}

/// The names, separated by spaces.
impl fmt::Display for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.iter().map(Right::as_str).collect();
        f.write_str(&names.join(" "))
    }
}
