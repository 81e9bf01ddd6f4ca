//! The namespace that the names of users and groups share: nobody has a name that somebody else, or a group, has.

mod store;

use chassis::db::{Connection, DbError};
use contract::{MAX_GROUP_LEVELS, UserId};
pub(crate) use store::{
    group_ids_among, group_names_among, is_group_name, is_user_id, is_user_name, lock, lock_texts,
};

/// The name of the group whose members administer, there from the first migration on.
pub(crate) const ADMINISTRATORS: &str = "vestibule-admins";

/// True if a user is an administrator: a member of their group, or of a group in it.
///
/// # Errors
/// When the database fails.
pub(crate) async fn is_administrator(
    connection: &mut impl Connection,
    user: UserId,
) -> Result<bool, DbError> {
    store::is_effective_member(connection, ADMINISTRATORS, user, MAX_GROUP_LEVELS).await
}

/// The number of locks for names. Never to change: two replicas would lock the same name differently.
const BUCKETS: u32 = 64;

/// The kind of thing that is to have a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// A user. Users get names side by side.
    User,
    /// A group. Nobody else gets a name of the bucket meanwhile.
    Group,
}

/// The bucket of the name with this key: its FNV-1a hash.
fn bucket(key: &str) -> u32 {
    let hash = key.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    // The low bits of FNV are its weakest: fold the high ones in.
    (hash ^ (hash >> 16)) % BUCKETS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_in_its_bucket() {
        // Replicas of two versions run side by side.
        assert_eq!(["ann", "bob", "vestibule-admins"].map(bucket), [49, 18, 32]);
    }
}
