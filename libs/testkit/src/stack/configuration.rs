//! Configuration files and secrets of a stack, as `vestibule up` would write them.

#![expect(clippy::expect_used, reason = "a test that cannot start must say why")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::{StackOptions, Transport};
use crate::brokers;
use crate::process::free_port;

/// The clients of every stack, as `vestibule up` creates them.
pub(crate) const OPERATOR: &str = "vestibule-cli";
const CLIENTS: [&str; 3] = ["vestibule-auth", "vestibule-users", OPERATOR];

/// The ports of a stack.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ports {
    /// The scheme of the public URLs.
    pub(super) scheme: &'static str,
    /// The port of the issuer: the balancer, or `auth` itself.
    pub(super) auth: u16,
    pub(super) auth_listen: u16,
    pub(super) auth_management: u16,
    pub(super) users: u16,
    pub(super) users_management: u16,
    /// The port at which `auth` reaches `users`: the proxy, the balancer, or `users` itself.
    pub(super) users_public: u16,
}

/// The ports of the second replicas.
#[derive(Clone, Copy, Debug)]
pub(super) struct SecondPorts {
    pub(super) auth: u16,
    pub(super) auth_management: u16,
    pub(super) users: u16,
    pub(super) users_management: u16,
}

impl SecondPorts {
    pub(super) fn choose() -> Self {
        Self {
            auth: free_port(),
            auth_management: free_port(),
            users: free_port(),
            users_management: free_port(),
        }
    }
}

impl Ports {
    pub(super) fn choose(options: &StackOptions) -> Self {
        let (proxied, two_replicas) = (options.users_behind_proxy, options.two_replicas);
        let (auth, users) = (free_port(), free_port());
        Self {
            scheme: if options.tls.is_some() { "https" } else { "http" },
            auth: if two_replicas { free_port() } else { auth },
            auth_listen: auth,
            auth_management: free_port(),
            users,
            users_management: free_port(),
            users_public: if proxied || two_replicas {
                free_port()
            } else {
                users
            },
        }
    }

    pub(super) fn auth_toml(self, database: &str) -> String {
        let Self {
            scheme,
            auth,
            auth_listen,
            auth_management,
            users_public,
            ..
        } = self;
        let mut text = format!(
            r#"issuer = "{scheme}://localhost:{auth}"
drain_seconds = 0
[listen]
address = "127.0.0.1:{auth_listen}"
management = "127.0.0.1:{auth_management}"
[log]
format = "ecs"
[database]
url = "{database}"
[users]
url = "{scheme}://localhost:{users_public}"
[encryption]
active = "k1"
[encryption.keys]
k1_file = "secrets/encryption-k1"
[service]
client_id = "vestibule-auth"
client_secret_file = "secrets/vestibule-auth"
"#
        );
        let scopes = [
            "users:read users:write groups:read events:read",
            "events:read",
            "admin users:read users:write groups:read groups:write events:read",
        ];
        for (name, scope) in CLIENTS.into_iter().zip(scopes) {
            write!(
                text,
                r#"[clients.{name}]
client_secret_file = "secrets/{name}"
grant_types = ["client_credentials"]
scope = "{scope}"
"#
            )
            .expect("writing to a string");
        }
        text
    }

    pub(super) fn users_toml(self, database: &str) -> String {
        let Self {
            scheme,
            auth,
            users,
            users_management,
            users_public,
            ..
        } = self;
        format!(
            r#"url = "{scheme}://localhost:{users_public}"
drain_seconds = 0
[listen]
address = "127.0.0.1:{users}"
management = "127.0.0.1:{users_management}"
[log]
format = "ecs"
[database]
url = "{database}"
[encryption]
active = "k1"
[encryption.keys]
k1_file = "secrets/users-encryption-k1"
[auth]
issuer = "{scheme}://localhost:{auth}"
client_id = "vestibule-users"
client_secret_file = "secrets/vestibule-users"
"#
        )
    }
}

/// The sections `[events…]` of both services. Every stack has a namespace of its own.
pub(super) fn events_toml(options: &StackOptions) -> String {
    let namespace = brokers::namespace();
    let broker = |shared: fn() -> String| options.broker.clone().unwrap_or_else(shared);
    match options.transport {
        Transport::Feed => String::new(),
        Transport::Kafka => format!(
            r#"[events]
transport = "kafka"
namespace = "{namespace}"
[events.kafka]
brokers = ["{}"]
partitions = 4
session_timeout_ms = 3000
"#,
            broker(brokers::kafka)
        ),
        Transport::Rabbitmq => format!(
            r#"[events]
transport = "rabbitmq"
namespace = "{namespace}"
[events.rabbitmq]
url = "{}"
"#,
            broker(brokers::rabbitmq)
        ),
    }
}

/// Writes the secrets and returns the operator's.
pub(super) fn write_secrets(folder: &Path) -> String {
    let secrets = folder.join("secrets");
    fs::create_dir(&secrets).expect("a folder for secrets");
    for key in ["encryption-k1", "users-encryption-k1"] {
        write(&secrets.join(key), &STANDARD.encode(random()));
    }
    let mut operator = String::new();
    for name in CLIENTS {
        operator = URL_SAFE_NO_PAD.encode(random());
        write(&secrets.join(name), &operator);
    }
    operator
}

pub(super) fn write(path: &Path, text: &str) {
    fs::write(path, text).expect("the folder of the test can be written to");
}

fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).expect("randomness");
    bytes
}
