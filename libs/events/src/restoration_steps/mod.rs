//! The steps that a service still has to take after its database was restored from a backup.

mod store;

pub(crate) use store::{finish, is_pending, note};

/// One of the things to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RestorationStep {
    /// A consumer behind a broker reads in the feed what the broker gave to the database that was replaced. A database has
    /// one consumer behind a broker: of two, the first to finish would take the step from the other.
    ReadFeed,
    /// The service compares itself with the one that it follows, and repairs.
    Reconcile,
}

impl RestorationStep {
    fn as_str(self) -> &'static str {
        match self {
            Self::ReadFeed => "read_feed",
            Self::Reconcile => "reconcile",
        }
    }
}
