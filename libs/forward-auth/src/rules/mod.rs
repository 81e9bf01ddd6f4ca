//! The rules of a protected host: the groups that may use it, paths for everybody, and paths for some.

mod pattern;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::RequestPath;

pub use pattern::{MethodError, Methods, PathPattern, PatternError};

/// The most groups, and the most paths of each kind, of a host.
const MAX_ENTRIES: usize = 100;
/// The longest name of a group, in characters.
const MAX_GROUP_NAME: usize = 200;

/// The rules of a protected host: the people who may use it, and exceptions by path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AccessRules {
    /// The names of the groups whose members may use the host. Members of groups in them may as well.
    pub groups: Vec<String>,
    /// Everybody who can sign in may use the host. Excludes `groups`.
    pub everybody: bool,
    /// Paths that need no sign-in.
    pub public: Vec<PublicPath>,
    /// Paths for members of further groups only. They precede `public`.
    pub restricted: Vec<RestrictedPath>,
}

/// A path that needs no sign-in. It is compared exactly, with regard to case. A path that servers read in different ways is never public.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PublicPath {
    /// A path such as `/health`, or a beginning such as `/static/*`.
    pub path: PathPattern,
    /// The methods of requests that are public: GET and HEAD if none is named.
    #[serde(default, skip_serializing_if = "Methods::is_empty")]
    pub methods: Methods,
}

/// A path for members of some groups, who also have to be allowed to use the host. It is compared without regard to case. Where a host
/// has such a path, paths that servers read in different ways are refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RestrictedPath {
    /// A path such as `/settings`, or a beginning such as `/admin/*`, which restricts `/admin` as well.
    pub path: PathPattern,
    /// The methods of requests that are restricted: all if none is named.
    #[serde(default, skip_serializing_if = "Methods::is_empty")]
    pub methods: Methods,
    /// The names of the groups whose members may.
    pub groups: Vec<String>,
}

/// The rules cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {detail}")]
pub struct InvalidRules {
    /// The member with the error.
    pub field: &'static str,
    /// The expectation.
    pub detail: &'static str,
}

/// The requirement of a request to a protected host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requirement<'a> {
    /// Nothing.
    Public,
    /// A signed-in person who is a member of one group of each list.
    Groups(Vec<&'a [String]>),
    /// The path cannot be compared with the restricted ones. Nobody may send it.
    Unreadable,
}

impl AccessRules {
    /// Checks what the types do not.
    ///
    /// # Errors
    /// [`InvalidRules`] names the member.
    pub fn check(&self) -> Result<(), InvalidRules> {
        let invalid = |field, detail| Err(InvalidRules { field, detail });
        match (self.groups.is_empty(), self.everybody) {
            (true, false) => return invalid("groups", "expected a group, or everybody = true"),
            (false, true) => return invalid("everybody", "expected false, since groups are named"),
            _ => {}
        }
        if !are_group_names(&self.groups) {
            return invalid("groups", "expected at most 100 names of groups");
        }
        if self.public.len() > MAX_ENTRIES {
            return invalid("public", "expected at most 100 paths");
        }
        if self.restricted.len() > MAX_ENTRIES {
            return invalid("restricted", "expected at most 100 paths");
        }
        let named = |path: &RestrictedPath| !path.groups.is_empty() && are_group_names(&path.groups);
        if !self.restricted.iter().all(named) {
            return invalid("restricted", "expected groups at every path, at most 100");
        }
        Ok(())
    }

    /// The requirement of a request with this method and path.
    pub fn requirement(&self, method: &str, path: &RequestPath) -> Requirement<'_> {
        let Some(decoded) = path.decoded() else {
            return match self.restricted.is_empty() {
                true => self.host_groups(),
                false => Requirement::Unreadable,
            };
        };
        let restricted = self
            .restricted
            .iter()
            .filter(|rule| rule.path.restricts(decoded) && rule.methods.restricts(method));
        let further: Vec<&[String]> = restricted.map(|rule| rule.groups.as_slice()).collect();
        if !further.is_empty() {
            let mut lists = further;
            if !self.everybody {
                lists.push(&self.groups);
            }
            return Requirement::Groups(lists);
        }
        let is_public = |rule: &PublicPath| rule.path.is_exactly(decoded) && rule.methods.publishes(method);
        match self.public.iter().any(is_public) {
            true => Requirement::Public,
            false => self.host_groups(),
        }
    }

    /// The requirement of the host as a whole.
    pub fn host_groups(&self) -> Requirement<'_> {
        match self.everybody {
            true => Requirement::Groups(Vec::new()),
            false => Requirement::Groups(vec![&self.groups]),
        }
    }

    /// True if a rule names the group.
    pub fn names_group(&self, group: &str) -> bool {
        let restricted = self.restricted.iter().flat_map(|rule| &rule.groups);
        self.groups.iter().chain(restricted).any(|named| named == group)
    }
}

impl Requirement<'_> {
    /// True if a signed-in member of these groups fulfils it.
    pub fn is_met_by(&self, groups: &[String]) -> bool {
        match self {
            Self::Public => true,
            Self::Groups(lists) => lists
                .iter()
                .all(|list| list.iter().any(|name| groups.contains(name))),
            Self::Unreadable => false,
        }
    }
}

fn are_group_names(names: &[String]) -> bool {
    let is_name = |name: &String| {
        (1..=MAX_GROUP_NAME).contains(&name.chars().count()) && !name.chars().any(char::is_control)
    };
    names.len() <= MAX_ENTRIES && names.iter().all(is_name)
}
