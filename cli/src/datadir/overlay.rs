//! The environment variables with which `vestibule up` overrides listen addresses and URLs in the configuration files.
//!
//! The URL of each service has one source: `issuer` of auth.toml, `url` of users.toml, or the port of the command line.
//! The copies of the URL in the other settings follow it.

use std::net::SocketAddr;
use std::path::Path;

use chassis::http::PublicUrl;
use toml::{Table, Value};

use super::secrets::CLIENTS;
use super::{DataDirError, Ports, ServiceAddresses, StackAddresses, files};

/// An environment variable of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EnvVariable {
    /// The name, such as `VESTIBULE_AUTH__ISSUER`.
    pub(crate) name: String,
    pub(crate) value: String,
    /// The configured value that this variable overrides, if there is one.
    pub(crate) overridden_value: Option<String>,
}

/// The values in the configuration files and in the environment of this process.
struct ConfiguredValues<'a> {
    auth_file: &'a Path,
    auth: Table,
    users: Table,
    env: &'a dyn Fn(&str) -> Option<String>,
}

/// The keys of one service's addresses, and the key under which the other service repeats its URL.
struct ServiceKeys {
    listen: &'static str,
    management: &'static str,
    url: (&'static str, &'static str),
    url_copy: (&'static str, [&'static str; 2]),
}

const AUTH: ServiceKeys = ServiceKeys {
    listen: "VESTIBULE_AUTH__LISTEN__ADDRESS",
    management: "VESTIBULE_AUTH__LISTEN__MANAGEMENT",
    url: ("VESTIBULE_AUTH__ISSUER", "issuer"),
    url_copy: ("VESTIBULE_USERS__AUTH__ISSUER", ["auth", "issuer"]),
};

const USERS: ServiceKeys = ServiceKeys {
    listen: "VESTIBULE_USERS__LISTEN__ADDRESS",
    management: "VESTIBULE_USERS__LISTEN__MANAGEMENT",
    url: ("VESTIBULE_USERS__URL", "url"),
    url_copy: ("VESTIBULE_AUTH__USERS__URL", ["users", "url"]),
};

impl StackAddresses {
    /// The variables that make both services agree with these addresses, `auth` first.
    ///
    /// # Errors
    /// When a file cannot be read, or has a value that cannot be overridden. The error says what to change.
    pub(super) fn overlay(
        &self,
        [auth_file, users_file]: [&Path; 2],
        ports: Ports,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Vec<EnvVariable>, DataDirError> {
        let configured = ConfiguredValues {
            auth_file,
            auth: files::read_toml(auth_file)?,
            users: files::read_toml(users_file)?,
            env,
        };
        let (auth, users) = (&configured.auth, &configured.users);
        let mut variables = configured.service_overrides(
            &AUTH,
            (auth, users),
            &self.auth,
            ports.auth,
            ports.auth_management,
        )?;
        variables.extend(configured.service_overrides(
            &USERS,
            (users, auth),
            &self.users,
            ports.users,
            ports.users_management,
        )?);
        for client in CLIENTS {
            variables.extend(configured.audience_override(client, self)?);
        }
        Ok(variables)
    }
}

impl ConfiguredValues<'_> {
    fn service_overrides(
        &self,
        service: &ServiceKeys,
        (own, other): (&Table, &Table),
        addresses: &ServiceAddresses,
        port: Option<u16>,
        management: Option<u16>,
    ) -> Result<Vec<EnvVariable>, DataDirError> {
        let (url, url_key) = service.url;
        let (copy, copy_key) = service.url_copy;
        if let Some(text) = (self.env)(copy).filter(|text| !is_same_url(text, &addresses.url)) {
            return Err(DataDirError::Environment {
                reason: format!(
                    "{copy} says {text}, but {url_key} of the other service is {}",
                    addresses.url
                ),
                remedy: format!("Unset {copy}: it follows {url}."),
            });
        }
        let moved = port.is_some();
        Ok([
            self.override_if_different(
                service.listen,
                string_at(own, &["listen", "address"]),
                &addresses.listen.to_string(),
                moved,
            ),
            self.override_if_different(url, string_at(own, &[url_key]), &addresses.url, moved),
            self.override_if_different(copy, string_at(other, &copy_key), &addresses.url, moved),
            self.override_if_different(
                service.management,
                string_at(own, &["listen", "management"]),
                &addresses.management.to_string(),
                management.is_some(),
            ),
        ]
        .into_iter()
        .flatten()
        .collect())
    }

    /// The variable, if the configured value differs from `value`, or if it is missing and the command line asked for
    /// it.
    fn override_if_different(
        &self,
        name: &str,
        written: Option<String>,
        value: &str,
        asked: bool,
    ) -> Option<EnvVariable> {
        let configured = (self.env)(name).or(written);
        let agrees = match &configured {
            Some(text) => is_same_url(text, value) || is_same_address(text, value),
            None => !asked,
        };
        (!agrees).then(|| EnvVariable {
            name: name.to_owned(),
            value: value.to_owned(),
            overridden_value: configured,
        })
    }

    /// The audiences of a client. Older releases wrote both URLs into the clients of the generated file, where they do
    /// not follow the addresses.
    fn audience_override(
        &self,
        client: &str,
        addresses: &StackAddresses,
    ) -> Result<Option<EnvVariable>, DataDirError> {
        let name = format!("VESTIBULE_AUTH__CLIENTS__{}__AUDIENCES", client.to_uppercase());
        let written = self
            .auth
            .get("clients")
            .and_then(|clients| clients.get(client)?.get("audiences")?.as_array());
        let written: Vec<&str> = written.into_iter().flatten().filter_map(Value::as_str).collect();
        let both = [addresses.auth.url.as_str(), addresses.users.url.as_str()];
        let needed = match client {
            "vestibule-auth" => &both[1..],
            "vestibule-users" => &both[..1],
            _ => &both[..],
        };
        let is_there = |url: &&str| written.iter().any(|text| is_same_url(text, url));
        if written.is_empty() || (self.env)(&name).is_some() || needed.iter().all(is_there) {
            return Ok(None);
        }
        let former = self.configured_urls();
        let derived = |text: &&str| {
            let url = PublicUrl::parse(text).ok();
            url.is_some_and(|url| url.is_loopback() || former.contains(&url) || both.contains(&url.as_str()))
        };
        if !written.iter().all(derived) {
            return Err(DataDirError::Content {
                path: self.auth_file.to_owned(),
                reason: format!(
                    "clients.{client}.audiences: expected {} among them, which is where the services are now; without \
                     the line the client is for both",
                    needed.join(" and ")
                ),
            });
        }
        Ok(Some(EnvVariable {
            name,
            value: both.join(","),
            overridden_value: Some(written.join(",")),
        }))
    }

    /// The URLs of the services in the configuration files.
    fn configured_urls(&self) -> Vec<PublicUrl> {
        [
            string_at(&self.auth, &["issuer"]),
            string_at(&self.auth, &["users", "url"]),
            string_at(&self.users, &["url"]),
            string_at(&self.users, &["auth", "issuer"]),
        ]
        .into_iter()
        .flatten()
        .filter_map(|url| PublicUrl::parse(&url).ok())
        .collect()
    }
}

fn string_at(table: &Table, path: &[&str]) -> Option<String> {
    let (last, tables) = path.split_last()?;
    let table = tables
        .iter()
        .try_fold(table, |table, key| table.get(*key)?.as_table())?;
    table.get(*last)?.as_str().map(str::to_owned)
}

fn is_same_url(text: &str, url: &str) -> bool {
    PublicUrl::parse(text).is_ok_and(|other| other.as_str() == url)
}

fn is_same_address(text: &str, address: &str) -> bool {
    text.parse::<SocketAddr>()
        .ok()
        .is_some_and(|other| other.to_string() == address)
}
