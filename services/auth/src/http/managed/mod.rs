//! `/admin/v1/managed`: the clients and protected hosts that declarative files manage, for `vestibule apply`.

pub(crate) mod clients;
pub(crate) mod hosts;
#[cfg(test)]
mod tests;

use chassis::clock::Timestamp;
use chassis::db::next_cursor;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::managed::{Ending, Expected, FileName, Managed};

/// The most marks of one page.
const MAX_LIMIT: u16 = 500;

/// The query of the lists.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ManagedQuery {
    /// The `next` of an earlier page.
    #[serde(default)]
    after: String,
    /// The most objects of one page.
    #[serde(default = "default_limit")]
    #[schemars(range(min = 1, max = MAX_LIMIT))]
    limit: u16,
}

fn default_limit() -> u16 {
    100
}

/// The query of the end of a management.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ManagedBy {
    /// The name of the file that manages the object.
    managed_by: FileName,
    /// `true`: the object stays, and no file manages it. Without it the object is deleted, if the file made it.
    #[serde(default)]
    release: bool,
}

impl ManagedBy {
    fn ending(&self) -> Ending {
        match self.release {
            true => Ending::Release,
            false => Ending::Delete,
        }
    }
}

/// The change that a file made to an object, for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Applied {
    /// The object is new.
    Created,
    /// Another file managed it before, or none.
    Adopted,
    /// It has other settings now, or another secret.
    Changed,
    /// It is as it was; the mark is newer.
    Unchanged,
}

impl Applied {
    /// The change to an object that has `version` now.
    fn of(expected: Expected, version: i64, owner: Option<&FileName>, managed_by: &FileName) -> Self {
        match expected {
            Expected::Absent => Self::Created,
            Expected::Version(_) if owner != Some(managed_by) => Self::Adopted,
            Expected::Version(before) if before != version => Self::Changed,
            Expected::Version(_) => Self::Unchanged,
        }
    }

    /// The file that managed the object before, if another one did.
    fn former(self, owner: Option<&FileName>) -> Option<&str> {
        match self {
            Self::Adopted => owner.map(FileName::as_str),
            Self::Created | Self::Changed | Self::Unchanged => None,
        }
    }
}

/// The mark of an object that a declarative file manages.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ManagedObject")]
pub(crate) struct ManagedView {
    /// The `client_id` of a client, or the host with its port.
    id: String,
    /// The name of the file that manages it.
    managed_by: String,
    /// `true` if the file made it. It may release what it took over, and not delete it.
    made: bool,
    /// The settings that the file wrote last: the metadata of a client, or name and rules of a host. Where the object has others now, somebody changed it since.
    settings: Value,
    applied_at: Timestamp,
}

/// One page of marks in the order of the ids.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ManagedObjectPage")]
pub(crate) struct ManagedPage {
    managed: Vec<ManagedView>,
    /// The `after` of the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl ManagedPage {
    fn new(found: Vec<Managed>, limit: u16) -> Self {
        let next = next_cursor(&found, i64::from(limit), |mark| mark.id.clone());
        let view = |mark: Managed| ManagedView {
            id: mark.id,
            managed_by: mark.managed_by,
            made: mark.made,
            settings: mark.settings,
            applied_at: mark.applied_at,
        };
        Self {
            managed: found.into_iter().map(view).collect(),
            next,
        }
    }
}
