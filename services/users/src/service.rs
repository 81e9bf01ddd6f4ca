//! The wiring of the service: its collaborators and background tasks. The shell `chassis::service` runs it.

mod background;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use chassis::access::{ClientCredentials, Dpop, RemoteKeys, ServiceTokens, Verifier};
use chassis::cipher::Cipher;
use chassis::config::ConfigError;
use chassis::db::{Db, Migrations};
use chassis::service::{self, Environment, RunError, Service, ShellSettings};
use chassis::telemetry::{CallerFields, Vocabulary};
use contract::paths::auth::TOKEN;
use events::Outbox;
use events::feed::Feed;
use events::operations::Operations;
use provisioning::Provisioning;
use scim::cursor::CursorKey;
use scim::schema::Registry;
use secrecy::ExposeSecret;
use webhooks::Webhooks;

use crate::app::{App, ScimBase, SharedApp};
use crate::bulk::{self, Bulk};
use crate::config::{ScimPasswords, Settings};
use crate::credentials::{Credentials, HttpCredentialService};
use crate::delegations::Delegations;
use crate::directory::{DeletedUsers, DirectorySnapshot, ProvisionedDirectory, Restore};
use crate::groups::Groups;
use crate::http::protected_resource;
use crate::provisioning_clients::ProvisioningClients;
use crate::registrations::Registrations;
use crate::revocations::{FollowerParts, Revocations};
use crate::token_checks::TokenChecks;
use crate::user_created_waiters::UserCreatedWaiters;
use crate::users::{Rules, Users};
use background::{CONSUMER, follow_auth, follow_revocations, publish};

/// The migrations of the database.
pub static SCHEMA: [&Migrations; 3] = [&events::MIGRATIONS, &provisioning::MIGRATIONS, &crate::MIGRATIONS];

/// The service, for the shell that runs it.
#[derive(Debug)]
pub struct UsersService;

impl Service for UsersService {
    const NAME: &'static str = "users";
    const VOCABULARY: Vocabulary = Vocabulary {
        declarations: &[
            events::TELEMETRY,
            brokers::TELEMETRY,
            webhooks::TELEMETRY,
            provisioning::TELEMETRY,
            crate::TELEMETRY,
        ],
        caller: CallerFields {
            subject: "user.id",
            client: "actor.client.id",
        },
    };
    type Settings = Settings;

    fn schema() -> &'static [&'static Migrations] {
        &SCHEMA
    }

    async fn start(settings: Settings, environment: &Environment) -> Result<Router, RunError> {
        let shutdown = &environment.shutdown;
        let keys = RemoteKeys::reached_at(
            settings.auth.issuer(),
            settings.auth.reached_at().as_str(),
            environment.http.clone(),
            Arc::clone(&environment.clock),
        );
        shutdown.spawn("signing_keys", keys.clone().run(shutdown.clone()));
        let tokens = tokens_for_auth(&settings, environment)?;
        let app = wire(&settings, environment, keys.clone(), &tokens)?;
        app.restore.after_restore().await?;
        app.users.note_indexed_attributes().await?;
        app.user_created_waiters.run(shutdown);
        publish(&settings, &app, shutdown)?;
        let parts = FollowerParts {
            auth: settings.auth.reached_at().clone(),
            http: environment.http.clone(),
            tokens: tokens.clone(),
            keys,
            db: environment.db.clone(),
            clock: Arc::clone(&environment.clock),
        };
        follow_revocations(parts, &app, shutdown);
        let (clients, until) = (app.provisioning_clients.clone(), shutdown.clone());
        shutdown.supervise("provisioning_tokens", move || {
            clients.clone().run_on_schedule(until.clone())
        });
        follow_auth(&settings, environment, &app, tokens)?;
        Ok(crate::routes::router(app))
    }
}

impl service::Settings for Settings {
    fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let settings: Self = chassis::config::load(UsersService::NAME, file, std::env::vars())?;
        settings.check()?;
        Ok(settings)
    }

    fn shell(&self) -> ShellSettings {
        ShellSettings {
            public_url: self.url.clone(),
            listen: self.listen.clone(),
            limits: self.limits.clone(),
            log: self.log.clone(),
            traces: self.traces.clone(),
            database: self.database.clone(),
            drain: Duration::from_secs(self.drain_seconds),
        }
    }
}

fn wire(
    settings: &Settings,
    environment: &Environment,
    keys: RemoteKeys,
    tokens: &ServiceTokens,
) -> Result<SharedApp, RunError> {
    let audience = settings.audience();
    let db = environment.db.clone();
    let clock = || Arc::clone(&environment.clock);
    let random = || Arc::clone(&environment.random);
    let outbox = Outbox::new(audience, clock(), random());
    let registry = Arc::new(settings.scim.registry()?);
    let (waiters, revocations) = (UserCreatedWaiters::default(), Revocations::default());
    let credentials = match settings.scim.passwords {
        ScimPasswords::Accept => Credentials::to(HttpCredentialService::new(
            settings.auth.reached_at(),
            environment.http.clone(),
            tokens.clone(),
        )),
        ScimPasswords::Refuse => Credentials::Refused,
        ScimPasswords::Ignore => Credentials::Ignored,
    };
    let users = Users::new(
        db.clone(),
        (clock(), random()),
        outbox.clone(),
        Rules {
            reserved_names: settings.user_names.reserved()?,
            registry: Arc::clone(&registry),
            grace: settings.deletion.grace(),
        },
        waiters.clone(),
        credentials.clone(),
    );
    let groups = Groups::new(db.clone(), (clock(), random()), outbox.clone(), users.clone());
    let scim_base = ScimBase::of(audience);
    let bulk = Bulk::new(bulk::Parts {
        db: db.clone(),
        users: users.clone(),
        groups: groups.clone(),
        registry: Arc::clone(&registry),
        base: scim_base.shared(),
        limits: settings.scim.bulk.limits(settings.limits.largest_body()),
    });
    let limits = settings.provisioning_clients.limits();
    let delegations = Delegations::new(db.clone(), (clock(), random()), users.clone());
    let clients = ProvisioningClients::new(db.clone(), (clock(), random()), limits);
    let dpop_secret = Dpop::derive_secret(settings.auth.client_secret.expose_secret().as_bytes());
    let (snapshot, closing) = (Arc::new(DirectorySnapshot), environment.shutdown.clone());
    Ok(SharedApp::new(App {
        webhooks: webhooks(settings, db.clone(), outbox.clone())?,
        provisioning: provisioning(settings, environment, &outbox, &registry)?,
        feed: Feed::new(db.clone(), outbox.clone(), snapshot, closing),
        operations: Operations::new(db.clone(), outbox.clone(), CONSUMER, settings.events.transport),
        verifier: Verifier::with_dpop(settings.auth.issuer(), audience, keys, clock(), &[dpop_secret]),
        registrations: Registrations::new(db.clone(), clock(), outbox.clone(), users.clone()),
        token_checks: TokenChecks::new(db.clone(), revocations.clone(), settings.auth.registrar.clone()),
        restore: Restore::new(db.clone(), users.clone(), groups.clone()),
        deleted_users: DeletedUsers::new(db.clone(), clock(), users.clone()),
        scim_base,
        registry,
        // All replicas have this secret.
        cursor_key: CursorKey::derive(settings.auth.client_secret.expose_secret().as_bytes()),
        credentials,
        resource_metadata: Arc::new(protected_resource::metadata(
            audience,
            settings.auth.issuer(),
            settings.listen.has_client_certificates(),
        )),
        clock: clock(),
        user_created_waiters: waiters,
        db,
        outbox,
        users,
        groups,
        bulk,
        delegations,
        provisioning_clients: clients,
        revocations,
    }))
}

/// The webhooks; without `[encryption]` they say what is missing.
fn webhooks(settings: &Settings, db: Db, outbox: Outbox) -> Result<Webhooks, RunError> {
    let cipher = settings.encryption.as_ref().map(Cipher::new).transpose();
    Ok(Webhooks::new(webhooks::Parts {
        db,
        outbox,
        service: "users",
        cipher: cipher.map_err(|error| ConfigError::invalid("encryption", error.to_string()))?,
        outbound: settings.webhooks.outbound().map_err(anyhow::Error::from)?,
        config: settings.webhooks.clone(),
        retention: settings.events.retention(),
    }))
}

/// The provisioning of applications; without `[encryption]` it has no targets.
fn provisioning(
    settings: &Settings,
    environment: &Environment,
    outbox: &Outbox,
    registry: &Arc<Registry>,
) -> Result<Provisioning, RunError> {
    let cipher = settings.encryption.as_ref().map(Cipher::new).transpose();
    let outbound = settings.provisioning.outbound().map_err(anyhow::Error::from)?;
    Ok(Provisioning::new(provisioning::Parts {
        db: environment.db.clone(),
        outbox: outbox.clone(),
        directory: Arc::new(ProvisionedDirectory {
            registry: Arc::clone(registry),
            base: ScimBase::of(settings.audience()).as_str().to_owned(),
        }),
        registry: Arc::clone(registry),
        clock: Arc::clone(&environment.clock),
        random: Arc::clone(&environment.random),
        cipher: cipher.map_err(|error| ConfigError::invalid("encryption", error.to_string()))?,
        outbound,
        config: settings.provisioning.clone(),
    }))
}

/// Tokens to ask the authentication service with.
fn tokens_for_auth(settings: &Settings, environment: &Environment) -> Result<ServiceTokens, RunError> {
    let at = settings.auth.reached_at();
    let credentials = ClientCredentials {
        token_endpoint: format!("{}{TOKEN}", at.as_str().trim_end_matches('/'))
            .parse()
            .map_err(anyhow::Error::from)?,
        client_id: settings.auth.client_id.clone(),
        client_secret: settings.auth.client_secret.clone(),
        resource: settings.auth.issuer().to_owned(),
        scope: "events:read".to_owned(),
    };
    let clock = Arc::clone(&environment.clock);
    Ok(ServiceTokens::client_credentials(
        credentials,
        environment.http.clone(),
        clock,
    ))
}
