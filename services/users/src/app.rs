//! `App`: the collaborators of the service, which handlers take one by one.

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::FromRef;
use chassis::access::{AccessToken, BoxFuture, HasVerifier, Verifier};
use chassis::clock::SharedClock;
use chassis::db::Db;
use chassis::http::Problem;
use events::Outbox;
use events::feed::{Feed, HasFeed};
use events::operations::{HasOperations, Operations};
use oidc::discovery::ProtectedResourceMetadata;
use provisioning::{HasProvisioning, Provisioning};
use scim::cursor::CursorKey;
use scim::schema::Registry;
use webhooks::{HasWebhooks, Webhooks};

use crate::bulk::Bulk;
use crate::credentials::Credentials;
use crate::delegations::Delegations;
use crate::directory::{DeletedUsers, Restore};
use crate::groups::Groups;
use crate::provisioning_clients::ProvisioningClients;
use crate::registrations::Registrations;
use crate::revocations::Revocations;
use crate::token_checks::TokenChecks;
use crate::user_created_waiters::UserCreatedWaiters;
use crate::users::Users;

/// The collaborators of the service, each of which is cheap to clone. A handler takes those that it uses (`State<Users>`), and
/// no domain sees this type. See `docs/decisions/0028-collaborators.md`.
pub struct App {
    pub(crate) db: Db,
    pub(crate) clock: SharedClock,
    pub(crate) outbox: Outbox,
    pub(crate) feed: Feed,
    pub(crate) operations: Operations,
    pub(crate) webhooks: Webhooks,
    pub(crate) provisioning: Provisioning,
    pub(crate) verifier: Verifier,
    pub(crate) user_created_waiters: UserCreatedWaiters,
    pub(crate) users: Users,
    pub(crate) groups: Groups,
    pub(crate) bulk: Bulk,
    pub(crate) delegations: Delegations,
    pub(crate) provisioning_clients: ProvisioningClients,
    pub(crate) restore: Restore,
    pub(crate) deleted_users: DeletedUsers,
    pub(crate) registrations: Registrations,
    pub(crate) revocations: Revocations,
    pub(crate) token_checks: TokenChecks,
    pub(crate) scim_base: ScimBase,
    pub(crate) registry: Arc<Registry>,
    pub(crate) cursor_key: CursorKey,
    pub(crate) credentials: Credentials,
    pub(crate) resource_metadata: Arc<ProtectedResourceMetadata>,
}

/// The address of `/scim/v2`, without a slash at the end.
#[derive(Clone, Debug)]
pub(crate) struct ScimBase(Arc<str>);

impl ScimBase {
    /// Of the service whose public URL is `audience`.
    pub(crate) fn of(audience: &str) -> Self {
        Self(format!("{audience}{}", contract::paths::users::SCIM).into())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The same, shared.
    pub(crate) fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }
}

/// An [`App`] shared by every request and background task: the state of the router.
#[derive(Clone)]
pub struct SharedApp(Arc<App>);

impl SharedApp {
    /// Shares `app`.
    pub(crate) fn new(app: App) -> Self {
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

extracted! {
    Bulk: bulk;
    CursorKey: cursor_key;
    Db: db;
    Arc<ProtectedResourceMetadata>: resource_metadata;
    Arc<Registry>: registry;
    Credentials: credentials;
    DeletedUsers: deleted_users;
    SharedClock: clock;
    Delegations: delegations;
    Groups: groups;
    ProvisioningClients: provisioning_clients;
    Registrations: registrations;
    ScimBase: scim_base;
    TokenChecks: token_checks;
    Users: users;
    Verifier: verifier;
}

impl HasVerifier for SharedApp {
    fn verifier(&self) -> &Verifier {
        &self.0.verifier
    }

    fn recheck<'a>(&'a self, token: &'a AccessToken) -> BoxFuture<'a, Result<(), Problem>> {
        Box::pin(async { Ok(self.token_checks.check_privileged(token).await?) })
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

impl HasProvisioning for SharedApp {
    fn provisioning(&self) -> &Provisioning {
        &self.0.provisioning
    }
}
