//! Support for the tests of this crate: a service without listeners, and people in it.

pub(crate) mod image_server;
mod users;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chassis::cipher::Cipher;
use chassis::clock::{ManualClock, SharedClock, Timestamp};
use chassis::db::Db;
use chassis::http::ClientInfo;
use chassis::random::{SharedRandom, SystemRandom};
use chassis::secret::SecretString;
use chassis::shutdown::Shutdown;
use contract::UserState;
use events::Outbox;
use events::feed::Feed;
use events::operations::Operations;
use events::transport::TransportKind;
use oidc::dpop::Confirmation;
use uuid::Uuid;

use crate::accounts::{AccountsSnapshot, SignInError, SignInRequest, SignedIn};
use crate::app::{App, Parts, SharedApp};
use crate::clients::{self, BootstrapError, ClientRegistrationMode, ClientSettings};
use crate::config::Settings;
use crate::credentials;
use crate::credentials::{Cost, Hasher, HasherConfig, Password};
use crate::detail_types::detail_types;
use crate::html::{Pages, PagesConfig};
use crate::keys::KeyRing;
use crate::keys::testing::insert_first_keys;
use crate::scopes::Scopes;
use crate::sessions::{StartError, StartedSession};
use crate::sign_up::UsersService;
use crate::tokens::{Grant, Issuer, RefreshRequest};

pub(crate) use users::{Behaviour, FakeUsers, person_state, state_of};

/// A password that everybody in tests may have.
pub(crate) const PASSWORD: &str = "gorse-tin-vivid";

/// The time at which every test begins.
pub(crate) const BEGINNING: Timestamp = Timestamp::from_secs(1_800_000_000);

/// A service without listeners.
pub(crate) struct TestApp {
    pub(crate) app: SharedApp,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) users: Arc<FakeUsers>,
}

impl std::ops::Deref for TestApp {
    type Target = SharedApp;

    fn deref(&self) -> &SharedApp {
        &self.app
    }
}

/// The settings of a service in a test, with `more` variables such as `("REGISTRATION__OPEN", "false")`.
pub(crate) fn settings_with(more: &[(&str, &str)]) -> Settings {
    let variables = [
        ("ISSUER", "https://id.example.org"),
        ("LISTEN__ADDRESS", "127.0.0.1:0"),
        ("LISTEN__MANAGEMENT", "127.0.0.1:0"),
        ("DATABASE__URL", "sqlite:unused"),
        ("USERS__URL", "https://users.example.org"),
        ("SERVICE__CLIENT_ID", "vestibule-auth"),
        ("ENCRYPTION__ACTIVE", "k1"),
        (
            "ENCRYPTION__KEYS__K1",
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
        ),
        ("BRAND__NAME", "Example Library"),
    ];
    let kept = variables
        .iter()
        .filter(|(key, _)| !more.iter().any(|(other, _)| other == key));
    let variables = kept
        .chain(more)
        .map(|(key, value)| (format!("VESTIBULE_AUTH__{key}"), (*value).to_owned()));
    chassis::config::load("auth", None, variables).unwrap()
}

/// A hasher that costs next to nothing.
pub(crate) fn cheap_hasher(random: &SharedRandom) -> Hasher {
    let config = HasherConfig {
        cost: Cost {
            memory_kib: 64,
            iterations: 1,
            parallelism: 1,
        },
        threads: Some(2),
        queue: 256,
    };
    Hasher::start(config, Arc::clone(random)).unwrap()
}

/// A service on `db`, whose clock stands at [`BEGINNING`].
pub(crate) async fn app(db: &Db) -> TestApp {
    app_set(db, &[]).await
}

/// A service on `db` with `more` settings, as [`settings_with`] takes them.
pub(crate) async fn app_set(db: &Db, more: &[(&str, &str)]) -> TestApp {
    let users = Arc::new(FakeUsers::new());
    let (app, clock) = app_with(db, settings_with(more), users.clone()).await;
    TestApp { app, clock, users }
}

/// A service on `db` with these settings and this user service, and its clock, which stands at [`BEGINNING`].
pub(crate) async fn app_with(
    db: &Db,
    settings: Settings,
    users: Arc<dyn UsersService>,
) -> (SharedApp, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(BEGINNING));
    let shared: SharedClock = clock.clone();
    let random: SharedRandom = Arc::new(SystemRandom::default());
    let pages = Pages::new(PagesConfig {
        issuer: &settings.issuer,
        brand: settings.brand.clone(),
        secret: &[7; 32],
        clock: Arc::clone(&shared),
        random: Arc::clone(&random),
    })
    .unwrap();
    let registers_clients = settings.registration.clients != ClientRegistrationMode::Off;
    let scopes = Scopes::new(&settings.scopes).unwrap();
    let must_push = settings.authorization.require_pushed_authorization_requests;
    let issuer = Issuer::new(&settings.issuer, &settings.users.url)
        .and_then(|issuer| issuer.requiring_pushed_requests(must_push))
        .and_then(|issuer| issuer.with_registration(settings.registration.open))
        .and_then(|issuer| issuer.with_client_registration(registers_clients))
        .and_then(|issuer| issuer.with_claims(scopes.claims().clone()))
        .and_then(|issuer| issuer.with_mutual_tls(settings.offered_mutual_tls()))
        .and_then(|issuer| issuer.with_detail_types(detail_types(&settings.authorization_details).unwrap()))
        .unwrap();
    let cipher = Cipher::new(&settings.encryption).unwrap();
    let registered = clients::signing_algorithms(db, &settings.clients).await.unwrap();
    let policy = settings.rotation_policy();
    insert_first_keys(db, shared.now(), &policy, (&cipher, &random), &registered).await;
    let keys = KeyRing::open(
        db.clone(),
        Arc::clone(&shared),
        Arc::clone(&random),
        cipher,
        policy,
        &registered,
    );
    let keys = keys.await.unwrap();
    let outbox = Outbox::new(issuer.url(), Arc::clone(&shared), Arc::clone(&random));
    let feed = Feed::new(
        db.clone(),
        outbox.clone(),
        Arc::new(AccountsSnapshot),
        Shutdown::new(),
    );
    let webhooks = crate::service::webhooks(&settings, db.clone(), outbox.clone()).unwrap();
    let client_outbound = crate::service::client_outbound(&settings).unwrap();
    let client_authorities = crate::service::client_authorities(&settings).unwrap();
    let statement_issuers = settings.registration.statement_issuers().unwrap();
    let app = SharedApp::new(App::new(Parts {
        operations: Operations::new(db.clone(), outbox.clone(), "auth", TransportKind::Feed),
        hasher: cheap_hasher(&random),
        breach_list: Arc::default(),
        db: db.clone(),
        clock: shared,
        random,
        outbox,
        feed,
        webhooks,
        client_outbound,
        client_logo_secret: [8; 32],
        shutdown: Shutdown::new(),
        client_authorities,
        statement_issuers,
        users: move |_| users,
        issuer,
        scopes,
        outbound: crate::service::outbound(&settings).unwrap(),
        keys,
        pages,
        settings,
    }));
    (app, clock)
}

impl TestApp {
    /// A person called `name`, active, with [`PASSWORD`].
    pub(crate) async fn person(&self, name: &str) -> Uuid {
        let id = self.random.uuid(&*self.clock);
        let password = Password::new(&SecretString::from(PASSWORD)).unwrap();
        let hash = self.hasher.hash(password).await.unwrap();
        let mut tx = self.db.begin("test").await.unwrap();
        self.provisioning
            .apply_state(&mut tx, &person_state(id, name))
            .await
            .unwrap();
        credentials::set_password(&mut tx, id, &hash, BEGINNING)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// Reconciles the clients with this part of the configuration.
    pub(crate) async fn bootstrap(
        &self,
        settings: &BTreeMap<String, ClientSettings>,
    ) -> Result<(), BootstrapError> {
        let enabled = self.settings.authenticate.enabled;
        self.clients
            .bootstrap(settings, self.issuer.audiences(), enabled)
            .await
    }

    /// Stores a new state of a person, as its event would.
    pub(crate) async fn change(&self, state: &UserState) {
        let mut tx = self.db.begin("test").await.unwrap();
        self.provisioning.apply_state(&mut tx, state).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// A try to sign in from an address that is used once.
    pub(crate) async fn sign_in(&self, name: &str, password: &str) -> Result<SignedIn, SignInError> {
        self.accounts.sign_in(attempt(name, password)).await
    }

    /// The types of the events written so far, in order.
    pub(crate) async fn events(&self) -> Vec<String> {
        let mut reader = self.db.reader().await.unwrap();
        chassis::on_engine!(&mut reader, c => sqlx::query_scalar("SELECT type FROM outbox ORDER BY number")
            .fetch_all(c).await.unwrap())
    }

    /// Turns the clock.
    pub(crate) fn wait(&self, time: Duration) {
        self.clock.advance(time);
    }
}

/// A try to sign in, from 192.0.2.1.
pub(crate) fn attempt(name: &str, password: &str) -> SignInRequest {
    SignInRequest {
        user_name: name.to_owned(),
        password: SecretString::from(password),
        client: client("192.0.2.1"),
        device: None,
    }
}

/// Somebody who calls from `ip`.
pub(crate) fn client(ip: &str) -> ClientInfo {
    ClientInfo {
        ip: Some(ip.parse().unwrap()),
        user_agent: Some("Tests/1.0".to_owned()),
    }
}

impl TestApp {
    /// One number from the database.
    pub(crate) async fn count(&self, statement: &'static str) -> i64 {
        let mut reader = self.db.reader().await.unwrap();
        chassis::on_engine!(&mut reader, c => sqlx::query_scalar(statement).fetch_one(c).await.unwrap())
    }

    /// The texts of one column from the database.
    pub(crate) async fn texts(&self, statement: &'static str) -> Vec<String> {
        let mut reader = self.db.reader().await.unwrap();
        chassis::on_engine!(&mut reader, c => sqlx::query_scalar(statement).fetch_all(c).await.unwrap())
    }

    /// Runs a statement, for instance one that makes the next request fail.
    pub(crate) async fn run(&self, statement: &'static str) {
        let mut tx = self.db.begin("test").await.unwrap();
        chassis::on_engine!(&mut tx, c => sqlx::query(statement).execute(c).await.map(drop).unwrap());
        tx.commit().await.unwrap();
    }

    /// Starts a session for somebody who has just signed in.
    pub(crate) async fn start(&self, who: &SignedIn) -> Result<StartedSession, StartError> {
        let mut tx = self.db.begin("test").await.unwrap();
        let started = self.sessions.start(&mut tx, who, &client("192.0.2.1")).await?;
        tx.commit().await.unwrap();
        Ok(started)
    }
}

/// The proof of the sender of a request without one.
pub(crate) static NOTHING: Confirmation = Confirmation { jkt: None, x5t: None };

/// A request for all that was granted.
pub(crate) fn whole_grant() -> RefreshRequest<'static> {
    RefreshRequest {
        details: None,
        scope: None,
        resources: &[],
        confirmation: &NOTHING,
    }
}

/// An access token of a person for a client.
pub(crate) async fn persons_token(app: &App, person: Uuid, client: &str, scope: &str) -> String {
    let client = app.clients.find(client).await.unwrap().unwrap();
    let grant = Grant {
        subject: person,
        scope: scope.parse().unwrap(),
        audiences: app.issuer.audiences().to_vec(),
        session_id: None,
        auth_time: app.clock.now(),
        amr: vec!["pwd".to_owned()],
        nonce: None,
        details: Default::default(),
        confirmation: Confirmation::default(),
    };
    let mut tx = app.db.begin("test").await.unwrap();
    let pending = app.tokens.issue(&mut tx, &client, grant).await.unwrap();
    tx.commit().await.unwrap();
    let tokens = app.tokens.sign(pending, &client, app.issuer.audiences());
    tokens.unwrap().access_token
}

/// A claim of a token, unverified.
pub(crate) fn claim(token: &str, name: &str) -> serde_json::Value {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice::<serde_json::Value>(&payload).unwrap()[name].clone()
}
