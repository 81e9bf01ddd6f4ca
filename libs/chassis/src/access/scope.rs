//! The scopes of the APIs, as types that routes name.

use super::AccessToken;

/// A scope that a route requires.
pub trait Scope: Send + Sync + 'static {
    /// The scope token, as in the claim `scope`; of alternatives all, separated by spaces.
    const NAME: &'static str;
    /// The alternatives, if any of several scopes is enough.
    const ALTERNATIVES: &'static [&'static str] = &[];

    /// True if a token has the scope, or one of the alternatives.
    fn is_in(token: &AccessToken) -> bool {
        Self::is_among(|scope| token.allows(scope))
    }

    /// True if the scope, or one of the alternatives, is among those that `has` says are there.
    fn is_among(has: impl Fn(&str) -> bool) -> bool {
        match Self::ALTERNATIVES {
            [] => has(Self::NAME),
            any => any.iter().any(|scope| has(scope)),
        }
    }
}

macro_rules! scopes {
    ($($(#[$doc:meta])* $scope:ident = $name:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $scope;

        impl Scope for $scope {
            const NAME: &'static str = $name;
        }
    )*};
}

scopes! {
    /// `users:read`: read the directory.
    UsersRead = "users:read";
    /// `users:write`: change the directory.
    UsersWrite = "users:write";
    /// `groups:read`: read the groups and their members.
    GroupsRead = "groups:read";
    /// `groups:write`: change the groups and their members.
    GroupsWrite = "groups:write";
    /// `events:read`: read the feed.
    EventsRead = "events:read";
    /// `admin`: administer.
    Admin = "admin";
    /// `openid`: the user's own data.
    OpenId = "openid";
}

macro_rules! alternatives {
    ($($(#[$doc:meta])* $scope:ident = $first:literal or $second:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $scope;

        impl Scope for $scope {
            const NAME: &'static str = concat!($first, " ", $second);
            const ALTERNATIVES: &'static [&'static str] = &[$first, $second];
        }
    )*};
}

alternatives! {
    /// `users:read` or `groups:read`: read a part of the directory.
    AnyRead = "users:read" or "groups:read";
    /// `users:write` or `groups:write`: change a part of the directory.
    AnyWrite = "users:write" or "groups:write";
}
