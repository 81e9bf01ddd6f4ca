//! Templates of the configuration files that the first start writes.

use super::StackAddresses;

/// The content of `auth.toml`.
pub(super) fn auth(addresses: &StackAddresses) -> String {
    format!(
        r#"# The authentication service. `vestibule up` wrote this file at its first start and never writes it again:
# change it as you like, then start again. `vestibule config check` reads it as the service does.
# Secrets stand in files: the value of `X_file` is the content of the file, named from this folder.
# Every key is also an environment variable: `listen.address` is VESTIBULE_AUTH__LISTEN__ADDRESS.

issuer = "{issuer}"
# On one machine nobody else routes requests here, so that an end need not be announced.
drain_seconds = 0

[listen]
address = "{listen}"
management = "{management}"

[database]
# Named from the data directory, where `vestibule up` starts the service.
url = "sqlite:auth.db"

[users]
url = "{users}"

[encryption]
active = "k1"

[encryption.keys]
k1_file = "secrets/encryption-k1"

[service]
client_id = "vestibule-auth"
client_secret_file = "secrets/vestibule-auth"

# The services and the operator's tool are clients like any other. Without `audiences` they are for both services.
[clients.vestibule-auth]
client_secret_file = "secrets/vestibule-auth"
grant_types = ["client_credentials"]
scope = "users:read users:write groups:read events:read"

[clients.vestibule-users]
client_secret_file = "secrets/vestibule-users"
grant_types = ["client_credentials"]
scope = "events:read"

[clients.vestibule-cli]
client_secret_file = "secrets/vestibule-cli"
grant_types = ["client_credentials"]
scope = "admin users:read users:write groups:read groups:write events:read"
"#,
        issuer = addresses.auth.url,
        listen = addresses.auth.listen,
        management = addresses.auth.management,
        users = addresses.users.url,
    )
}

/// The content of `users.toml`.
pub(super) fn users(addresses: &StackAddresses) -> String {
    format!(
        r#"# The user service. `vestibule up` wrote this file at its first start and never writes it again.
# Every key is also an environment variable: `listen.address` is VESTIBULE_USERS__LISTEN__ADDRESS.

# What others call the service; tokens must name it as their audience.
url = "{url}"
drain_seconds = 0

[listen]
address = "{listen}"
management = "{management}"

[database]
url = "sqlite:users.db"

[encryption]
active = "k1"

[encryption.keys]
k1_file = "secrets/users-encryption-k1"

[auth]
issuer = "{issuer}"
client_id = "vestibule-users"
client_secret_file = "secrets/vestibule-users"
"#,
        url = addresses.users.url,
        listen = addresses.users.listen,
        management = addresses.users.management,
        issuer = addresses.auth.url,
    )
}
