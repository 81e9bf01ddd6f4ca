//! Client assertions that were used: each is accepted once (SB-27, OpenID Connect Core §9 `jti`). A database that was restored from a
//! backup has forgotten those that were used since, so that assertions of the time before are refused.

mod store;

/// The outcome of a claim of an assertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Claim {
    /// Nobody used it before.
    First,
    /// It was used before.
    Repeated,
    /// The client has too many assertions that have not expired.
    TooMany,
    /// It may have been used before the database was restored from a backup.
    BeforeRestoration,
}

pub(crate) use store::note_restoration;
pub(super) use store::{claim, sweep};
