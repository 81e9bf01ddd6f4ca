//! `[protected_hosts."HOST"]`: a protected host with its name and its rules.

use forward_auth::{AccessRules, Origin, PublicPath, RestrictedPath, is_display_name};
use serde::Deserialize;
use toml::Spanned;
use toml::de::DeValue;

use super::position::Source;
use crate::error::CommandError;

/// A protected host that the installation is to have.
#[derive(Debug)]
pub(crate) struct DeclaredHost {
    pub(crate) origin: Origin,
    /// The name that people see.
    pub(crate) name: String,
    pub(crate) rules: AccessRules,
}

/// The members of the table: the name, and those of [`AccessRules`].
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Members {
    name: String,
    #[serde(default)]
    groups: Vec<String>,
    #[serde(default)]
    everybody: bool,
    #[serde(default)]
    public: Vec<PublicPath>,
    #[serde(default)]
    restricted: Vec<RestrictedPath>,
}

/// Reads the table of a host.
pub(super) fn read(
    source: Source<'_>,
    host: &str,
    value: Spanned<DeValue<'_>>,
) -> Result<DeclaredHost, CommandError> {
    let origin =
        Origin::parse(host).map_err(|error| source.at(&["protected_hosts", host], &error.to_string()))?;
    let members: Members = source.read(value)?;
    if !is_display_name(&members.name) {
        let problem = "expected 1 to 100 printable characters";
        return Err(source.at(&["protected_hosts", host, "name"], problem));
    }
    let rules = AccessRules {
        groups: members.groups,
        everybody: members.everybody,
        public: members.public,
        restricted: members.restricted,
    };
    rules
        .check()
        .map_err(|invalid| source.at(&["protected_hosts", host, invalid.field], invalid.detail))?;
    Ok(DeclaredHost {
        origin,
        name: members.name,
        rules,
    })
}
