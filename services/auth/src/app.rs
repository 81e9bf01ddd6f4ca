//! `App`: the collaborators that use cases and handlers share, and the router of the public port.

use std::ops::Deref;
use std::sync::{Arc, Weak};

use axum::Router;
use chassis::access::{AccessToken, BoxFuture, HasVerifier, Verifier};
use chassis::clock::SharedClock;
use chassis::db::Db;
use chassis::http::Problem;
use chassis::random::SharedRandom;
use events::Outbox;
use events::feed::{Feed, HasFeed};
use events::operations::{HasOperations, Operations};
use webhooks::{HasWebhooks, Webhooks};

use crate::breach_list::BreachList;
use crate::clients::ClientCache;
use crate::config::Settings;
use crate::credentials::Hasher;
use crate::form_submissions::FormSubmissions;
use crate::grants::Issuer;
use crate::http;
use crate::keys::KeyRing;
use crate::pages::{self, Pages};
use crate::registration::UsersService;
use crate::restore::SignInGate;
use crate::throttle::Throttle;

/// The collaborators that every use case takes.
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
    /// The lists of breached passwords.
    pub breach_list: Arc<BreachList>,
    /// The user service.
    pub users: Arc<dyn UsersService>,
    /// The issuer of tokens and its metadata.
    pub issuer: Issuer,
    /// The signing keys.
    pub keys: KeyRing,
    /// The cache of clients.
    pub clients: ClientCache,
    /// The verifier of access tokens that callers of this service present.
    pub verifier: Verifier,
    /// The HTML pages.
    pub pages: Pages,
    /// The gate that keeps sign-in closed after a restoration.
    pub sign_in_gate: SignInGate,
    /// The throttle of sign-ins.
    pub throttle: Throttle,
    /// The form submissions of the last seconds.
    pub form_submissions: FormSubmissions,
}

/// What the collaborators are built from.
pub(crate) struct Parts {
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
    pub(crate) users: Arc<dyn UsersService>,
    pub(crate) issuer: Issuer,
    pub(crate) keys: KeyRing,
    pub(crate) pages: Pages,
}

impl App {
    /// Builds the collaborators.
    pub(crate) fn new(parts: Parts) -> Self {
        let (db, clock) = (parts.db, parts.clock);
        let issuer = parts.issuer.url();
        Self {
            throttle: Throttle::new(db.clone(), Arc::clone(&clock), &parts.settings.throttle),
            form_submissions: FormSubmissions::new(db.clone(), Arc::clone(&clock)),
            verifier: Verifier::new(issuer, issuer, parts.keys.clone(), Arc::clone(&clock)),
            settings: parts.settings,
            random: parts.random,
            outbox: parts.outbox,
            feed: parts.feed,
            operations: parts.operations,
            webhooks: parts.webhooks,
            hasher: parts.hasher,
            breach_list: Arc::new(parts.breach_list),
            users: parts.users,
            issuer: parts.issuer,
            keys: parts.keys,
            clients: ClientCache::default(),
            pages: parts.pages,
            sign_in_gate: SignInGate::default(),
            db,
            clock,
        }
    }
}

/// An [`App`] shared by every request and background task.
#[derive(Clone)]
pub struct SharedApp(Arc<App>);

impl SharedApp {
    /// Shares `app`.
    pub fn new(app: App) -> Self {
        Self(Arc::new(app))
    }

    /// Shares the app that `make` builds. `make` gets a weak reference to the app, which cannot be upgraded
    /// before `make` returns.
    pub(crate) fn new_cyclic(make: impl FnOnce(&Weak<App>) -> App) -> Self {
        Self(Arc::new_cyclic(make))
    }

    /// A weak reference to the app.
    pub(crate) fn downgrade(&self) -> Weak<App> {
        Arc::downgrade(&self.0)
    }
}

impl Deref for SharedApp {
    type Target = App;

    fn deref(&self) -> &App {
        &self.0
    }
}

impl HasVerifier for SharedApp {
    fn verifier(&self) -> &Verifier {
        &self.0.verifier
    }

    fn recheck<'a>(&'a self, token: &'a AccessToken) -> BoxFuture<'a, Result<(), Problem>> {
        Box::pin(http::check_active(self, token))
    }
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

/// The router of the public port.
pub fn router(app: &SharedApp) -> Router<SharedApp> {
    Router::new()
        .merge(http::routes(app))
        .merge(pages::routes(app))
        .fallback(pages::not_found)
}
