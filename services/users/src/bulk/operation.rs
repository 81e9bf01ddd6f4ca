//! One operation of a bulk request, in the transaction of the request.

use std::borrow::Cow;

use chassis::db::{DbError, Tx};
use contract::UserState;
use scim::bulk::{BulkMethod, BulkOperation, Target};
use scim::patch;
use scim::schema::{ResourceType, read};
use scim::version::IfMatch;
use scim::{Error, bulk::Created};
use serde_json::Value;
use uuid::Uuid;

use super::progress::Line;
use super::{Bulk, Rights};
use crate::authority::{Authority, Forbidden, Right};
use crate::groups::{self, GroupError};
use crate::users::{HandedOver, NewPassword, ResourceEdit, UserError, Writer};

/// The reason why an operation had no effect.
#[derive(Debug)]
pub(super) enum Failed {
    /// The operation was refused. The others go on.
    Refused(Error),
    /// The database failed, and with it the transaction.
    Db(DbError),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<UserError> for Failed {
    fn from(error: UserError) -> Self {
        error.into_scim().map_or_else(Self::Db, Self::Refused)
    }
}

impl From<GroupError> for Failed {
    fn from(error: GroupError) -> Self {
        error.into_scim().map_or_else(Self::Db, Self::Refused)
    }
}

/// The effect of an operation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Done {
    pub(super) id: Uuid,
    /// The version of the resource; `None` after a deletion.
    pub(super) version: Option<i64>,
    /// The HTTP status.
    pub(super) status: u16,
    pub(super) line: Option<Line>,
}

/// The stage in which an operation is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// All of it.
    Whole,
    /// The creation of a resource of a circle, without its circular references. It is checked when it is complete.
    FirstHalf,
    /// The circular references of a resource that was created.
    SecondHalf,
}

/// An operation whose references are resolved.
pub(super) struct Resolved {
    pub(super) method: BulkMethod,
    pub(super) stage: Stage,
    /// True if the resource is a user; it is a group otherwise.
    pub(super) is_of_users: bool,
    pub(super) id: Option<Uuid>,
    pub(super) condition: IfMatch,
    pub(super) data: Value,
}

impl Resolved {
    /// The writer of this part. A resource of a circle is checked as a whole when it is complete, because no rule of a delegation is
    /// about half of a user. A caller who creates no users begins none.
    fn writer<'a>(&self, writer: &'a Writer) -> Result<Cow<'a, Writer>, Failed> {
        if self.stage == Stage::Whole || writer.authority.limits().is_none() {
            return Ok(Cow::Borrowed(writer));
        }
        if !writer.authority.has_anywhere(Right::Create) {
            return Err(UserError::from(Forbidden::CreatesOutside).into());
        }
        Ok(Cow::Owned(Writer {
            authority: Authority::EVERYBODY,
            ..writer.clone()
        }))
    }
}

impl Bulk {
    /// Resolves the references of an operation, with `data` in place of its own, and checks the rights.
    pub(super) fn resolve(
        &self,
        operation: &BulkOperation,
        data: Option<&Value>,
        created: &Created,
        rights: &Rights,
    ) -> Result<Resolved, Error> {
        let target = operation.target.as_ref().map_err(Clone::clone)?;
        let resource_type = self.type_of(target, rights)?;
        let id = match created.resolve_target(target)?.id {
            None => None,
            Some(id) => Some(id.parse().map_err(|_| Error::not_found())?),
        };
        let condition = match operation.method {
            BulkMethod::Post => IfMatch::Any,
            _ => IfMatch::parse(operation.version.as_deref())
                .map_err(|_| Error::invalid_value("version", "expected an entity tag such as W/\"3\""))?,
        };
        let data_is_partial = data.is_some();
        let mut data = data.unwrap_or(&operation.data).clone();
        created.resolve(&mut data, operation.method, resource_type)?;
        Ok(Resolved {
            method: operation.method,
            stage: match data_is_partial {
                true => Stage::FirstHalf,
                false => Stage::Whole,
            },
            is_of_users: self.is_of_users(resource_type),
            id,
            condition,
            data,
        })
    }

    /// The type of the resource of an operation, which the caller may change.
    fn type_of(&self, target: &Target, rights: &Rights) -> Result<&ResourceType, Error> {
        let found = self.registry.of_endpoint(&target.endpoint);
        let resource_type = found.ok_or_else(Error::no_such_endpoint)?;
        let (allowed, scope) = match self.is_of_users(resource_type) {
            true => (rights.users, "users:write"),
            false => (rights.groups, "groups:write"),
        };
        match allowed {
            true => Ok(resource_type),
            false => Err(Error::new(403, format!("the token lacks the scope {scope}"))),
        }
    }

    fn is_of_users(&self, resource_type: &ResourceType) -> bool {
        resource_type.endpoint == self.registry.users().endpoint
    }

    /// The user that a creation asks for, to be inserted.
    pub(super) fn prepare_user(
        &self,
        creation: &Resolved,
        rights: &Rights,
        handed: Option<HandedOver>,
    ) -> Result<UserState, Failed> {
        let body = read(&creation.data, self.registry.users())?;
        let writer = creation.writer(&rights.writer)?;
        Ok(self.users.prepare_with_password(body, &writer, handed)?)
    }

    /// The password of an operation on users, if it has one. `data` is in place of that of the operation. What refuses the operation
    /// now is an error.
    pub(super) async fn find_password(
        &self,
        (operation, data): (&BulkOperation, Option<&Value>),
        created: &Created,
        rights: &Rights,
    ) -> Result<Option<NewPassword>, Failed> {
        let resolved = self.resolve(operation, data, created, rights)?;
        let Some(id) = resolved.id else {
            let body = read(&resolved.data, self.registry.users())?;
            let writer = resolved.writer(&rights.writer)?;
            let (user, password) = self.users.prepare_resource(body, &writer)?;
            let Some(password) = password else { return Ok(None) };
            if !rights.writer.authority.has_anywhere(Right::SetPassword) {
                return Err(UserError::from(Forbidden::Password).into());
            }
            self.users
                .check_name_is_free(&user, &rights.writer.authority)
                .await?;
            return Ok(Some(NewPassword { user, password }));
        };
        let edit = self.edit_of(&resolved)?;
        let place = (id, &resolved.condition);
        Ok(self.users.find_password(place, &edit, &rights.writer).await?)
    }

    /// The change that an operation makes of a user.
    fn edit_of(&self, operation: &Resolved) -> Result<ResourceEdit, Error> {
        Ok(match operation.method {
            BulkMethod::Patch => ResourceEdit::Patch(patch::parse_of_bulk(&operation.data)?),
            BulkMethod::Put | BulkMethod::Post | BulkMethod::Delete => {
                ResourceEdit::Replace(read(&operation.data, self.registry.users())?)
            }
        })
    }

    /// Runs an operation, with the password that was handed over for it.
    pub(super) async fn apply(
        &self,
        tx: &mut Tx,
        operation: Resolved,
        (rights, handed): (&Rights, Option<HandedOver>),
    ) -> Result<Done, Failed> {
        match operation.is_of_users {
            true => self.apply_to_user(tx, operation, (rights, handed)).await,
            false => self.apply_to_group(tx, operation, &rights.writer).await,
        }
    }

    async fn apply_to_user(
        &self,
        tx: &mut Tx,
        operation: Resolved,
        (rights, handed): (&Rights, Option<HandedOver>),
    ) -> Result<Done, Failed> {
        let Some(id) = operation.id else {
            let state = self.prepare_user(&operation, rights, handed)?;
            self.users
                .insert_new(tx, &state, &rights.writer.authority)
                .await?;
            return Ok(user_created(&state));
        };
        if operation.method == BulkMethod::Delete {
            self.users
                .delete_in(tx, id, (&operation.condition, &rights.writer.authority))
                .await?;
            return Ok(deleted(id, Line::UserDeleted(id)));
        }
        let edit = self.edit_of(&operation)?;
        let writer = operation.writer(&rights.writer)?;
        let (target, by) = ((id, &operation.condition), (&*writer, handed));
        let (state, change) = self.users.change_resource_in(tx, target, edit, by).await?;
        if operation.stage == Stage::SecondHalf {
            let authority = &rights.writer.authority;
            self.users
                .check_creation(authority, &state)
                .map_err(UserError::from)?;
        }
        Ok(Done {
            id,
            version: Some(state.version),
            status: 200,
            line: change.map(|change| Line::UserChanged(id, change)),
        })
    }

    async fn apply_to_group(
        &self,
        tx: &mut Tx,
        operation: Resolved,
        writer: &Writer,
    ) -> Result<Done, Failed> {
        let (groups, condition) = (&self.groups, &operation.condition);
        let Some(id) = operation.id else {
            check_whole(&writer.authority)?;
            let desired = groups::to_desired_group(&operation.data, writer, self.registry.groups())?;
            let group = groups.create_in(tx, desired).await?;
            return Ok(Done {
                id: group.id,
                version: Some(group.revision),
                status: 201,
                line: Some(Line::GroupCreated(group.id)),
            });
        };
        let (group, changed) = match operation.method {
            BulkMethod::Delete => {
                check_whole(&writer.authority)?;
                groups.delete_in(tx, id, condition).await?;
                return Ok(deleted(id, Line::GroupDeleted(id)));
            }
            BulkMethod::Patch => {
                let operations = patch::parse_of_bulk(&operation.data)?;
                groups.patch_in(tx, (id, condition), &operations, writer).await?
            }
            BulkMethod::Put | BulkMethod::Post => {
                let desired = groups::to_desired_group(&operation.data, writer, self.registry.groups())?;
                groups
                    .change_in(tx, id, (condition, &writer.authority), desired.into())
                    .await?
            }
        };
        Ok(Done {
            id,
            version: Some(group.revision),
            status: 200,
            line: changed.then_some(Line::GroupChanged(id)),
        })
    }
}

/// Checks that a caller may create and delete groups: one who administers everything.
fn check_whole(authority: &Authority) -> Result<(), GroupError> {
    match authority.limits() {
        None => Ok(()),
        Some(_) => Err(Forbidden::MembersOnly.into()),
    }
}

/// The effect of the creation of a user.
pub(super) fn user_created(state: &UserState) -> Done {
    Done {
        id: state.id,
        version: Some(state.version),
        status: 201,
        line: Some(Line::UserCreated(state.id)),
    }
}

fn deleted(id: Uuid, line: Line) -> Done {
    Done {
        id,
        version: None,
        status: 204,
        line: Some(line),
    }
}
