//! A provisioning client: its scope, the networks that it calls from, and its tokens.

use std::collections::BTreeSet;
use std::net::IpAddr;

use chassis::clock::Timestamp;
use chassis::db::DbError;
use chassis::network::Network;
use uuid::Uuid;

use super::store::{ClientRow, TokenRow};

/// The scopes that a provisioning client may have: those of the SCIM endpoints, and no other.
pub(crate) const SCOPES: [&str; 4] = ["users:read", "users:write", "groups:read", "groups:write"];
/// The greatest length of a name, in characters.
const MAX_NAME_CHARS: usize = 100;
/// The most networks of a client.
const MAX_NETWORKS: usize = 50;

/// The reason why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProvisioningError {
    /// There is no such client, or no such token of it.
    #[error("no such provisioning client or token")]
    NotFound,
    /// Another client has the name.
    #[error("the name is taken")]
    NameTaken,
    /// Another client has the id, or one had it whose identifiers are not removed yet.
    #[error("the id is taken")]
    IdTaken,
    /// The client has two tokens that are valid.
    #[error("the client has two valid tokens")]
    TooManyTokens,
    /// A value does not fit.
    #[error("{field}: {reason}")]
    Invalid {
        /// The field, as requests name it.
        field: &'static str,
        /// The fault.
        reason: String,
    },
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

pub(super) fn invalid(field: &'static str, reason: impl Into<String>) -> ProvisioningError {
    ProvisioningError::Invalid {
        field,
        reason: reason.into(),
    }
}

/// A name of a client, with the key that makes it unique.
#[derive(Clone, Debug)]
pub(super) struct ClientName {
    pub(super) shown: String,
    pub(super) key: String,
}

impl ClientName {
    /// # Errors
    /// [`ProvisioningError::Invalid`].
    pub(super) fn parse(text: &str) -> Result<Self, ProvisioningError> {
        let shown = text.trim();
        let reason = match shown {
            "" => "must not be empty".to_owned(),
            // SB-34
            name if name.chars().any(char::is_control) => "control characters are not allowed".to_owned(),
            name if name.chars().count() > MAX_NAME_CHARS => format!("at most {MAX_NAME_CHARS} characters"),
            name => {
                return Ok(Self {
                    shown: name.to_owned(),
                    key: name.to_lowercase(),
                });
            }
        };
        Err(invalid("name", reason))
    }
}

/// The column of a scope.
///
/// # Errors
/// [`ProvisioningError::Invalid`] for none, and for one that is not of SCIM.
pub(super) fn scope_column(scopes: &[String]) -> Result<String, ProvisioningError> {
    let expected = || format!("expected some of {}", SCOPES.join(", "));
    if scopes.is_empty() {
        return Err(invalid("scopes", expected()));
    }
    if let Some(other) = scopes.iter().find(|scope| !SCOPES.contains(&scope.as_str())) {
        return Err(invalid("scopes", format!("{other:?}: {}", expected())));
    }
    let scopes: BTreeSet<&str> = scopes.iter().map(String::as_str).collect();
    Ok(Vec::from_iter(scopes).join(" "))
}

/// The column of a list of networks.
///
/// # Errors
/// [`ProvisioningError::Invalid`] for what is no network, and too many.
pub(super) fn networks_column(networks: &[String]) -> Result<String, ProvisioningError> {
    if networks.len() > MAX_NETWORKS {
        return Err(invalid("networks", format!("at most {MAX_NETWORKS}")));
    }
    for network in networks {
        if let Err(reason) = network.parse::<Network>() {
            return Err(invalid("networks", format!("{network:?}: {reason}")));
        }
    }
    Ok(networks.join(" "))
}

/// True if a request from `source` is allowed by a column of networks. Without any network every source is.
pub(super) fn allows_source(column: &str, source: Option<IpAddr>) -> bool {
    let mut networks = column.split(' ').filter(|network| !network.is_empty()).peekable();
    let contains = |network: &str| {
        let network = network.parse::<Network>().ok();
        network
            .zip(source)
            .is_some_and(|(network, ip)| network.contains(ip))
    };
    networks.peek().is_none() || networks.any(contains)
}

/// A provisioning client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProvisioningClient {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) networks: Vec<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) tokens: Vec<ProvisioningToken>,
}

/// A token of a provisioning client. The token itself is nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProvisioningToken {
    pub(crate) id: Uuid,
    /// The last characters.
    pub(crate) ending: String,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    /// The last use, by the minute.
    pub(crate) last_used_at: Option<Timestamp>,
}

impl ProvisioningClient {
    pub(super) fn of(row: ClientRow, tokens: Vec<TokenRow>) -> Self {
        let list = |column: &str| column.split_whitespace().map(str::to_owned).collect();
        Self {
            id: row.id,
            scopes: list(&row.scope),
            networks: list(&row.networks),
            name: row.name,
            created_at: row.created_at,
            updated_at: row.updated_at,
            tokens: tokens.into_iter().map(ProvisioningToken::of).collect(),
        }
    }
}

impl ProvisioningToken {
    pub(super) fn of(row: TokenRow) -> Self {
        Self {
            id: row.id,
            ending: row.ending,
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
        }
    }
}
