//! `App`: the collaborators of the service, which handlers take one by one.

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::FromRef;
use chassis::access::{ServiceTokens, Verifier};
use chassis::clock::SharedClock;
use chassis::db::Db;
use chassis::http::PublicUrl;
use chassis::random::SharedRandom;
use events::Outbox;
use events::feed::{Feed, HasFeed};
use events::operations::{HasOperations, Operations};
use webhooks::{HasWebhooks, Webhooks};

use crate::accounts::Accounts;
use crate::authorization_requests::AuthorizationRequests;
use crate::breach_list::BreachList;
use crate::clients::Clients;
use crate::config::Settings;
use crate::credentials::{Hasher, Passwords};
use crate::direct_sign_in::DirectSignIn;
use crate::form_submissions::FormSubmissions;
use crate::grants::Grants;
use crate::html::Pages;
use crate::keys::KeyRing;
use crate::own_tokens::OwnTokens;
use crate::provisioning::Provisioning;
use crate::registration::Registrations;
use crate::restore::{Restore, SignInGate};
use crate::sessions::Sessions;
use crate::setup::SetUp;
use crate::setup_links::SetUpLinks;
use crate::sign_up::{SignUp, SignUpParts, UsersService};
use crate::subjects::Subjects;
use crate::sweeper::Sweeper;
use crate::throttle::Throttle;
use crate::tokens::{Issuer, Tokens};

/// The collaborators of the service, each of which is cheap to clone. A handler takes those that it uses
/// (`State<Sessions>`), and no domain sees this type. See `docs/decisions/0028-collaborators.md`.
pub struct App {
    /// The settings of the operator.
    pub settings: Settings,
    /// The database of this service.
    pub db: Db,
    /// The clock.
    pub clock: SharedClock,
    /// The source of randomness for secrets and ids.
    pub random: SharedRandom,
    /// The outbox, which events are appended to.
    pub outbox: Outbox,
    /// The event feed for consumers.
    pub feed: Feed,
    /// The operations on events for operators.
    pub operations: Operations,
    /// The webhook subscriptions.
    pub webhooks: Webhooks,
    /// The pool that hashes passwords.
    pub hasher: Hasher,
    /// The issuer of tokens and its metadata.
    pub issuer: Arc<Issuer>,
    /// The signing keys.
    pub keys: KeyRing,
    /// The verifier of access tokens that callers of this service present.
    pub verifier: Verifier,
    /// The HTML pages.
    pub pages: Arc<Pages>,
    /// The gate that keeps sign-in closed after a restoration.
    pub sign_in_gate: SignInGate,
    /// The throttle of sign-ins.
    pub throttle: Throttle,
    /// The form submissions of the last seconds.
    pub form_submissions: FormSubmissions,
    /// The rules for passwords.
    pub passwords: Passwords,
    /// The subjects.
    pub subjects: Subjects,
    /// The accounts, and sign-in with a password.
    pub accounts: Accounts,
    /// The clients.
    pub clients: Clients,
    /// The grants and their revocation.
    pub grants: Grants,
    /// The issuing of tokens.
    pub tokens: Tokens,
    /// The sessions.
    pub sessions: Sessions,
    /// The registrations and their proofs.
    pub registrations: Registrations,
    /// The consequences of a user's state.
    pub provisioning: Provisioning,
    /// The steps that make a user and an account.
    pub sign_up: SignUp,
    /// The one-time links.
    pub setup_links: SetUpLinks,
    /// What the one-time links do.
    pub setup: SetUp,
    /// The use case of `POST /authenticate`.
    pub direct_sign_in: DirectSignIn,
    /// The authorization requests that wait for a sign-in.
    pub authorization_requests: AuthorizationRequests,
    /// The start after a restoration.
    pub(crate) restore: Restore,
    /// The tokens that this service issues to itself.
    pub(crate) own_tokens: OwnTokens,
    /// The deletion of what is over.
    pub(crate) sweeper: Sweeper,
}

/// What the collaborators are built from.
pub(crate) struct Parts<U> {
    pub(crate) settings: Settings,
    pub(crate) db: Db,
    pub(crate) clock: SharedClock,
    pub(crate) random: SharedRandom,
    pub(crate) outbox: Outbox,
    pub(crate) feed: Feed,
    pub(crate) operations: Operations,
    pub(crate) webhooks: Webhooks,
    pub(crate) hasher: Hasher,
    pub(crate) breach_list: BreachList,
    pub(crate) issuer: Issuer,
    pub(crate) keys: KeyRing,
    pub(crate) pages: Pages,
    /// Makes the client of the user service, which calls it with the tokens.
    pub(crate) users: U,
}

impl App {
    /// Builds the collaborators, each from those below it.
    pub(crate) fn new<U: FnOnce(ServiceTokens) -> Arc<dyn UsersService>>(parts: Parts<U>) -> Self {
        let db = || parts.db.clone();
        let clock = || Arc::clone(&parts.clock);
        let random = || Arc::clone(&parts.random);
        let (settings, keys, issuer) = (&parts.settings, &parts.keys, Arc::new(parts.issuer));
        let throttle = Throttle::new(db(), clock(), &settings.throttle);
        let passwords = Passwords::new(
            parts.hasher.clone(),
            &settings.passwords,
            Arc::new(parts.breach_list),
            [settings.brand.name(), settings.issuer.host()],
        );
        let accounts = Accounts::new(
            db(),
            (clock(), random()),
            parts.outbox.clone(),
            parts.hasher.clone(),
            throttle.clone(),
        );
        let grants = Grants::new(db(), clock(), accounts.clone(), keys.clone(), &settings.tokens);
        let clients = Clients::new(db(), clock(), random(), parts.outbox.clone());
        let tokens = Tokens::new(
            db(),
            (clock(), random()),
            keys.clone(),
            Arc::clone(&issuer),
            grants.clone(),
            settings.tokens.clone(),
        );
        let own_tokens = OwnTokens {
            clients: clients.clone(),
            tokens: tokens.clone(),
            clock: clock(),
            client_id: settings.service.client_id.clone(),
            users: issuer.users().clone(),
        };
        let registrations = Registrations::new(db(), clock(), random(), accounts.clone());
        let sessions = Sessions::new(
            db(),
            clock(),
            random(),
            accounts.clone(),
            settings.sessions.clone(),
        );
        let provisioning =
            Provisioning::new(clock(), accounts.clone(), registrations.clone(), sessions.clone());
        let sign_up = SignUp::new(SignUpParts {
            db: db(),
            clock: clock(),
            random: random(),
            accounts: accounts.clone(),
            throttle: throttle.clone(),
            passwords: passwords.clone(),
            provisioning: provisioning.clone(),
            users: (parts.users)(ServiceTokens::issued_by(own_tokens.clone(), clock())),
            settings: settings.registration.clone(),
        });
        let setup_links = SetUpLinks::new(db(), clock(), random(), settings.issuer.clone());
        let sign_in_gate = SignInGate::default();
        Self {
            setup: SetUp::new(
                (db(), clock()),
                setup_links.clone(),
                (accounts.clone(), sessions.clone()),
                sign_up.clone(),
                passwords.clone(),
                throttle.clone(),
            ),
            direct_sign_in: DirectSignIn::new(
                db(),
                (accounts.clone(), sessions.clone()),
                (clients.clone(), tokens.clone()),
                &settings.tokens,
                settings.authenticate.enabled,
            ),
            authorization_requests: AuthorizationRequests::new(
                db(),
                clock(),
                random(),
                tokens.clone(),
                settings.authorization.clone(),
            ),
            restore: Restore::new(
                (db(), clock()),
                provisioning.clone(),
                sessions.clone(),
                parts.operations.clone(),
                sign_in_gate.clone(),
            ),
            sweeper: Sweeper {
                db: db(),
                clock: clock(),
                accounts: accounts.clone(),
                grants: grants.clone(),
                registrations: registrations.clone(),
                sessions: sessions.clone(),
            },
            form_submissions: FormSubmissions::new(db(), clock()),
            verifier: Verifier::new(issuer.url(), issuer.url(), keys.clone(), clock()),
            subjects: Subjects::new(db()),
            outbox: parts.outbox,
            feed: parts.feed,
            operations: parts.operations,
            webhooks: parts.webhooks,
            hasher: parts.hasher,
            pages: Arc::new(parts.pages),
            db: parts.db,
            clock: parts.clock,
            random: parts.random,
            keys: parts.keys,
            settings: parts.settings,
            issuer,
            sign_in_gate,
            throttle,
            passwords,
            accounts,
            clients,
            grants,
            tokens,
            sessions,
            registrations,
            provisioning,
            sign_up,
            setup_links,
            own_tokens,
        }
    }
}

/// An [`App`] shared by every request and background task: the state of the router.
#[derive(Clone)]
pub struct SharedApp(Arc<App>);

impl SharedApp {
    /// Shares `app`.
    pub fn new(app: App) -> Self {
        Self(Arc::new(app))
    }
}

impl Deref for SharedApp {
    type Target = App;

    fn deref(&self) -> &App {
        &self.0
    }
}

macro_rules! extracted {
    ($($collaborator:ty: $field:ident;)*) => {$(
        impl FromRef<SharedApp> for $collaborator {
            fn from_ref(app: &SharedApp) -> Self {
                app.$field.clone()
            }
        }
    )*};
}

impl FromRef<SharedApp> for PublicUrl {
    fn from_ref(app: &SharedApp) -> Self {
        app.settings.issuer.clone()
    }
}

extracted! {
    Accounts: accounts;
    Arc<Issuer>: issuer;
    Arc<Pages>: pages;
    AuthorizationRequests: authorization_requests;
    Clients: clients;
    Db: db;
    DirectSignIn: direct_sign_in;
    FormSubmissions: form_submissions;
    Grants: grants;
    KeyRing: keys;
    Passwords: passwords;
    Registrations: registrations;
    Sessions: sessions;
    SetUp: setup;
    SharedClock: clock;
    SetUpLinks: setup_links;
    SignInGate: sign_in_gate;
    SignUp: sign_up;
    Subjects: subjects;
    Tokens: tokens;
    Verifier: verifier;
}

impl HasFeed for SharedApp {
    fn feed(&self) -> &Feed {
        &self.0.feed
    }
}

impl HasOperations for SharedApp {
    fn operations(&self) -> &Operations {
        &self.0.operations
    }
}

impl HasWebhooks for SharedApp {
    fn webhooks(&self) -> &Webhooks {
        &self.0.webhooks
    }
}
