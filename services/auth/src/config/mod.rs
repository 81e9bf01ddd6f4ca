//! The settings of the service: the types of the configuration file.

mod check;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;

use brokers::EventsConfig;
use chassis::cipher::EncryptionSettings;
use chassis::config::{LimitsConfig, ListenConfig, LogConfig, TracesConfig};
use chassis::db::DbConfig;
use chassis::http::PublicUrl;
use chassis::secret::SecretString;
use oidc::discovery::MutualTls;
use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;
use webhooks::WebhooksConfig;

use crate::authorization_requests::AuthorizationSettings;
use crate::clients::{AuthMethod, ClientSettings};
use crate::credentials::PasswordSettings;
use crate::detail_types::DetailTypeSettings;
use crate::grants::TokenSettings;
use crate::html::BrandConfig;
use crate::scopes::ScopeSettings;
use crate::sessions::SessionSettings;
use crate::sign_up::RegistrationSettings;
use crate::throttle::ThrottleSettings;

/// The whole configuration file.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The public URL of this service (OpenID Connect Discovery §3, `issuer`), without a slash at the end. It may have a
    /// path: `https://example.org/idp`.
    pub issuer: PublicUrl,
    /// Allows an `issuer` with `http` that is not this machine alone. Anybody who can listen on the way then
    /// sees passwords and takes over sessions. For a trial in a network of your own.
    #[serde(default)]
    pub allow_insecure_issuer: bool,
    /// Seconds to go on serving after SIGTERM, until load balancers have noticed.
    #[serde(default = "default_drain_seconds")]
    pub drain_seconds: u64,
    /// The addresses and ports that the service answers on.
    pub listen: ListenConfig,
    /// The database that holds the service's data.
    pub database: DbConfig,
    /// The content and the format of the log.
    #[serde(default)]
    pub log: LogConfig,
    /// The destination of traces.
    #[serde(default)]
    pub traces: TracesConfig,
    /// The limits on the cost of a request.
    #[serde(default)]
    pub limits: LimitsConfig,
    /// The transport of events and the time for which they are kept.
    #[serde(default)]
    pub events: EventsConfig,
    /// The delivery of events to webhooks.
    #[serde(default)]
    pub webhooks: WebhooksConfig,
    /// The keys that secrets in the database are encrypted under.
    pub encryption: EncryptionSettings,
    /// Applications and services that ask for tokens, by their `client_id`.
    #[serde(default)]
    pub clients: BTreeMap<String, ClientSettings>,
    /// Scopes with claims of attributes of users, by their names.
    #[serde(default)]
    pub scopes: BTreeMap<String, ScopeSettings>,
    /// Types of `authorization_details` (RFC 9396), by their names.
    #[serde(default)]
    pub authorization_details: BTreeMap<String, DetailTypeSettings>,
    /// The user service.
    pub users: UsersSettings,
    /// The client that this service is when it calls the user service.
    pub service: ServiceSettings,
    /// The rules for passwords and their hashing.
    #[serde(default)]
    pub passwords: PasswordSettings,
    /// The delays after failed sign-ins.
    #[serde(default)]
    pub throttle: ThrottleSettings,
    /// The lifetimes of sessions.
    #[serde(default)]
    pub sessions: SessionSettings,
    /// The limits on the number of waiting authorization requests.
    #[serde(default)]
    pub authorization: AuthorizationSettings,
    /// The assertions with which clients authenticate.
    #[serde(default)]
    pub client_assertions: ClientAssertionSettings,
    /// The certificates with which clients authenticate.
    #[serde(default)]
    pub mutual_tls: MutualTlsSettings,
    /// The lifetimes of tokens.
    #[serde(default)]
    pub tokens: TokenSettings,
    /// The registration of people by themselves.
    #[serde(default)]
    pub registration: RegistrationSettings,
    /// The name, the texts and the look of the pages.
    #[serde(default)]
    pub brand: BrandConfig,
    /// `POST /authenticate`.
    #[serde(default)]
    pub authenticate: AuthenticateSettings,
    /// The rotation of signing keys.
    #[serde(default)]
    pub keys: KeySettings,
}

fn default_drain_seconds() -> u64 {
    5
}

/// `[users]`: the user service.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UsersSettings {
    /// Its public URL, which is the audience of tokens for it.
    pub url: PublicUrl,
    /// The URL at which this service reaches it, when that is not its public URL:
    /// `http://vestibule-users:8001` in a cluster.
    #[serde(default)]
    pub internal_url: Option<Url>,
    /// The `client_id` of the user service: the only one that may send passwords of users.
    #[serde(default = "default_users_client_id")]
    pub client_id: String,
}

fn default_users_client_id() -> String {
    "vestibule-users".to_owned()
}

impl UsersSettings {
    /// The URL under which this service reaches the user service: `internal_url`, or else `url`.
    pub fn effective_url(&self) -> &Url {
        self.internal_url.as_ref().unwrap_or(self.url.url())
    }
}

/// `[service]`: this service as a client of its own.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceSettings {
    /// Its `client_id`.
    pub client_id: String,
    /// Its secret, if it is to get its tokens as every other client does; without one it issues them to itself.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub client_secret: Option<SecretString>,
}

/// `[authenticate]`: the direct sign-in of first-party applications.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AuthenticateSettings {
    /// Switches `POST /authenticate` on.
    pub enabled: bool,
}

impl Default for AuthenticateSettings {
    fn default() -> Self {
        Self { enabled: true }
    }
}

/// `[client_assertions]`: the assertions with which clients authenticate (`private_key_jwt`).
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClientAssertionSettings {
    /// Accepts assertions whose `aud` is the URL of the token endpoint too (OpenID Connect Core §9), for clients that cannot name
    /// the issuer. An assertion that such a client made for a malicious server may then be good here.
    pub token_endpoint_audience: bool,
}

/// `[mutual_tls]`: the certificates with which clients authenticate (RFC 8705). They come where `listen.tls.client_certificates` or
/// `listen.client_certificate_header` says so.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MutualTlsSettings {
    /// The authorities whose certificates of clients are accepted (`tls_client_auth`): a PEM file.
    pub authorities: Option<PathBuf>,
    /// The public URL of the host that asks clients for certificates, if it is not the issuer (`mtls_endpoint_aliases`).
    pub url: Option<PublicUrl>,
}

impl Settings {
    /// The methods by which clients can authenticate.
    pub fn auth_methods(&self) -> Vec<AuthMethod> {
        let offered = self.offered_mutual_tls();
        let works = |method: &AuthMethod| method.is_offered(offered.as_ref());
        AuthMethod::ALL.into_iter().filter(works).collect()
    }

    /// The mutual TLS that clients can use.
    pub fn offered_mutual_tls(&self) -> Option<MutualTls> {
        let settings = &self.mutual_tls;
        self.listen.has_client_certificates().then(|| MutualTls {
            has_authorities: settings.authorities.is_some(),
            url: settings.url.as_ref().map(|url| url.as_str().to_owned()),
        })
    }
}

/// `[keys]`: when signing keys change.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct KeySettings {
    /// Days that a key signs.
    pub rotate_days: u32,
    /// Hours that a key is published before it signs (SB-37).
    pub publish_ahead_hours: u32,
}

impl Default for KeySettings {
    fn default() -> Self {
        Self {
            rotate_days: 90,
            publish_ahead_hours: 24,
        }
    }
}
