//! A small world for tests: the service without its ports, people with tokens, events that arrive.

mod caller;
mod described;
mod tokens;

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use chassis::access::{FixedKeys, Verifier};
use chassis::clock::{ManualClock, SharedClock, Timestamp};
use chassis::db::Db;
use chassis::on_engine;
use chassis::random::{SharedRandom, SystemRandom};
use chassis::shutdown::Shutdown;
use contract::Envelope;
use contract::{EventContext, EventData, RegistrationRequested};
use events::feed::Feed;
use events::operations::Operations;
use events::transport::TransportKind;
use events::{Handler, Outbox};
use oidc::jose::{Algorithm, JwkSet, KeySet, SigningKey};
use provisioning::{Provisioning, ProvisioningConfig};
use scim::schema::Accessor;
use tokio::time::Instant;
use uuid::Uuid;
use webhooks::{Webhooks, WebhooksConfig};

use crate::app::{App, ScimBase, SharedApp};
use crate::authority::Authority;
use crate::bulk::{self, Bulk};
use crate::config::ScimConfig;
use crate::credentials::Credentials;
use crate::delegations::Delegations;
use crate::directory::{DeletedUsers, DirectorySnapshot, ProvisionedDirectory, Restore};
use crate::groups::{self, AttributesChange, AttributesEdit, DesiredGroup, Groups, MemberRef};
use crate::http::protected_resource;
use crate::namespace::ADMINISTRATORS;
use crate::provisioning_clients::{ProvisioningClients, TokenLimits};
use crate::registrations::{AuthEventHandler, Registrations};
use crate::revocations::Revocations;
use crate::token_checks::TokenChecks;
use crate::user_created_waiters::UserCreatedWaiters;
use crate::users::{DesiredState, GracePeriod, Rules, Users, Writer};

pub(crate) use caller::{Caller, TestResponse};
pub(crate) use tokens::{
    bound_token, certificate_bound_token, clients_token, day_long_token, exchanged_token, persons_token,
    revocable_clients_token, token, token_for, token_of_grant, token_of_sign_in,
};

pub(crate) const ISSUER: &str = "http://auth.example";
pub(crate) const AUDIENCE: &str = "http://users.example";
pub(crate) const NOW: Timestamp = Timestamp::from_secs(1_790_000_000);

static KEY: LazyLock<SigningKey> = LazyLock::new(|| SigningKey::generate(Algorithm::Es256).unwrap());

/// The choices of a test for its service.
struct TestOptions {
    waiters: UserCreatedWaiters,
    scim: ScimConfig,
    credentials: Credentials,
    revocations: Revocations,
    grace_days: u32,
    clock: Arc<ManualClock>,
    certificates: bool,
}

impl Default for TestOptions {
    fn default() -> Self {
        let patience = Duration::from_secs(60);
        Self {
            waiters: UserCreatedWaiters::new(patience, patience),
            scim: ScimConfig::default(),
            credentials: Credentials::Refused,
            revocations: heard(),
            grace_days: 0,
            clock: Arc::new(ManualClock::new(NOW)),
            certificates: false,
        }
    }
}

/// The service on `db`. Requests for unknown people wait until somebody arrives; a deletion erases at once.
pub(crate) fn app(db: &Db) -> SharedApp {
    app_of(db, TestOptions::default())
}

/// The service on `db`, with a patience of the test's own.
pub(crate) fn app_with(db: &Db, waiters: UserCreatedWaiters) -> SharedApp {
    let options = TestOptions::default();
    app_of(db, TestOptions { waiters, ..options })
}

/// The service on `db`, where certificates of clients can come.
pub(crate) fn app_with_certificates(db: &Db) -> SharedApp {
    let options = TestOptions::default();
    app_of(
        db,
        TestOptions {
            certificates: true,
            ..options
        },
    )
}

/// The service on `db`, which has never heard `auth`.
pub(crate) fn app_without_auth(db: &Db) -> SharedApp {
    let revocations = Revocations::with_patience(Duration::from_millis(20));
    let options = TestOptions::default();
    app_of(
        db,
        TestOptions {
            revocations,
            ..options
        },
    )
}

/// The service on `db`, with attributes of the test's own.
pub(crate) fn app_with_attributes(db: &Db, scim: &ScimConfig) -> SharedApp {
    let (scim, options) = (scim.clone(), TestOptions::default());
    app_of(db, TestOptions { scim, ..options })
}

/// The service on `db`, which hands passwords to `credentials`.
pub(crate) fn app_with_credentials(db: &Db, credentials: Credentials) -> SharedApp {
    let options = TestOptions::default();
    app_of(
        db,
        TestOptions {
            credentials,
            ..options
        },
    )
}

/// The service on `db` with a grace period for deleted users, which hands passwords to `credentials`.
pub(crate) fn app_with_grace_and_credentials(
    db: &Db,
    grace_days: u32,
    credentials: Credentials,
) -> SharedApp {
    let soon = Duration::from_millis(5);
    let options = TestOptions {
        waiters: UserCreatedWaiters::new(soon, soon),
        grace_days,
        credentials,
        ..TestOptions::default()
    };
    app_of(db, options)
}

/// The service on `db` with a grace period for deleted users, and its clock.
pub(crate) fn app_with_grace(db: &Db, grace_days: u32) -> (SharedApp, Arc<ManualClock>) {
    app_with_grace_and_attributes(db, grace_days, &ScimConfig::default())
}

/// The same, with attributes of the test's own.
pub(crate) fn app_with_grace_and_attributes(
    db: &Db,
    grace_days: u32,
    scim: &ScimConfig,
) -> (SharedApp, Arc<ManualClock>) {
    let (scim, options) = (scim.clone(), TestOptions::default());
    let clock = Arc::clone(&options.clock);
    let options = TestOptions {
        grace_days,
        scim,
        ..options
    };
    (app_of(db, options), clock)
}

fn app_of(db: &Db, options: TestOptions) -> SharedApp {
    let TestOptions {
        waiters: user_created_waiters,
        scim,
        credentials,
        revocations,
        grace_days,
        clock,
        certificates,
    } = options;
    let grace = GracePeriod::of_days(grace_days);
    let registry = Arc::new(scim.registry().unwrap());
    let clock: SharedClock = clock;
    let random: SharedRandom = Arc::new(SystemRandom::default());
    let keys = JwkSet {
        keys: vec![KEY.public().clone()],
    };
    let keys = FixedKeys(Arc::new(KeySet::from_jwks(&keys)));
    let outbox = Outbox::new(AUDIENCE, clock.clone(), Arc::clone(&random));
    let users = Users::new(
        db.clone(),
        (clock.clone(), Arc::clone(&random)),
        outbox.clone(),
        Rules {
            reserved_names: crate::config::UserNamesConfig::default().reserved().unwrap(),
            registry: Arc::clone(&registry),
            grace,
        },
        user_created_waiters.clone(),
        credentials.clone(),
    );
    let limits = TokenLimits {
        max_days: 365,
        warn_days: 30,
    };
    let delegations = Delegations::new(db.clone(), (clock.clone(), Arc::clone(&random)), users.clone());
    let clients = ProvisioningClients::new(db.clone(), (clock.clone(), Arc::clone(&random)), limits);
    let groups = Groups::new(db.clone(), (clock.clone(), random), outbox.clone(), users.clone());
    let bulk = Bulk::new(bulk::Parts {
        db: db.clone(),
        users: users.clone(),
        groups: groups.clone(),
        registry: Arc::clone(&registry),
        base: ScimBase::of(AUDIENCE).shared(),
        limits: scim.bulk.limits(u64::MAX),
    });
    SharedApp::new(App {
        provisioning: Provisioning::new(provisioning::Parts {
            db: db.clone(),
            outbox: outbox.clone(),
            directory: Arc::new(ProvisionedDirectory {
                registry: Arc::clone(&registry),
                base: AUDIENCE.to_owned(),
            }),
            registry: Arc::clone(&registry),
            clock: clock.clone(),
            random: Arc::new(SystemRandom::default()),
            cipher: None,
            outbound: ProvisioningConfig::default().outbound().unwrap(),
            config: ProvisioningConfig::default(),
        }),
        webhooks: Webhooks::new(webhooks::Parts {
            db: db.clone(),
            outbox: outbox.clone(),
            service: "users",
            cipher: None,
            outbound: WebhooksConfig::default().outbound().unwrap(),
            config: WebhooksConfig::default(),
            retention: Duration::from_secs(1),
        }),
        db: db.clone(),
        feed: Feed::new(
            db.clone(),
            outbox.clone(),
            Arc::new(DirectorySnapshot),
            Shutdown::new(),
        ),
        operations: Operations::new(db.clone(), outbox.clone(), "users", TransportKind::Feed),
        verifier: Verifier::with_dpop(ISSUER, AUDIENCE, keys, clock.clone(), &[[7; 32]]),
        registrations: Registrations::new(db.clone(), clock.clone(), outbox.clone(), users.clone()),
        token_checks: TokenChecks::new(db.clone(), revocations.clone(), "vestibule-auth".to_owned()),
        restore: Restore::new(db.clone(), users.clone(), groups.clone()),
        deleted_users: DeletedUsers::new(db.clone(), clock.clone(), users.clone()),
        scim_base: ScimBase::of(AUDIENCE),
        registry,
        cursor_key: scim::cursor::CursorKey::derive(b"a test"),
        user_created_waiters,
        credentials,
        resource_metadata: Arc::new(protected_resource::metadata(AUDIENCE, ISSUER, certificates)),
        outbox,
        clock,
        users,
        groups,
        bulk,
        delegations,
        provisioning_clients: clients,
        revocations,
    })
}

/// A list of revocations that stays fresh for as long as any test takes.
fn heard() -> Revocations {
    let list = Revocations::with_patience(Duration::from_millis(20));
    list.complete(Instant::now() + Duration::from_secs(3600));
    list
}

/// Makes a person one of those who administer.
pub(crate) async fn make_administrator(app: &SharedApp, id: Uuid) {
    let mut tx = app.db.begin("test").await.unwrap();
    let group = groups::find_by_name(&mut tx, ADMINISTRATORS).await.unwrap();
    groups::add_member(&mut tx, group.unwrap(), id, NOW)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

/// A person to be, of whom nothing but the name is said.
pub(crate) fn desired_user(name: &str) -> DesiredState {
    DesiredState {
        user_name: name.parse().unwrap(),
        name: Default::default(),
        emails: Vec::new(),
        locale: None,
        zoneinfo: None,
        active: None,
        attributes: Default::default(),
    }
}

/// A group to be, as an administrator wants it.
pub(crate) fn desired_group(name: &str, members: Option<Vec<MemberRef>>) -> DesiredGroup {
    let writer = Writer {
        accessor: Accessor::Administrator,
        client: None,
        authority: Authority::EVERYBODY,
        makes_administrators: true,
    };
    DesiredGroup {
        name: name.parse().unwrap(),
        external_id: None,
        members,
        attributes: AttributesEdit {
            accessor: writer.accessor,
            change: AttributesChange::Replace(Default::default()),
        },
        writer,
    }
}

/// A registration as `auth` sends it.
pub(crate) fn requested(id: u128, name: &str) -> RegistrationRequested {
    RegistrationRequested {
        id: Uuid::from_u128(id),
        user_name: name.parse().unwrap(),
        email: Some(format!("{}@example.com", name.to_lowercase()).parse().unwrap()),
        name: None,
        locale: None,
        groups: Vec::new(),
        version: 1,
        requested_at: NOW,
    }
}

/// An event of `auth`.
pub(crate) fn envelope<T: EventData>(subject: Uuid, data: &T) -> Envelope {
    let random: SharedRandom = Arc::new(SystemRandom::default());
    let context = EventContext {
        id: random.uuid(&ManualClock::new(NOW)),
        source: ISSUER,
        kind: T::TYPE,
        subject,
        sequence: 1,
        time: NOW,
    };
    Envelope::new(context, serde_json::value::to_raw_value(data).unwrap())
}

/// Applies an event as the inbox does when it sees the event for the first time.
pub(crate) async fn apply(app: &SharedApp, event: &Envelope) {
    let mut tx = app.db.begin("test").await.unwrap();
    let handler = AuthEventHandler {
        registrations: app.registrations.clone(),
        users: app.users.clone(),
    };
    handler.apply(&mut tx, event).await.unwrap();
    tx.commit().await.unwrap();
}

/// Types and sequences of the events of a person, in order.
pub(crate) async fn events_of(db: &Db, id: Uuid) -> Vec<(String, i64)> {
    const EVENTS: &str = "SELECT type, sequence FROM outbox WHERE aggregate_id = $1 ORDER BY sequence";
    let mut reader = db.reader().await.unwrap();
    on_engine!(&mut reader, c => sqlx::query_as(EVENTS).bind(id).fetch_all(c).await.unwrap())
}
