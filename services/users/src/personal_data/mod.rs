//! The data that this service holds about one person, for the answer to their request (Regulation (EU) 2016/679, Article 15).

mod store;

use chassis::clock::Timestamp;
use chassis::db::{Db, DbError};
use contract::{GroupId, UserId, UserState};
use serde::Serialize;

use crate::delegations::{self, Delegation};
use crate::{groups, users};

/// Everything about one person.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct PersonalData {
    /// The id.
    pub(crate) id: UserId,
    /// The record, with the attributes that only some callers may read; that of a deleted person until they are erased.
    pub(crate) user: Option<UserState>,
    /// The groups of which the person is a direct member.
    pub(crate) groups: Vec<GroupOfPerson>,
    /// The registration.
    pub(crate) registration: Option<RegistrationData>,
    /// The deletion.
    pub(crate) deletion: Option<Deletion>,
    /// The administration of others that was delegated to the person, and not to a group.
    pub(crate) delegations: Vec<DelegationToPerson>,
    /// The applications that the person is pushed to.
    pub(crate) applications: Vec<provisioning::Account>,
}

/// A group of a person.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct GroupOfPerson {
    id: GroupId,
    display_name: String,
}

/// A delegation: over the members of a group, or over the users whom a filter matches.
#[derive(Debug, Serialize, schemars::JsonSchema)]
pub(crate) struct DelegationToPerson {
    members_of: Option<GroupId>,
    users_matching: Option<String>,
    /// The rights, separated by spaces.
    rights: String,
    created_at: Timestamp,
}

impl From<Delegation> for DelegationToPerson {
    fn from(delegation: Delegation) -> Self {
        Self {
            members_of: delegation.members_of,
            users_matching: delegation.users_matching,
            rights: delegation.rights.to_string(),
            created_at: delegation.created_at,
        }
    }
}

/// A registration and its answer.
#[derive(Debug, Serialize, schemars::JsonSchema, sqlx_macros::FromRow)]
pub(crate) struct RegistrationData {
    outcome: String,
    decided_at: Timestamp,
}

/// A deletion.
#[derive(Debug, Serialize, schemars::JsonSchema, sqlx_macros::FromRow)]
pub(crate) struct Deletion {
    deleted_at: Timestamp,
    /// The time at which the authentication service reported that it erased what it held.
    erased_at: Option<Timestamp>,
}

/// Collects what this service holds about a person; `None` when it knows nobody with this id.
///
/// # Errors
/// When the database fails.
pub(crate) async fn find(db: &Db, id: UserId) -> Result<Option<PersonalData>, DbError> {
    let mut reader = db.reader().await?;
    let user = users::find(&mut reader, id).await?;
    let of_user = match &user {
        Some(_) => groups::with_member(&mut reader, id).await?,
        None => Vec::new(),
    };
    let groups = groups::of_ids(&mut reader, &of_user).await?;
    let deleted = store::deleted_record(&mut reader, id).await?;
    let deleted = deleted
        .map(|document| serde_json::from_str(&document))
        .transpose();
    let deleted = deleted.map_err(|error| DbError::Other(sqlx::Error::Decode(Box::new(error))))?;
    let data = PersonalData {
        id,
        user: user.or(deleted),
        groups: groups
            .into_iter()
            .map(|group| GroupOfPerson {
                id: group.id,
                display_name: group.name,
            })
            .collect(),
        registration: store::registration(&mut reader, id).await?,
        deletion: store::deletion(&mut reader, id).await?,
        delegations: delegations::given_to(&mut reader, id)
            .await?
            .into_iter()
            .map(Into::into)
            .collect(),
        applications: provisioning::accounts_of(&mut reader, id).await?,
    };
    let known = data.user.is_some() || data.registration.is_some() || data.deletion.is_some();
    Ok(known.then_some(data))
}
