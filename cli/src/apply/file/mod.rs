//! The declarative file: the clients and protected hosts that an installation is to have, in TOML.

mod client;
mod host;
mod position;

use std::collections::BTreeMap;
use std::path::Path;

use contract::FileName;
use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

pub(crate) use client::{DeclaredClient, SecretSource};
pub(crate) use host::DeclaredHost;
pub(crate) use position::quoted;

use crate::error::CommandError;
use position::Source;

/// The name of a file that says none.
const DEFAULT_NAME: &str = "default";

/// The content of a declarative file.
#[derive(Debug)]
pub(crate) struct Declared {
    /// The name under which objects are marked.
    pub(crate) name: FileName,
    /// The scopes that the installation has to have, with their claims.
    pub(crate) scopes: BTreeMap<String, DeclaredScope>,
    /// The clients by `client_id`.
    pub(crate) clients: BTreeMap<String, DeclaredClient>,
    /// The protected hosts by host and port.
    pub(crate) hosts: BTreeMap<String, DeclaredHost>,
}

/// A scope that the installation has to have.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeclaredScope {
    /// The claims that it has to give.
    #[serde(default)]
    pub(crate) claims: Vec<String>,
}

impl Declared {
    /// Parses a file. `name` stands in errors, and is where paths in it begin.
    ///
    /// # Errors
    /// The error names the line, the column and the key.
    pub(crate) fn parse(name: &Path, text: &str) -> Result<Self, CommandError> {
        let source = Source { name, text };
        let root = DeTable::parse(text).map_err(|error| source.syntax(&error))?;
        let mut declared = Self {
            name: source.file_name(DEFAULT_NAME)?,
            scopes: BTreeMap::new(),
            clients: BTreeMap::new(),
            hosts: BTreeMap::new(),
        };
        for (key, value) in root.into_inner() {
            match key.get_ref().as_ref() {
                "name" => {
                    let text = value.get_ref().as_str();
                    let text = text.ok_or_else(|| source.at(&["name"], "expected a text"))?;
                    declared.name = source.file_name(text)?;
                }
                "scopes" => {
                    for (scope, value) in source.tables("scopes", value)? {
                        declared.scopes.insert(scope, source.read(value)?);
                    }
                }
                "clients" => {
                    for (id, value) in source.tables("clients", value)? {
                        let client = client::read(source, &id, value)?;
                        declared.check_reference(source, &id, &client)?;
                        declared.clients.insert(id, client);
                    }
                }
                "protected_hosts" => {
                    for (host, value) in source.tables("protected_hosts", value)? {
                        let read = host::read(source, &host, value)?;
                        if declared.hosts.insert(read.origin.host(), read).is_some() {
                            return Err(source.at(&["protected_hosts", &host], "the host stands here twice"));
                        }
                    }
                }
                other => {
                    let expected = "unknown key, expected name, scopes, clients or protected_hosts";
                    return Err(source.at(&[other], expected));
                }
            }
        }
        Ok(declared)
    }

    /// Checks that no other client has the same secret: each of the two could then act as the other.
    fn check_reference(
        &self,
        source: Source<'_>,
        id: &str,
        client: &DeclaredClient,
    ) -> Result<(), CommandError> {
        let Some(secret) = &client.secret else {
            return Ok(());
        };
        let other = self
            .clients
            .iter()
            .find(|(_, other)| other.secret.as_ref() == Some(secret));
        other.map_or(Ok(()), |(other, _)| {
            let problem = format!(
                "the client {} has the same reference, and each client needs a secret of its own",
                quoted(other)
            );
            Err(source.at(&["clients", id, secret.member()], &problem))
        })
    }
}

impl Source<'_> {
    fn file_name(self, text: &str) -> Result<FileName, CommandError> {
        let name: Result<FileName, _> = text.parse();
        name.map_err(|error| self.at(&["name"], &error.to_string()))
    }

    /// The tables in a table, by their keys.
    fn tables<'i>(
        self,
        key: &str,
        value: Spanned<DeValue<'i>>,
    ) -> Result<Vec<(String, Spanned<DeValue<'i>>)>, CommandError> {
        let DeValue::Table(table) = value.into_inner() else {
            return Err(self.at(&[key], "expected a table"));
        };
        let entries = table
            .into_iter()
            .map(|(key, value)| (key.get_ref().to_string(), value));
        entries
            .map(|(name, value)| match value.get_ref() {
                DeValue::Table(_) => Ok((name, value)),
                _ => Err(self.at(&[key, &name], "expected a table")),
            })
            .collect()
    }

    /// Reads a value of a known type.
    fn read<T: for<'de> Deserialize<'de>>(self, value: Spanned<DeValue<'_>>) -> Result<T, CommandError> {
        T::deserialize(ValueDeserializer::from(value)).map_err(|error| self.syntax(&error))
    }
}
