//! The wiring of the service: its collaborators and background tasks. The shell `chassis::service` runs it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use brokers::{AnyTransport, follow};
use chassis::access::ServiceTokens;
use chassis::backoff::Backoff;
use chassis::cipher::Cipher;
use chassis::client_certificate::CertificateAuthorities;
use chassis::config::ConfigError;
use chassis::db::{Db, Migrations};
use chassis::schedule::run_on_schedule;
use chassis::service::{self, Environment, RunError, Service, ShellSettings};
use chassis::shutdown::Shutdown;
use chassis::telemetry::{CallerFields, Vocabulary};
use events::Followed;
use events::feed::{Feed, FeedSource, prune_on_schedule};
use events::operations::Operations;
use events::{Outbox, Relay, RelayOptions};
use webhooks::{Dispatcher, DispatcherOptions, Webhooks};

use crate::accounts::AccountsSnapshot;
use crate::app::{App, Parts, SharedApp};
use crate::breach_list::BreachList;
use crate::clients::{BootstrapError, ClientOutbound, ClientRegistrationMode};
use crate::config::Settings;
use crate::credentials::Hasher;
use crate::detail_types::detail_types;
use crate::html::{Pages, PagesConfig};
use crate::keys::{self, KeyError, KeyRing};
use crate::pending_credentials::PendingCredentialSweeper;
use crate::provisioning::UserEventHandler;
use crate::scopes::Scopes;
use crate::sign_up::{HttpUsersService, UsersService};
use crate::subjects::SubjectHoldings;
use crate::tokens::Issuer;
use crate::{clients, restore, routes};

/// The longest that an application may take to answer a logout token.
const LOGOUT_TIMEOUT: Duration = Duration::from_secs(5);

/// The consumer name of the inbox. It must never change.
const CONSUMER: &str = "auth";

/// The longest that an address of a client may take to answer. A request of the client waits for it.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(5);

/// The migrations of the database.
pub static SCHEMA: [&Migrations; 2] = [&events::MIGRATIONS, &crate::MIGRATIONS];

/// The service, for the shell that runs it.
#[derive(Debug)]
pub struct AuthService;

impl Service for AuthService {
    const NAME: &'static str = "auth";
    const VOCABULARY: Vocabulary = Vocabulary {
        declarations: &[
            events::TELEMETRY,
            brokers::TELEMETRY,
            webhooks::TELEMETRY,
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
        let app = wire(settings, environment).await?;
        app.restore.after_restore().await?;
        app.restore.close_sign_in(&environment.health).await?;
        app.clients
            .bootstrap(
                &app.settings.clients,
                app.issuer.audiences(),
                app.settings.authenticate.enabled,
            )
            .await?;
        start_background_tasks(&app, environment)?;
        if let Some(link) = app.setup_links.issue_setup_link().await? {
            tracing::info!(
                event.action = "set-up",
                event.outcome = "success",
                setup.url = %link,
                "no administrator yet: the set-up link makes the first one"
            );
        }
        Ok(routes::router(&app).with_state(app))
    }
}

impl service::Settings for Settings {
    fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let settings: Self = chassis::config::load(AuthService::NAME, file, std::env::vars())?;
        settings.check()?;
        Ok(settings)
    }

    fn shell(&self) -> ShellSettings {
        ShellSettings {
            public_url: self.issuer.clone(),
            listen: self.listen.clone(),
            limits: self.limits.clone(),
            log: self.log.clone(),
            traces: self.traces.clone(),
            database: self.database.clone(),
            drain: Duration::from_secs(self.drain_seconds),
        }
    }
}

impl From<KeyError> for RunError {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Db(error) => Self::Database(error),
            KeyError::Cipher(error) => Self::Config(ConfigError::invalid("encryption", error.to_string())),
            other => Self::Other(other.into()),
        }
    }
}

impl From<BootstrapError> for RunError {
    fn from(error: BootstrapError) -> Self {
        match error {
            BootstrapError::Db(error) => Self::Database(error),
            invalid => Self::Config(ConfigError::invalid("clients", invalid.to_string())),
        }
    }
}

/// Tells the operator that applications know nobody any more, because the secret of their identifiers is gone.
async fn report_lost_subjects(db: &Db, keys: &KeyRing) -> Result<(), RunError> {
    if !keys.has_new_subjects() {
        return Ok(());
    }
    let lost = clients::count_pairwise(db).await?;
    if lost > 0 {
        tracing::error!(
            "the secret of pairwise subjects was missing and was made anew: everybody is a stranger to {lost} applications until a backup with the table subject_secret is restored"
        );
    }
    Ok(())
}

async fn wire(settings: Settings, environment: &Environment) -> Result<SharedApp, RunError> {
    let db = environment.db.clone();
    let clock = || Arc::clone(&environment.clock);
    let random = || Arc::clone(&environment.random);
    let registers_clients = settings.registration.clients != ClientRegistrationMode::Off;
    let scopes = Scopes::new(&settings.scopes)
        .map_err(|invalid| ConfigError::invalid(&invalid.key, invalid.reason))?;
    let detail_types = detail_types(&settings.authorization_details)
        .map_err(|invalid| ConfigError::invalid(&invalid.key, invalid.reason))?;
    let must_push = settings.authorization.require_pushed_authorization_requests;
    let issuer = Issuer::new(&settings.issuer, &settings.users.url)
        .and_then(|issuer| issuer.requiring_pushed_requests(must_push))
        .and_then(|issuer| issuer.with_registration(settings.registration.open))
        .and_then(|issuer| issuer.with_client_registration(registers_clients))
        .and_then(|issuer| issuer.with_claims(scopes.claims().clone()))
        .and_then(|issuer| issuer.with_mutual_tls(settings.offered_mutual_tls()))
        .and_then(|issuer| issuer.with_detail_types(detail_types))
        .map_err(|error| ConfigError::invalid("issuer", error.to_string()))?;
    let cipher = Cipher::new(&settings.encryption).map_err(KeyError::from)?;
    restore::delete_restored_keys(&db).await?;
    let (policy, registered) = (
        settings.rotation_policy(),
        clients::signing_algorithms(&db, &settings.clients).await?,
    );
    let keys = KeyRing::open(db.clone(), clock(), random(), cipher, policy, &registered).await?;
    report_lost_subjects(&db, &keys).await?;
    let pages = Pages::new(PagesConfig {
        issuer: &settings.issuer,
        brand: settings.brand.clone(),
        secret: &settings.secret_for("pages")?,
        clock: clock(),
        random: random(),
    })
    .map_err(|error| ConfigError::invalid("brand", error.to_string()))?;
    let breach_list = BreachList::open(settings.passwords.breach_list.as_deref())
        .map_err(|error| ConfigError::invalid("passwords.breach_list", error.to_string()))?;
    let hasher = Hasher::start(settings.hasher(), random())
        .map_err(|error| ConfigError::invalid("passwords", error))?;
    let outbox = Outbox::new(issuer.url(), clock(), random());
    let feed = Feed::new(
        db.clone(),
        outbox.clone(),
        Arc::new(AccountsSnapshot),
        environment.shutdown.clone(),
    );
    let webhooks = webhooks(&settings, db.clone(), outbox.clone())?;
    let client_outbound = client_outbound(&settings)?;
    let client_logo_secret = settings.secret_for("client logos")?;
    let client_authorities = client_authorities(&settings)?;
    let statement_issuers = settings.registration.statement_issuers()?;
    let (users_url, http) = (settings.users.effective_url().clone(), environment.http.clone());
    Ok(SharedApp::new(App::new(Parts {
        users: move |tokens| {
            Arc::new(HttpUsersService::new(&users_url, http, tokens)) as Arc<dyn UsersService>
        },
        operations: Operations::new(db.clone(), outbox.clone(), CONSUMER, settings.events.transport),
        db,
        clock: clock(),
        random: random(),
        outbox,
        feed,
        webhooks,
        client_outbound,
        client_logo_secret,
        shutdown: environment.shutdown.clone(),
        client_authorities,
        statement_issuers,
        hasher,
        breach_list: Arc::new(breach_list),
        issuer,
        scopes,
        outbound: outbound(&settings)?,
        keys,
        pages,
        settings,
    })))
}

/// The ways out to the logout URIs of applications, under the rules of `[webhooks]` (SB-32).
pub(crate) fn outbound(settings: &Settings) -> Result<ClientOutbound, RunError> {
    Ok(ClientOutbound::new(settings.webhooks.policy(), LOGOUT_TIMEOUT)?)
}

/// The webhooks. Their secrets are encrypted like the signing keys.
pub(crate) fn webhooks(settings: &Settings, db: Db, outbox: Outbox) -> Result<Webhooks, RunError> {
    Ok(Webhooks::new(webhooks::Parts {
        db,
        outbox,
        service: "auth",
        cipher: Some(Cipher::new(&settings.encryption).map_err(KeyError::from)?),
        outbound: settings.webhooks.outbound().map_err(anyhow::Error::from)?,
        config: settings.webhooks.clone(),
        retention: settings.events.retention(),
    }))
}

/// The ways out to other addresses that clients are registered with, under the same rules.
pub(crate) fn client_outbound(settings: &Settings) -> Result<ClientOutbound, RunError> {
    Ok(ClientOutbound::new(settings.webhooks.policy(), CLIENT_TIMEOUT)?)
}

/// The authorities of the certificates with which clients authenticate (RFC 8705 §2.1).
pub(crate) fn client_authorities(settings: &Settings) -> Result<Option<CertificateAuthorities>, ConfigError> {
    let read = |path: &PathBuf| CertificateAuthorities::read(path);
    let authorities = settings.mutual_tls.authorities.as_ref().map(read).transpose();
    authorities.map_err(|error| ConfigError::invalid("mutual_tls.authorities", error.to_string()))
}

/// Starts the background tasks, which run until `shutdown`.
fn start_background_tasks(app: &SharedApp, environment: &Environment) -> Result<(), RunError> {
    let Environment { health, shutdown, .. } = environment;
    start_publishing(app, shutdown)?;
    follow_users(app, environment, shutdown)?;
    let (restored, health, until) = (app.restore.clone(), health.clone(), shutdown.clone());
    shutdown.supervise("restoration", move || {
        let (restored, health, until) = (restored.clone(), health.clone(), until.clone());
        async move {
            restored.open_sign_in(health, until.clone()).await;
            // A task that returns is started again.
            until.cancelled().await;
        }
    });
    let (sweeping, until) = (app.sweeper.clone(), shutdown.clone());
    shutdown.supervise("sweeper", move || sweeping.clone().run(until.clone()));
    let (logouts, until) = (app.logouts.clone(), shutdown.clone());
    shutdown.supervise("logouts", move || logouts.clone().run(until.clone()));
    let (logos, until) = (app.client_logos.clone(), shutdown.clone());
    shutdown.supervise("client_logos", move || logos.clone().run(until.clone()));
    let (hooks, until) = (app.webhooks.clone(), shutdown.clone());
    shutdown.supervise("webhooks", move || {
        Dispatcher::new(hooks.clone(), DispatcherOptions::default()).run(until.clone())
    });
    let (keys, until) = (app.keys.clone(), shutdown.clone());
    shutdown.supervise("signing_keys", move || {
        refresh_keys_on_schedule(keys.clone(), until.clone())
    });
    Ok(())
}

/// Starts the relay of the outbox and the pruning of old events.
fn start_publishing(app: &SharedApp, shutdown: &Shutdown) -> Result<(), RunError> {
    let (kept, until) = (app.clone(), shutdown.clone());
    shutdown.supervise("old_events", move || {
        let retention = kept.settings.events.retention();
        prune_on_schedule(kept.db.clone(), Arc::clone(&kept.clock), retention, until.clone())
    });
    let transport = AnyTransport::new(&app.settings.events, "auth")?;
    let (app, until) = (app.clone(), shutdown.clone());
    shutdown.supervise("relay", move || {
        Relay::new(
            app.db.clone(),
            app.outbox.clone(),
            transport.clone(),
            RelayOptions::default(),
        )
        .run(until.clone())
    });
    Ok(())
}

/// Starts the consumer of the user service's events, and the sweeper of pending credentials, which asks that service.
fn follow_users(app: &SharedApp, environment: &Environment, shutdown: &Shutdown) -> Result<(), RunError> {
    let tokens = ServiceTokens::issued_by(app.own_tokens.clone(), Arc::clone(&environment.clock));
    let feed = FeedSource::new(
        app.settings.users.effective_url(),
        environment.http.clone(),
        tokens,
    )
    .map_err(anyhow::Error::from)?;
    let sweeper = PendingCredentialSweeper::new(app.db.clone(), Arc::clone(&app.clock), feed.clone());
    let until = shutdown.clone();
    shutdown.supervise("pending_credentials", move || sweeper.clone().run(until.clone()));
    let (app, until) = (app.clone(), shutdown.clone());
    shutdown.supervise("users_events", move || {
        let followed = Followed {
            consumer: CONSUMER,
            service: "users",
            feed: feed.clone(),
            db: app.db.clone(),
            clock: Arc::clone(&app.clock),
            holdings: Arc::new(SubjectHoldings),
            reconciliation: app.operations.reconciliation().clone(),
        };
        let (app, until) = (app.clone(), until.clone());
        async move {
            follow(
                &app.settings.events,
                followed,
                UserEventHandler::new(app.provisioning.clone()),
                until,
            )
            .await
        }
    });
    Ok(())
}

/// Refreshes and rotates the signing keys until `shutdown`.
async fn refresh_keys_on_schedule(keys: KeyRing, shutdown: Shutdown) {
    let failures = Backoff::new("signing keys cannot be refreshed");
    let refresh = || async {
        let refreshed = keys.refresh_and_rotate().await;
        refreshed.inspect_err(|_| metrics::counter!("vestibule_signing_key_failures_total").increment(1))
    };
    run_on_schedule(keys::RELOAD_INTERVAL, failures, &shutdown, refresh).await;
}
