//! `App`: the collaborators of the service, which handlers take one by one.

mod wiring;

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::FromRef;
use chassis::access::Verifier;
use chassis::clock::SharedClock;
use chassis::db::Db;
use chassis::http::PublicUrl;
use chassis::random::SharedRandom;
use events::Outbox;
use events::feed::{Feed, HasFeed};
use events::operations::{HasOperations, Operations};
use webhooks::{HasWebhooks, Webhooks};
pub(crate) use wiring::Parts;

use crate::accounts::Accounts;
use crate::assignments::Assignments;
use crate::authorization_requests::AuthorizationRequests;
use crate::clients::{ClientLogos, ClientRegistration, Clients};
use crate::config::Settings;
use crate::consents::Consents;
use crate::credential_export::CredentialExport;
use crate::credential_import::CredentialImport;
use crate::credentials::{Hasher, Passwords};
use crate::device_authorizations::DeviceAuthorizations;
use crate::direct_sign_in::DirectSignIn;
use crate::form_submissions::FormSubmissions;
use crate::grants::Grants;
use crate::host_sessions::HostSessions;
use crate::html::Pages;
use crate::keys::KeyRing;
use crate::logout_delivery::LogoutDispatcher;
use crate::own_tokens::OwnTokens;
use crate::pending_credentials::PendingCredentials;
use crate::protected_hosts::ProtectedHosts;
use crate::provisioning::Provisioning;
use crate::registration::Registrations;
use crate::restore::{Restore, SignInGate};
use crate::scopes::Scopes;
use crate::sessions::Sessions;
use crate::setup::SetUp;
use crate::setup_links::SetUpLinks;
use crate::sign_up::SignUp;
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
    /// The logos of clients.
    pub(crate) client_logos: ClientLogos,
    /// The registration of clients by themselves.
    pub client_registration: ClientRegistration,
    /// The scopes with their claims.
    pub scopes: Scopes,
    /// The consents of people to applications.
    pub consents: Consents,
    /// The roles of people at clients.
    pub assignments: Assignments,
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
    /// The use cases of the one-time links.
    pub setup: SetUp,
    /// The export of password hashes.
    pub credential_export: CredentialExport,
    /// The passwords that come with a change of a user.
    pub pending_credentials: PendingCredentials,
    /// The import of password hashes.
    pub credential_import: CredentialImport,
    /// The use case of `POST /authenticate`.
    pub direct_sign_in: DirectSignIn,
    /// The devices that wait for the answer of a person.
    pub device_authorizations: DeviceAuthorizations,
    /// The authorization requests that wait for a sign-in.
    pub authorization_requests: AuthorizationRequests,
    /// The hosts behind a proxy.
    pub protected_hosts: ProtectedHosts,
    /// The sessions at these hosts.
    pub host_sessions: HostSessions,
    /// The start after a restoration.
    pub(crate) restore: Restore,
    /// The tokens that this service issues to itself.
    pub(crate) own_tokens: OwnTokens,
    /// The dispatcher of logout tokens.
    pub(crate) logouts: LogoutDispatcher,
    /// The deletion of what is over.
    pub(crate) sweeper: Sweeper,
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
    Assignments: assignments;
    AuthorizationRequests: authorization_requests;
    ClientLogos: client_logos;
    ClientRegistration: client_registration;
    Clients: clients;
    Consents: consents;
    CredentialExport: credential_export;
    CredentialImport: credential_import;
    Db: db;
    DeviceAuthorizations: device_authorizations;
    DirectSignIn: direct_sign_in;
    Grants: grants;
    HostSessions: host_sessions;
    KeyRing: keys;
    Passwords: passwords;
    PendingCredentials: pending_credentials;
    ProtectedHosts: protected_hosts;
    Registrations: registrations;
    Scopes: scopes;
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
