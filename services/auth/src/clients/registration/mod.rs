//! Clients that register themselves, and change and delete their registration (RFC 7591, RFC 7592).

mod admission;
mod initial_tokens;
mod name;
mod statement;
mod store;
mod unused;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use chassis::db::DbError;
use chassis::secret::{Token, TokenHash};
use futures_util::future::try_join_all;
use oidc::error::{ErrorCode, OAuthError};
use oidc::registration::{RegistrationRequest, RegistrationRules, StatementIssuer};
use oidc::scope::Scope;
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::{Mutex, Semaphore};
use url::Url;
use uuid::Uuid;

pub use initial_tokens::{InitialAccessToken, InitialTokenError, NewInitialToken};
pub(super) use statement::SignedStatement;
pub(crate) use store::mark_used;
pub(super) use store::sweep;

use super::addresses::called_addresses;
use super::change::ClientChange;
use super::model::{Client, Origin};
use super::sectors::sector_to_check;
use super::{AuthMethod, ClientError, ClientMetadata, Clients, CreatedClient};

/// The time for the look-ups of all hosts of one registration.
const ADDRESS_CHECK_TIME: Duration = Duration::from_secs(5);
/// The most hosts that are looked up at a time for registrations.
const MAX_LOOKUPS: usize = 16;

/// The conditions under which clients register themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ClientRegistrationMode {
    /// Not at all.
    #[default]
    Off,
    /// With an initial access token (RFC 7591 §3).
    Token,
    /// Everybody, within the quotas.
    Open,
}

/// The rules of the installation.
#[derive(Clone, Debug)]
pub struct RegistrationPolicy {
    /// The conditions under which clients register themselves.
    pub mode: ClientRegistrationMode,
    /// True if they need PKCE.
    pub require_pkce: bool,
    /// True if people are asked before they get access.
    pub require_consent: bool,
    /// Registrations in an hour from one source without an initial access token; 0 for no limit.
    pub hourly_per_source: u32,
    /// Registrations in an hour in all without an initial access token; 0 for no limit.
    pub hourly: u32,
    /// The most clients that registered themselves, beyond which an initial access token is needed; 0 for no limit.
    pub in_all: u32,
    /// The name of the site, which theirs must not look like.
    pub site_name: String,
    /// The scopes that they may be registered for.
    pub scopes: Scope,
    /// The types of `authorization_details` that they may be registered for.
    pub detail_types: BTreeSet<String>,
    /// The methods by which they can authenticate.
    pub methods: Vec<AuthMethod>,
    /// The issuers whose software statements are trusted.
    pub statement_issuers: Vec<StatementIssuer>,
}

/// The registration of clients by themselves.
#[derive(Clone)]
pub struct ClientRegistration {
    clients: Clients,
    policy: RegistrationPolicy,
    /// Held while keys are made, which is costly.
    publishing: Arc<Mutex<()>>,
    /// Limits the hosts that are looked up at a time.
    lookups: Arc<Semaphore>,
}

/// A client that registered itself, with what is shown to it.
#[derive(Debug)]
pub struct RegisteredClient {
    /// The client.
    pub client: Client,
    /// Its new secret.
    pub secret: Option<Token>,
    /// Its registration access token.
    pub registration_token: Token,
    /// The initial access token that it has just registered with.
    pub initial_token: Option<Uuid>,
    /// Its software statement (RFC 7591 §2.3), which responses repeat.
    pub statement: Option<String>,
}

/// A client was not registered, or its registration not changed.
#[derive(Debug, thiserror::Error)]
pub enum RegisterClientError {
    /// Registration is switched off.
    #[error("clients do not register themselves here")]
    Off,
    /// There is no token in the request, which needs one.
    #[error("an access token is needed")]
    MissingToken,
    /// The request was refused.
    #[error(transparent)]
    Refused(#[from] OAuthError),
    /// Too many clients have registered, or the client has changed too often.
    #[error("too many registrations or changes")]
    TooMany {
        /// The time to wait.
        retry_after: Duration,
    },
    /// There are as many clients that registered themselves as there may be.
    #[error("as many clients have registered as there may be")]
    Full,
    /// The database failed, or the client was changed at the same moment.
    #[error(transparent)]
    Client(#[from] ClientError),
}

impl From<DbError> for RegisterClientError {
    fn from(error: DbError) -> Self {
        Self::Client(error.into())
    }
}

fn invalid_token() -> RegisterClientError {
    ErrorCode::InvalidToken
        .because("the access token is missing, used up, expired, or not the one of this registration")
        .into()
}

/// The addresses that this server will call for a client later, each with its member. The document of a sector is read at once.
fn addresses(metadata: &ClientMetadata) -> impl DoubleEndedIterator<Item = (&'static str, &str)> {
    called_addresses(metadata).filter(|(member, _)| *member != "sector_identifier_uri")
}

/// The scheme, host and port of `url`, or all of what is no URL.
fn origin(url: &str) -> String {
    Url::parse(url).map_or_else(|_| url.to_owned(), |url| url.origin().ascii_serialization())
}

impl ClientRegistration {
    /// Registration under `policy`.
    pub fn new(clients: Clients, policy: RegistrationPolicy) -> Self {
        Self {
            clients,
            policy,
            publishing: Arc::default(),
            lookups: Arc::new(Semaphore::new(MAX_LOOKUPS)),
        }
    }

    /// Registers a client (RFC 7591 §3.1). `token` is an initial access token.
    ///
    /// # Errors
    /// See [`RegisterClientError`].
    pub async fn register(
        &self,
        request: &RegistrationRequest,
        token: Option<&str>,
        ip: Option<IpAddr>,
    ) -> Result<RegisteredClient, RegisterClientError> {
        // What a stranger sends costs reads alone, until it is known that it may register a client (SB-43).
        self.check_admission(token, ip).await?;
        let metadata = self.accepted_metadata(request)?;
        if token.is_none() && addresses(&metadata).next().is_some() {
            self.claim_address_check(ip).await?;
        }
        self.check_addresses(&metadata).await?;
        self.check_sector(None, &metadata, ip).await?;
        self.publish_keys(&metadata).await?;
        let clients = &self.clients;
        let registration_token = clients.random.token();
        let CreatedClient { client, secret } =
            clients.new_client(clients.generated_id()?, metadata, Origin::Registration);
        let client = Client {
            registration_token_hash: Some(registration_token.hash().as_bytes().to_vec()),
            ..client
        };
        let mut tx = clients.db.begin("register_client").await?;
        let initial_token = match token {
            Some(token) => Some(self.claim_initial_token(&mut tx, token, ip).await?),
            None => {
                self.claim_quotas(&mut tx, ip).await?;
                self.check_capacity(&mut tx, ip).await?;
                None
            }
        };
        clients.insert_new(&mut tx, &client).await?;
        if let Some(token) = initial_token {
            store::set_initial_token(&mut tx, client.id.as_str(), token).await?;
        }
        if let Some(statement) = SignedStatement::of(request) {
            statement.store(&mut tx, client.id.as_str()).await?;
        }
        tx.commit().await?;
        Ok(RegisteredClient {
            client,
            secret,
            registration_token,
            initial_token,
            statement: request.software_statement().map(str::to_owned),
        })
    }

    /// Checks that this server can call the addresses of a client. The answer is the same for every reason, so that it tells
    /// nothing about the inside. Each host is resolved once, all of them in [`ADDRESS_CHECK_TIME`], and [`MAX_LOOKUPS`] at a time
    /// for all registrations (SB-43).
    async fn check_addresses(&self, metadata: &ClientMetadata) -> Result<(), RegisterClientError> {
        let of_origins: BTreeMap<_, _> = addresses(metadata)
            .rev()
            .map(|(member, url)| (origin(url), (member, url)))
            .collect();
        let key_sets = self.clients.assertions.key_sets();
        let checks = of_origins.into_values().map(async |(member, url)| {
            let _permit = self.lookups.acquire().await;
            match key_sets.can_call(url).await {
                true => Ok(()),
                false => Err(member),
            }
        });
        let checked = tokio::time::timeout(ADDRESS_CHECK_TIME, try_join_all(checks)).await;
        let unavailable = |_| {
            ErrorCode::TemporarilyUnavailable
                .because("the hosts of the addresses cannot be looked up at the moment")
        };
        checked.map_err(unavailable)?.map(drop).map_err(|member| {
            let error = format!("{member}: expected an https URL whose host is found and public");
            ErrorCode::InvalidClientMetadata.because(error).into()
        })
    }

    /// The metadata of a request that follows the rules.
    fn accepted_metadata(
        &self,
        request: &RegistrationRequest,
    ) -> Result<ClientMetadata, RegisterClientError> {
        let metadata = request.metadata(&self.rules())?;
        if let Some(name) = &metadata.client_name {
            name::check_name(name, &self.policy.site_name)
                .map_err(|error| ErrorCode::InvalidClientMetadata.because(error.to_string()))?;
        }
        Ok(metadata)
    }

    /// Checks the document of a sector, within the limit on how often strangers may have this server call others. A change of a registration is
    /// limited already.
    async fn check_sector(
        &self,
        known: Option<&ClientMetadata>,
        metadata: &ClientMetadata,
        ip: Option<IpAddr>,
    ) -> Result<(), RegisterClientError> {
        if sector_to_check(known, metadata).is_none() {
            return Ok(());
        }
        if known.is_none() {
            self.claim_sector_fetch(ip).await?;
        }
        let checked = self.clients.check_sector(Origin::Registration, known, metadata);
        checked.await.map_err(|error| OAuthError::from(error).into())
    }

    /// Publishes the keys of the algorithms of a client, of many at once each key once.
    async fn publish_keys(&self, metadata: &ClientMetadata) -> Result<(), RegisterClientError> {
        let _alone = self.publishing.lock().await;
        let published = self.clients.keys.publish(&metadata.signing_algorithms()).await;
        Ok(published.map_err(ClientError::from)?)
    }

    /// The client `id`, to which `token` is the registration access token (RFC 7592 §2).
    ///
    /// # Errors
    /// `invalid_token`, also if there is no such client.
    pub async fn authorize(
        &self,
        id: &str,
        token: Option<&str>,
    ) -> Result<RegisteredClient, RegisterClientError> {
        if self.policy.mode == ClientRegistrationMode::Off {
            return Err(RegisterClientError::Off);
        }
        let token = token.ok_or(RegisterClientError::MissingToken)?;
        let client = self.clients.find_newest(id).await?.ok_or_else(invalid_token)?;
        let stored = client.registration_token_hash.as_deref().unwrap_or_default();
        if client.origin != Origin::Registration || !TokenHash::of(token).matches(stored) {
            return Err(invalid_token());
        }
        let mut reader = self.clients.db.reader().await?;
        let statement = store::find_statement(&mut reader, id).await?;
        Ok(RegisteredClient {
            client,
            secret: None,
            registration_token: Token::new(token),
            initial_token: None,
            statement,
        })
    }

    /// Replaces the metadata of a registration (RFC 7592 §2.2).
    ///
    /// # Errors
    /// See [`RegisterClientError`].
    pub async fn update(
        &self,
        registered: RegisteredClient,
        request: &RegistrationRequest,
    ) -> Result<RegisteredClient, RegisterClientError> {
        let id = registered.client.id.clone();
        let secret = request.check_update(id.as_str())?;
        if secret.is_some_and(|secret| !registered.client.secrets.iter().any(|known| known.is(secret))) {
            return Err(ErrorCode::InvalidRequest
                .because("client_secret is not the one of the client, which cannot choose it")
                .into());
        }
        self.claim_change(id.as_str()).await?;
        // What an issuer has signed is not replaced by what the client says (RFC 7591 §2.3).
        let stated = registered
            .statement
            .as_deref()
            .map(|statement| request.with_registered_statement(statement));
        let metadata = self.accepted_metadata(stated.as_ref().unwrap_or(request))?;
        let known = &registered.client.metadata;
        known.check_kept_subjects(&metadata).map_err(OAuthError::from)?;
        self.check_addresses(&metadata).await?;
        self.check_sector(Some(known), &metadata, None).await?;
        let change = ClientChange {
            origin: Origin::Registration,
            metadata,
            says_consent: true,
            statement: SignedStatement::of(request),
        };
        let version = Some(registered.client.version);
        let updated = self.clients.update_as(id.as_str(), version, change).await?;
        let CreatedClient { client, secret } = updated.ok_or_else(invalid_token)?;
        let statement = request.software_statement().map(str::to_owned);
        Ok(RegisteredClient {
            client,
            secret,
            statement: statement.or(registered.statement),
            ..registered
        })
    }

    /// Deletes a registration and revokes the grants of the client (RFC 7592 §2.3).
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete(&self, registered: &RegisteredClient) -> Result<(), RegisterClientError> {
        self.clients.delete(registered.client.id.as_str()).await?;
        Ok(())
    }

    fn rules(&self) -> RegistrationRules<'_> {
        RegistrationRules {
            scopes: &self.policy.scopes,
            detail_types: &self.policy.detail_types,
            require_pkce: self.policy.require_pkce,
            require_consent: self.policy.require_consent,
            methods: &self.policy.methods,
            statement_issuers: &self.policy.statement_issuers,
            now: self.clients.clock.now().as_secs(),
        }
    }
}
