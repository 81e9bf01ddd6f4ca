//! The directory: users and groups together, as consumers see them, in the snapshot and after a restoration.

mod restore;
mod snapshot;
#[cfg(test)]
mod tests;

pub(crate) use restore::Restore;
pub(crate) use snapshot::DirectorySnapshot;
