//! `[clients.ID]`: a client with its metadata, and the reference to its secret.

use std::path::{Path, PathBuf};

use oidc::client::ClientMetadata;
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use uuid::Uuid;

use super::position::{Source, quoted};
use crate::error::CommandError;

const SECRET: &str = "client_secret";
const SECRET_FILE: &str = "client_secret_file";
const SECRET_ENV: &str = "client_secret_env";

/// A client that the installation is to have.
#[derive(Debug)]
pub(crate) struct DeclaredClient {
    /// The whole metadata: what the file leaves out has its default.
    pub(crate) metadata: ClientMetadata,
    /// The reference to its secret.
    pub(crate) secret: Option<SecretSource>,
}

/// The reference to the secret of a client, which never stands in the file itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SecretSource {
    /// `client_secret_file`: the content of a file.
    File(PathBuf),
    /// `client_secret_env`: an environment variable.
    Variable(String),
}

impl SecretSource {
    /// The key in the file. Errors name it and not its value, which may be the secret by mistake.
    pub(crate) fn key(&self, id: &str) -> String {
        format!("clients.{}.{}", quoted(id), self.member())
    }

    /// The member of the table of the client.
    pub(super) fn member(&self) -> &'static str {
        match self {
            Self::File(_) => SECRET_FILE,
            Self::Variable(_) => SECRET_ENV,
        }
    }
}

/// Reads the table of the client `id`.
pub(super) fn read(
    source: Source<'_>,
    id: &str,
    value: Spanned<DeValue<'_>>,
) -> Result<DeclaredClient, CommandError> {
    let at = |member: &str, problem: &str| source.at(&["clients", id, member], problem);
    if !is_client_id(id) {
        let problem = "expected a client_id of 1 to 100 letters, digits, hyphens, underscores and full stops, no UUID, and not . or ..";
        return Err(source.at(&["clients", id], problem));
    }
    let span = value.span();
    let DeValue::Table(table) = value.into_inner() else {
        return Err(source.at(&["clients", id], "expected a table"));
    };
    let (mut metadata, mut references) = (DeTable::new(), Vec::new());
    for (key, value) in table {
        if [SECRET, SECRET_FILE, SECRET_ENV].contains(&key.get_ref().as_ref()) {
            let text = value.get_ref().as_str().map(str::to_owned);
            references.push((key.get_ref().to_string(), text));
        } else {
            metadata.insert(key, value);
        }
    }
    let secret = secret_source(source, id, references)?;
    let metadata: ClientMetadata = source.read(Spanned::new(span, DeValue::Table(metadata)))?;
    metadata
        .check()
        .map_err(|invalid| at(invalid.field, invalid.detail))?;
    if secret.is_some() && !metadata.token_endpoint_auth_method.uses_secret() {
        let problem = "the client authenticates without a secret: see token_endpoint_auth_method";
        return Err(source.at(&["clients", id], problem));
    }
    Ok(DeclaredClient { metadata, secret })
}

/// The reference to the secret, of the members for it and their texts.
fn secret_source(
    source: Source<'_>,
    id: &str,
    members: Vec<(String, Option<String>)>,
) -> Result<Option<SecretSource>, CommandError> {
    let mut secret = None;
    for (member, text) in members {
        let at = |problem: &str| source.at(&["clients", id, &member], problem);
        let text = text.filter(|text| !text.is_empty());
        let found = match (member.as_str(), text) {
            (SECRET, _) => {
                return Err(at(
                    "a secret does not stand in the file: name client_secret_file or client_secret_env",
                ));
            }
            (_, None) => return Err(at("expected a text")),
            (SECRET_FILE, Some(path)) => {
                let folder = source.name.parent().unwrap_or(Path::new(""));
                SecretSource::File(folder.join(path))
            }
            (_, Some(name)) if is_variable(&name) => SecretSource::Variable(name),
            (_, Some(_)) => {
                return Err(at(
                    "expected the name of an environment variable: letters, digits and _, and no digit first",
                ));
            }
        };
        if secret.replace(found).is_some() {
            return Err(at("expected one of client_secret_file and client_secret_env"));
        }
    }
    Ok(secret)
}

/// True if the text is the name of an environment variable (POSIX.1-2017, Base Definitions §8.1).
fn is_variable(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    name.bytes().all(allowed) && !name.starts_with(|first: char| first.is_ascii_digit())
}

/// True if the service accepts the text as a `client_id` (RFC 6749 §2.2).
fn is_client_id(id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    ![".", ".."].contains(&id)
        && (1..=100).contains(&id.len())
        && id.bytes().all(allowed)
        && Uuid::try_parse(id).is_err()
}
