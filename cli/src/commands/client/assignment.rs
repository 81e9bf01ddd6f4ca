//! The options that stand for the assignment of people to a client, and its roles.

use std::convert::Infallible;
use std::str::FromStr;

use oidc::client::ClientMetadata;

/// The options about assignment and roles. What is not given is left as it is.
#[derive(Debug, clap::Args)]
pub(super) struct AssignmentArgs {
    /// Way to reach the people who run the application, such as an e-mail address; who may not use it is told to ask there
    #[arg(long, value_name = "CONTACT")]
    contact: Vec<String>,
    /// True if only people who are assigned may use it: members of the allowed groups, and people with one of its roles
    #[arg(long, value_name = "BOOL")]
    require_assignment: Option<bool>,
    /// Group whose members may use it; may be given several times
    #[arg(long, value_name = "GROUP")]
    allow_group: Vec<String>,
    /// Role, with the groups whose members have it: editor, or editor=Board,Editors; may be given several times
    #[arg(long, value_name = "ROLE[=GROUP,...]")]
    role: Vec<RoleArg>,
}

/// A role and its groups.
#[derive(Clone, Debug)]
struct RoleArg {
    name: String,
    groups: Vec<String>,
}

impl FromStr for RoleArg {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let (name, groups) = text.split_once('=').unwrap_or((text, ""));
        let groups = groups.split(',').map(str::trim).filter(|group| !group.is_empty());
        Ok(Self {
            name: name.to_owned(),
            groups: groups.map(str::to_owned).collect(),
        })
    }
}

impl AssignmentArgs {
    /// True if an option was given.
    pub(super) fn is_given(&self) -> bool {
        !self.contact.is_empty()
            || self.require_assignment.is_some()
            || !self.allow_group.is_empty()
            || !self.role.is_empty()
    }

    /// Writes the given options into `metadata`. A role that it has already keeps its description.
    pub(super) fn apply(&self, metadata: &mut ClientMetadata) {
        if !self.contact.is_empty() {
            metadata.contacts.clone_from(&self.contact);
        }
        if let Some(require) = self.require_assignment {
            metadata.require_assignment = require;
            if !require {
                metadata.allowed_groups.clear();
            }
        }
        if !self.allow_group.is_empty() {
            metadata.allowed_groups.clone_from(&self.allow_group);
        }
        if !self.role.is_empty() {
            let mut before = std::mem::take(&mut metadata.roles);
            for role in &self.role {
                let mut definition = before.remove(&role.name).unwrap_or_default();
                definition.groups.clone_from(&role.groups);
                metadata.roles.insert(role.name.clone(), definition);
            }
        }
    }
}
