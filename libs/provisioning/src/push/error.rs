//! The reasons why a resource was not brought to its state.

use chassis::db::DbError;
use uuid::Uuid;

use crate::ProvisioningError;
use crate::remote::RemoteError;

/// The reason why a resource was not brought to its state.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PushError {
    /// The target failed or refused.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// The account at the target is that of another user or group here, for now.
    #[error("the resource {remote_id} at the target belongs to {owner}")]
    Held { remote_id: String, owner: Uuid },
    /// The account at the target that has the name was not pushed from here, and the rules do not allow to adopt it.
    #[error("{} with this name is not managed from here: {remote_id}", account(.kind))]
    NotManaged { kind: &'static str, remote_id: String },
    /// The resource with the known id has neither our `externalId` nor the name that was pushed last.
    #[error(
        "the resource {remote_id} at the target has not the externalId that was pushed, and is left alone"
    )]
    Unrecognised { remote_id: String },
    /// Another replica has claimed the resource meanwhile.
    #[error("another replica has taken the push over")]
    Lost,
    /// Several accounts at the target fit.
    #[error("{count} resources at the target have this {attribute}")]
    Ambiguous { attribute: &'static str, count: usize },
    /// The group has more members than one request may have, and the target understands no PATCH.
    #[error("the group has more than {limit} members, and the target understands no PATCH")]
    TooManyMembers { limit: i64 },
    /// A mapping gave no user name.
    #[error("the mapping gives no userName")]
    NoUserName,
    /// The push could not be prepared.
    #[error(transparent)]
    Own(ProvisioningError),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// A resource of a kind, in an error.
fn account(kind: &str) -> &'static str {
    match kind {
        "group" => "a group",
        _ => "an account",
    }
}

impl PushError {
    /// The resource at the target that it is about.
    pub(crate) fn into_remote_id(self) -> Option<String> {
        match self {
            Self::Held { remote_id, .. }
            | Self::NotManaged { remote_id, .. }
            | Self::Unrecognised { remote_id } => Some(remote_id),
            _ => None,
        }
    }

    /// True if waiting seldom changes it.
    pub(super) fn is_permanent(&self) -> bool {
        match self {
            Self::Remote(error) => error.is_permanent(),
            Self::NotManaged { .. }
            | Self::Unrecognised { .. }
            | Self::Ambiguous { .. }
            | Self::TooManyMembers { .. }
            | Self::NoUserName => true,
            Self::Held { .. } | Self::Lost | Self::Own(_) | Self::Db(_) => false,
        }
    }
}
