//! The state of the installation: its clients, its protected hosts, and the marks of what declarative files manage.

use std::collections::{BTreeMap, BTreeSet};

use contract::paths;
use reqwest::Method;
use serde_json::{Map, Value};

use crate::api::{ApiClient, ApiError, RemoteService, SET_BY_SERVER, percent_encode, text_at};

/// The source of a client that an administrator registered.
pub(super) const ADMINISTRATOR: &str = "administrator";
/// The source of a client that registered itself.
pub(super) const REGISTRATION: &str = "registration";
/// The source of a client of the service's own configuration file.
pub(super) const CONFIGURATION: &str = "configuration";

/// The state of the installation.
#[derive(Debug, Default)]
pub(crate) struct Current {
    pub(super) clients: BTreeMap<String, Object>,
    pub(super) hosts: BTreeMap<String, Object>,
    /// The scopes of the installation, each with the claims that it gives, if they were asked for.
    pub(super) scopes: BTreeMap<String, BTreeSet<String>>,
}

/// A client or a protected host.
#[derive(Clone, Debug, Default)]
pub(super) struct Object {
    /// The metadata of a client, or name and rules of a host.
    pub(super) settings: Map<String, Value>,
    pub(super) version: i64,
    /// The source of a client: `administrator`, `configuration` or `registration`.
    pub(super) origin: String,
    /// The mark of the declarative file that manages it.
    pub(super) mark: Option<Mark>,
}

/// The mark of a declarative file.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    pub(super) managed_by: String,
    /// True if it made the object.
    pub(super) made: bool,
    /// The settings that it wrote last.
    pub(super) settings: Map<String, Value>,
}

impl Current {
    /// Reads the state.
    ///
    /// # Errors
    /// Those of the calls.
    pub(super) async fn read(api: &ApiClient, with_scopes: bool) -> Result<Self, ApiError> {
        let mut current = Self::default();
        for mut client in pages(api, paths::auth::CLIENTS, "clients").await? {
            let id = text_at(&client, "/client_id");
            let object = Object {
                version: version_of(&client),
                origin: text_at(&client, "/origin"),
                settings: members(client.take(), &[&SET_BY_SERVER[..], &["client_id"]].concat()),
                mark: None,
            };
            current.clients.insert(id, object);
        }
        for host in pages(api, paths::auth::PROTECTED_HOSTS, "protected_hosts").await? {
            let id = text_at(&host, "/host");
            let object = Object {
                version: version_of(&host),
                origin: text_at(&host, "/origin"),
                settings: host_settings(&host),
                mark: None,
            };
            current.hosts.insert(id, object);
        }
        for (path, objects) in [
            (paths::auth::MANAGED_CLIENTS, &mut current.clients),
            (paths::auth::MANAGED_HOSTS, &mut current.hosts),
        ] {
            for mark in pages(api, path, "managed").await? {
                if let Some(object) = objects.get_mut(&text_at(&mark, "/id")) {
                    let settings = mark.get("settings").cloned().unwrap_or_default();
                    object.mark = Some(Mark {
                        managed_by: text_at(&mark, "/managed_by"),
                        made: mark.get("made").and_then(Value::as_bool).unwrap_or_default(),
                        settings: match path {
                            paths::auth::MANAGED_HOSTS => host_settings(&settings),
                            _ => members(settings, &[]),
                        },
                    });
                }
            }
        }
        if with_scopes {
            let list = api
                .call(RemoteService::Auth, Method::GET, paths::auth::SCOPES)
                .await?;
            current.scopes = scopes_of(&list);
        }
        Ok(current)
    }
}

/// The scopes of `GET /admin/v1/scopes`, each with its claims.
fn scopes_of(list: &Value) -> BTreeMap<String, BTreeSet<String>> {
    let scopes = list.get("scopes").and_then(Value::as_array);
    let scopes = scopes.into_iter().flatten().map(|scope| {
        let claims = scope.get("claims").and_then(Value::as_array);
        let claims = claims.into_iter().flatten().map(|claim| text_at(claim, ""));
        (text_at(scope, "/scope"), claims.collect())
    });
    scopes.collect()
}

/// Fetches all pages. Each page names the id after which the next one starts.
async fn pages(api: &ApiClient, path: &str, member: &str) -> Result<Vec<Value>, ApiError> {
    let mut found = Vec::new();
    let mut query = String::from("?limit=500");
    loop {
        let mut page = api
            .call(RemoteService::Auth, Method::GET, &format!("{path}{query}"))
            .await?;
        if let Some(Value::Array(objects)) = page.get_mut(member).map(Value::take) {
            found.extend(objects);
        }
        let after = text_at(&page, "/next");
        if after.is_empty() {
            return Ok(found);
        }
        query = format!("?limit=500&after={}", percent_encode(&after));
    }
}

fn version_of(object: &Value) -> i64 {
    object.get("version").and_then(Value::as_i64).unwrap_or_default()
}

fn members(object: Value, without: &[&str]) -> Map<String, Value> {
    let Value::Object(mut members) = object else {
        return Map::new();
    };
    members.retain(|name, _| !without.contains(&name.as_str()));
    members
}

/// The members of a host as a file has them: those of its rules stand beside its name.
pub(super) fn host_settings(host: &Value) -> Map<String, Value> {
    let mut settings = host
        .get("rules")
        .cloned()
        .map(|rules| members(rules, &[]))
        .unwrap_or_default();
    if let Some(name) = host.get("name") {
        settings.insert("name".to_owned(), name.clone());
    }
    settings
}
