//! What the parts of the service share, wired once at the start.

use std::sync::Arc;

use chassis::access::{AccessToken, BoxFuture, HasVerifier, Verifier};
use chassis::clock::SharedClock;
use chassis::db::Db;
use chassis::http::Problem;
use chassis::random::SharedRandom;
use events::Outbox;
use events::feed::{Feed, HasFeed};
use events::operations::{HasOperations, Operations};
use webhooks::{HasWebhooks, Webhooks};

use crate::http::still_honoured;
use crate::revocations::Revocations;
use crate::user_created_waiters::UserCreatedWaiters;
use crate::users::ReservedNames;

/// Everything that a use case needs.
pub struct App {
    pub(crate) db: Db,
    pub(crate) clock: SharedClock,
    pub(crate) random: SharedRandom,
    pub(crate) outbox: Outbox,
    pub(crate) feed: Feed,
    pub(crate) operations: Operations,
    pub(crate) webhooks: Webhooks,
    pub(crate) user_created_waiters: UserCreatedWaiters,
    pub(crate) reserved_names: ReservedNames,
    pub(crate) verifier: Verifier,
    pub(crate) revocations: Revocations,
    /// The address of `/scim/v2`, without a slash at the end.
    pub(crate) scim_base: String,
    /// The OAuth client that may register people: the authentication service.
    pub(crate) registrar: String,
}

/// The [`App`] as handlers hold it.
pub type SharedApp = Arc<App>;

impl HasVerifier for App {
    fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    fn recheck<'a>(&'a self, token: &'a AccessToken) -> BoxFuture<'a, Result<(), Problem>> {
        Box::pin(still_honoured(self, token))
    }
}

impl HasFeed for App {
    fn feed(&self) -> &Feed {
        &self.feed
    }
}

impl HasOperations for App {
    fn operations(&self) -> &Operations {
        &self.operations
    }
}

impl HasWebhooks for App {
    fn webhooks(&self) -> &Webhooks {
        &self.webhooks
    }
}
