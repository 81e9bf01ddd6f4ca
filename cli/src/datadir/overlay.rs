//! What `vestibule up` tells the services by environment: where they listen and what they are called, wherever the files
//! say something else. The URL of each service has one place, `issuer` of auth.toml and `url` of users.toml, or the port of
//! the command line; its copies follow.

use std::net::SocketAddr;
use std::path::Path;

use chassis::http::PublicUrl;
use toml::{Table, Value};

use super::secrets::CLIENTS;
use super::{DataDirError, Endpoint, Endpoints, Ports, files};

/// A variable of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Variable {
    /// Such as `VESTIBULE_AUTH__ISSUER`.
    pub(crate) name: String,
    pub(crate) value: String,
    /// The key and what it says in the file, when that is something else.
    pub(crate) instead_of: Option<String>,
}

/// What the files and the environment of this process say.
struct Configured<'a> {
    auth_file: &'a Path,
    auth: Table,
    users: Table,
    env: &'a dyn Fn(&str) -> Option<String>,
}

/// How one service is configured, and where the other one repeats its URL.
struct Service {
    listen: &'static str,
    management: &'static str,
    url: (&'static str, &'static str),
    copy: (&'static str, [&'static str; 2]),
}

const AUTH: Service = Service {
    listen: "VESTIBULE_AUTH__LISTEN__ADDRESS",
    management: "VESTIBULE_AUTH__LISTEN__MANAGEMENT",
    url: ("VESTIBULE_AUTH__ISSUER", "issuer"),
    copy: ("VESTIBULE_USERS__AUTH__ISSUER", ["auth", "issuer"]),
};

const USERS: Service = Service {
    listen: "VESTIBULE_USERS__LISTEN__ADDRESS",
    management: "VESTIBULE_USERS__LISTEN__MANAGEMENT",
    url: ("VESTIBULE_USERS__URL", "url"),
    copy: ("VESTIBULE_AUTH__USERS__URL", ["users", "url"]),
};

impl Endpoints {
    /// The variables that make both services agree with these addresses, `auth` first.
    ///
    /// # Errors
    /// When a file cannot be read, or says something that cannot be carried over: what, and what to change.
    pub(super) fn overlay(
        &self,
        [auth_file, users_file]: [&Path; 2],
        ports: Ports,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Vec<Variable>, DataDirError> {
        let configured = Configured {
            auth_file,
            auth: files::table(auth_file)?,
            users: files::table(users_file)?,
            env,
        };
        let (auth, users) = (&configured.auth, &configured.users);
        let mut variables = configured.service(
            &AUTH,
            (auth, users),
            &self.auth,
            ports.auth,
            ports.auth_management,
        )?;
        variables.extend(configured.service(
            &USERS,
            (users, auth),
            &self.users,
            ports.users,
            ports.users_management,
        )?);
        for client in CLIENTS {
            variables.extend(configured.audiences(client, self)?);
        }
        Ok(variables)
    }
}

impl Configured<'_> {
    fn service(
        &self,
        service: &Service,
        (own, other): (&Table, &Table),
        at: &Endpoint,
        port: Option<u16>,
        management: Option<u16>,
    ) -> Result<Vec<Variable>, DataDirError> {
        let (url, url_key) = service.url;
        let (copy, copy_key) = service.copy;
        if let Some(text) = (self.env)(copy).filter(|text| !is_url(text, &at.url)) {
            return Err(DataDirError::Environment {
                reason: format!(
                    "{copy} says {text}, but {url_key} of the other service is {}",
                    at.url
                ),
                mend: format!("Unset {copy}: it follows {url}."),
            });
        }
        let moved = port.is_some();
        Ok([
            self.differing(
                service.listen,
                text(own, &["listen", "address"]),
                &at.listen.to_string(),
                moved,
            ),
            self.differing(url, text(own, &[url_key]), &at.url, moved),
            self.differing(copy, text(other, &copy_key), &at.url, moved),
            self.differing(
                service.management,
                text(own, &["listen", "management"]),
                &at.management.to_string(),
                management.is_some(),
            ),
        ]
        .into_iter()
        .flatten()
        .collect())
    }

    /// The variable, where file and environment say something else, or nothing although the command line does.
    fn differing(&self, name: &str, written: Option<String>, value: &str, asked: bool) -> Option<Variable> {
        let configured = (self.env)(name).or(written);
        let agrees = match &configured {
            Some(text) => is_url(text, value) || is_address(text, value),
            None => !asked,
        };
        (!agrees).then(|| Variable {
            name: name.to_owned(),
            value: value.to_owned(),
            instead_of: configured,
        })
    }

    /// Older releases wrote both URLs into the clients of the generated file, where they do not follow.
    fn audiences(&self, client: &str, at: &Endpoints) -> Result<Option<Variable>, DataDirError> {
        let name = format!("VESTIBULE_AUTH__CLIENTS__{}__AUDIENCES", client.to_uppercase());
        let written = self
            .auth
            .get("clients")
            .and_then(|clients| clients.get(client)?.get("audiences")?.as_array());
        let written: Vec<&str> = written.into_iter().flatten().filter_map(Value::as_str).collect();
        let both = [at.auth.url.as_str(), at.users.url.as_str()];
        let needed = match client {
            "vestibule-auth" => &both[1..],
            "vestibule-users" => &both[..1],
            _ => &both[..],
        };
        let is_there = |url: &&str| written.iter().any(|text| is_url(text, url));
        if written.is_empty() || (self.env)(&name).is_some() || needed.iter().all(is_there) {
            return Ok(None);
        }
        let former = self.former_urls();
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
        Ok(Some(Variable {
            name,
            value: both.join(","),
            instead_of: Some(written.join(",")),
        }))
    }

    /// What the files call the services.
    fn former_urls(&self) -> Vec<PublicUrl> {
        [
            text(&self.auth, &["issuer"]),
            text(&self.auth, &["users", "url"]),
            text(&self.users, &["url"]),
            text(&self.users, &["auth", "issuer"]),
        ]
        .into_iter()
        .flatten()
        .filter_map(|url| PublicUrl::parse(&url).ok())
        .collect()
    }
}

fn text(table: &Table, path: &[&str]) -> Option<String> {
    let (last, tables) = path.split_last()?;
    let table = tables
        .iter()
        .try_fold(table, |table, key| table.get(*key)?.as_table())?;
    table.get(*last)?.as_str().map(str::to_owned)
}

fn is_url(text: &str, url: &str) -> bool {
    PublicUrl::parse(text).is_ok_and(|other| other.as_str() == url)
}

fn is_address(text: &str, address: &str) -> bool {
    text.parse::<SocketAddr>()
        .ok()
        .is_some_and(|other| other.to_string() == address)
}
