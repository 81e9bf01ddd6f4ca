//! The addresses of the services: the command line has precedence over the environment, which has precedence over the
//! configuration files.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;

use chassis::http::PublicUrl;

use super::{DataDirError, files};

/// The port options of `vestibule up`; none where an option is not given.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ports {
    pub(crate) auth: Option<u16>,
    pub(crate) users: Option<u16>,
    pub(crate) auth_management: Option<u16>,
    pub(crate) users_management: Option<u16>,
}

/// The addresses of one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServiceAddresses {
    /// The public URL: the issuer of `auth`, the audience of `users`.
    pub(crate) url: String,
    /// The listen address for people and applications.
    pub(crate) listen: SocketAddr,
    /// The listen address for health and metrics.
    pub(crate) management: SocketAddr,
}

impl ServiceAddresses {
    /// The URL at which this machine reaches the management listener.
    pub(crate) fn management_url(&self) -> String {
        format!("http://{}", loopback_if_unspecified(self.management))
    }
}

/// The addresses of both services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StackAddresses {
    pub(crate) auth: ServiceAddresses,
    pub(crate) users: ServiceAddresses,
}

/// The configuration of one service's endpoint: its file, its environment prefix, its keys and its default ports.
struct ServiceEndpoint<'a> {
    file: &'a Path,
    prefix: &'static str,
    /// The key of its public URL.
    url_key: &'static str,
    port: u16,
    management: u16,
}

impl StackAddresses {
    /// Reads the existing files and applies the environment and the command line.
    pub(super) fn resolve(
        auth_file: &Path,
        users_file: &Path,
        ports: Ports,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, DataDirError> {
        let auth = ServiceEndpoint {
            file: auth_file,
            prefix: "VESTIBULE_AUTH__",
            url_key: "issuer",
            port: 8000,
            management: 9000,
        };
        let users = ServiceEndpoint {
            file: users_file,
            prefix: "VESTIBULE_USERS__",
            url_key: "url",
            port: 8001,
            management: 9001,
        };
        // Other public ports mean that a second stack runs beside one that has the default management ports.
        let beside = ports.auth.is_some() || ports.users.is_some();
        Ok(Self {
            auth: auth.resolve(ports.auth, ports.auth_management, beside, env)?,
            users: users.resolve(ports.users, ports.users_management, beside, env)?,
        })
    }
}

impl ServiceEndpoint<'_> {
    fn resolve(
        &self,
        port: Option<u16>,
        management: Option<u16>,
        beside: bool,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<ServiceAddresses, DataDirError> {
        let table = files::read_toml(self.file)?;
        let listen = self.listen_address(&table, "address", self.port, port, env)?;
        let chosen = management.is_some() || env(&format!("{}LISTEN__MANAGEMENT", self.prefix)).is_some();
        let mut management = self.listen_address(&table, "management", self.management, management, env)?;
        if beside && !chosen && is_in_use(management) {
            management.set_port(0);
            management = pick_free_port(management)?;
        }
        let named = env(&format!("{}{}", self.prefix, self.url_key.to_uppercase())).or_else(|| {
            let value = table.get(self.url_key)?;
            Some(value.as_str()?.to_owned())
        });
        let url = match named {
            Some(text) => {
                let url = PublicUrl::parse(&text).map_err(|error| DataDirError::Content {
                    path: self.file.to_owned(),
                    reason: format!("{}: {error}", self.url_key),
                })?;
                with_port(url, port.and(Some(listen.port())))
            }
            None => format!("http://localhost:{}", listen.port()),
        };
        Ok(ServiceAddresses {
            url,
            listen,
            management,
        })
    }

    fn listen_address(
        &self,
        table: &toml::Table,
        key: &str,
        default: u16,
        port: Option<u16>,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<SocketAddr, DataDirError> {
        let variable = format!("{}LISTEN__{}", self.prefix, key.to_uppercase());
        let configured = env(&variable).or_else(|| {
            let value = table.get("listen")?.get(key)?;
            Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        });
        let mut address = match configured {
            Some(text) => text.parse().map_err(|_| DataDirError::Content {
                path: self.file.to_owned(),
                reason: format!(
                    "listen.{key}: expected an address and port such as 127.0.0.1:{default}, not {text:?}"
                ),
            })?,
            None => SocketAddr::from((Ipv4Addr::LOCALHOST, default)),
        };
        if let Some(port) = port {
            address.set_port(port);
        }
        if address.port() == 0 {
            address = pick_free_port(address)?;
        }
        Ok(address)
    }
}

/// Picks a port that is free now on the same address.
fn pick_free_port(address: SocketAddr) -> Result<SocketAddr, DataDirError> {
    TcpListener::bind(address)
        .and_then(|listener| listener.local_addr())
        .map_err(|error| DataDirError::io("find a free port on", Path::new(&address.to_string()))(error))
}

/// Replaces an address that means "every interface" by the loopback address.
fn loopback_if_unspecified(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    address
}

/// Sets the port of a loopback URL without TLS. A URL behind a proxy stays unchanged.
fn with_port(url: PublicUrl, port: Option<u16>) -> String {
    let mut moved = url.url().clone();
    if port.is_some() && url.is_loopback() && !url.is_secure() {
        // Never refused: an http URL with a host can have a port.
        let _ = moved.set_port(port);
    }
    moved.as_str().trim_end_matches('/').to_owned()
}

/// True if another process listens on the address.
fn is_in_use(address: SocketAddr) -> bool {
    TcpListener::bind(address).is_err_and(|error| error.kind() == ErrorKind::AddrInUse)
}
