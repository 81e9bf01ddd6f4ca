//! The steps of a plan: each makes, changes, adopts or removes one object.

use serde::Serialize;
use serde_json::Value;

use super::file::SecretSource;

/// The kind of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Client,
    ProtectedHost,
}

/// The act on an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Action {
    /// It does not exist.
    Create,
    /// The file manages it, and wants it otherwise.
    Change,
    /// It exists, and the file is to manage it from now on.
    Adopt,
    /// The file made it, and does not name it any more.
    Remove,
    /// The file took it over, and does not name it any more: it stays, and no file manages it.
    Release,
}

/// The change of one member.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct MemberChange {
    pub(super) member: String,
    pub(super) before: Option<Value>,
    pub(super) after: Option<Value>,
    /// True if somebody changed it since the file was applied.
    pub(super) drift: bool,
}

/// The act on the secrets of a client.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) enum SecretAct {
    /// It keeps what it has, or has none.
    #[default]
    None,
    /// It gets the secret of a reference.
    Set(SecretSource),
    /// A new one, which is printed before it is sent.
    Mint,
}

/// One step of a plan.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(super) action: Action,
    pub(super) kind: Kind,
    /// `client_id`, or the host with its port.
    pub(super) id: String,
    pub(super) members: Vec<MemberChange>,
    /// The further losses that the step causes, in words.
    pub(super) effects: Vec<String>,
    pub(super) secret: SecretAct,
    /// The file that manages it so far.
    pub(super) owner: Option<String>,
    /// The version that the change is for.
    pub(super) version: Option<i64>,
    /// The object as the file wants it: metadata, or host, name and rules.
    pub(super) wanted: Value,
}

impl Step {
    /// The step that makes an object, so far without its members.
    pub(super) fn create(kind: Kind, id: &str, wanted: Value) -> Self {
        Self {
            action: Action::Create,
            kind,
            id: id.to_owned(),
            members: Vec::new(),
            effects: Vec::new(),
            secret: SecretAct::None,
            owner: None,
            version: None,
            wanted,
        }
    }
}

/// The difference between a file and the installation.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(super) steps: Vec<Step>,
    /// Objects that are as the file wants them, though the file wrote something else last: the mark has to say so, that the next drift is seen.
    pub(super) outdated_marks: Vec<Step>,
    /// Objects that the file manages and does not name, each with the act that is left out without `--prune`.
    pub(super) left: Vec<(Kind, String, Action)>,
    /// Clients whose reference has another secret than they have, which stays without `--update-secrets`.
    pub(super) other_secrets: Vec<String>,
    /// References that cannot be read, so that their clients keep the secrets that they have.
    pub(super) unread_secrets: Vec<String>,
}
