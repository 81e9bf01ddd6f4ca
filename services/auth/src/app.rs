//! The wiring: what every use case is handed, and how the parts become one service.

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
use crate::grants::Issuer;
use crate::http;
use crate::keys::KeyRing;
use crate::pages::{self, Pages};
use crate::registration::UsersService;
use crate::restore::SignInGate;

/// What every use case is handed.
pub struct App {
    /// What the operator decided.
    pub settings: Settings,
    /// The database of this service.
    pub db: Db,
    /// Where the time comes from.
    pub clock: SharedClock,
    /// Where secrets and ids come from.
    pub random: SharedRandom,
    /// Where events are written.
    pub outbox: Outbox,
    /// Where others follow them.
    pub feed: Feed,
    /// What operators see and do about events.
    pub operations: Operations,
    /// Where they are sent.
    pub webhooks: Webhooks,
    /// The pool that hashes passwords.
    pub hasher: Hasher,
    /// The passwords that nobody may choose.
    pub breached: Arc<BreachList>,
    /// The user service.
    pub users: Arc<dyn UsersService>,
    /// Who signs tokens, and what it says about itself.
    pub issuer: Issuer,
    /// The signing keys.
    pub keys: KeyRing,
    /// Clients that were looked up lately.
    pub clients: ClientCache,
    /// Verifies the access tokens that callers of this service bring.
    pub verifier: Verifier,
    /// The pages that people see.
    pub pages: Pages,
    /// Whether sign-in is closed after a restoration.
    pub sign_in_gate: SignInGate,
}

/// An [`App`] shared by every request and background task.
#[derive(Clone)]
pub struct SharedApp(Arc<App>);

impl SharedApp {
    /// Shares `app`.
    pub fn new(app: App) -> Self {
        Self(Arc::new(app))
    }

    /// Shares the app that `make` makes of a reference to the app itself, which leads nowhere before `make` returns.
    pub(crate) fn new_cyclic(make: impl FnOnce(&Weak<App>) -> App) -> Self {
        Self(Arc::new_cyclic(make))
    }

    /// A reference that keeps nothing alive.
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

/// Every route of the service's public port. Each part offers its own `routes()`.
pub fn router(app: &SharedApp) -> Router<SharedApp> {
    Router::new()
        .merge(http::routes(app))
        .merge(pages::routes(app))
        .fallback(pages::not_found)
}
