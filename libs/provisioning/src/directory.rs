//! The directory as provisioning reads it: the trait that the user service implements.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;

use chassis::db::{DbError, Reader};
use serde_json::{Map, Value};
use uuid::Uuid;

/// The result of a query, as a boxed future.
pub type DirectoryFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, DbError>> + Send + 'a>>;

/// A user as they are now.
#[derive(Clone, Debug)]
pub struct DirectoryUser {
    /// The id.
    pub id: Uuid,
    /// True if the user may sign in.
    pub active: bool,
    /// True if the user was deleted and can still be restored.
    pub deleted: bool,
    /// The groups of which the user is a direct member.
    pub groups: Vec<Uuid>,
    /// The SCIM resource (RFC 7643 §4.1).
    pub resource: Map<String, Value>,
}

/// A group as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryGroup {
    /// The id.
    pub id: Uuid,
    /// The name.
    pub display_name: String,
}

/// A group that is a direct member of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Nesting {
    /// The group that is a member.
    pub group: Uuid,
    /// The group that it is a member of.
    pub parent: Uuid,
}

/// The users and groups, as they are now. Each method answers of one state of the database, and none depends on an event.
pub trait Directory: Send + Sync + 'static {
    /// Those of the ids that are users.
    fn users<'a>(
        &'a self,
        reader: &'a mut Reader,
        ids: &'a [Uuid],
    ) -> DirectoryFuture<'a, Vec<DirectoryUser>>;

    /// The users after an id, in the order of their ids.
    fn users_after<'a>(
        &'a self,
        reader: &'a mut Reader,
        after: Uuid,
        limit: i64,
    ) -> DirectoryFuture<'a, Vec<DirectoryUser>>;

    /// Those of the ids that are groups.
    fn groups<'a>(
        &'a self,
        reader: &'a mut Reader,
        ids: &'a [Uuid],
    ) -> DirectoryFuture<'a, Vec<DirectoryGroup>>;

    /// The groups after an id, in the order of their ids.
    fn groups_after<'a>(
        &'a self,
        reader: &'a mut Reader,
        after: Uuid,
        limit: i64,
    ) -> DirectoryFuture<'a, Vec<DirectoryGroup>>;

    /// Every membership of a group in a group, from these groups upwards.
    fn nestings_above<'a>(
        &'a self,
        reader: &'a mut Reader,
        groups: &'a [Uuid],
    ) -> DirectoryFuture<'a, Vec<Nesting>>;

    /// Those of the groups that are there, and all groups in them.
    fn groups_below<'a>(
        &'a self,
        reader: &'a mut Reader,
        groups: &'a [Uuid],
    ) -> DirectoryFuture<'a, BTreeSet<Uuid>>;

    /// The users in any of these groups, directly, after an id, in the order of their ids.
    fn members_after<'a>(
        &'a self,
        reader: &'a mut Reader,
        groups: &'a [Uuid],
        after: Uuid,
        limit: i64,
    ) -> DirectoryFuture<'a, Vec<Uuid>>;
}
