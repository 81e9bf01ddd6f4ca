//! The installation as a declarative file, so that what is there comes under its control.

use std::fmt::Write as _;

use oidc::client::ClientMetadata;
use serde_json::{Map, Value, json};

use super::current::{ADMINISTRATOR, Current, host_settings};
use super::metadata::{client_metadata, to_map};
use crate::error::{CommandError, ErrorCode};
use crate::logs::printable;

/// The tables of the file. Members at their defaults are left out, and so are secrets.
struct Tables {
    clients: Map<String, Value>,
    hosts: Map<String, Value>,
    /// The clients that are not an administrator's, each with its source.
    others: Vec<(String, String)>,
}

/// The installation as a file.
///
/// # Errors
/// When a value has no form in TOML.
pub(super) fn file_of(current: &Current) -> Result<String, CommandError> {
    let Tables {
        clients,
        hosts,
        others,
    } = tables_of(current);
    let mut text = String::from(
        "# The clients and protected hosts of this installation, for `vestibule apply`. Secrets stay where they are: a client that\n\
         # exists keeps its own, and a new one needs client_secret_file or client_secret_env.\n",
    );
    for (member, objects) in [("clients", clients), ("protected_hosts", hosts)] {
        if !objects.is_empty() {
            text.push('\n');
            text.push_str(&toml_of(&json!({ member: objects }))?);
        }
    }
    if !others.is_empty() {
        text.push_str("\n# Not here, since they are not an administrator's:\n");
    }
    for (id, origin) in others {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "# client {} ({origin})", printable(&id));
    }
    Ok(text)
}

/// The tables of the file as JSON.
pub(super) fn json_of(current: &Current) -> Value {
    let tables = tables_of(current);
    json!({ "clients": tables.clients, "protected_hosts": tables.hosts })
}

fn tables_of(current: &Current) -> Tables {
    let mut clients = Map::new();
    let mut others = Vec::new();
    let defaults = to_map(&ClientMetadata::default());
    for (id, client) in &current.clients {
        if client.origin == ADMINISTRATOR {
            let settings = to_map(&client_metadata(&client.settings));
            clients.insert(id.clone(), Value::Object(without(settings, &defaults)));
        } else {
            others.push((id.clone(), client.origin.clone()));
        }
    }
    let defaults = host_settings(&json!({ "rules": forward_auth::AccessRules::default() }));
    let hosts = current.hosts.values().map(|host| {
        // The origin of a host of this machine has its scheme.
        let key = host.origin.strip_prefix("https://").unwrap_or(&host.origin);
        let settings = without(host.settings.clone(), &defaults);
        (key.to_owned(), Value::Object(settings))
    });
    Tables {
        clients,
        hosts: hosts.collect(),
        others,
    }
}

fn without(mut settings: Map<String, Value>, defaults: &Map<String, Value>) -> Map<String, Value> {
    settings.retain(|name, value| !value.is_null() && defaults.get(name) != Some(value));
    settings
}

fn toml_of(value: &Value) -> Result<String, CommandError> {
    toml::to_string_pretty(value)
        .map_err(|error| CommandError::new(ErrorCode::Failed, format!("cannot write TOML: {error}")))
}
