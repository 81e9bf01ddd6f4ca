//! The directory: users and groups together, as consumers and targets see them, in the snapshot, in outbound provisioning
//! and after a restoration; and the restoration of deleted users.

mod deleted_users;
mod provisioned;
mod restore;
mod snapshot;
#[cfg(test)]
mod tests;

pub(crate) use deleted_users::DeletedUsers;
pub(crate) use provisioned::ProvisionedDirectory;
pub(crate) use restore::Restore;
pub(crate) use snapshot::DirectorySnapshot;
