//! The wiring: builds the collaborators of the service, each from those below it.

use std::sync::Arc;

use chassis::access::{ServiceTokens, Verifier};
use chassis::client_certificate::CertificateAuthorities;
use chassis::clock::SharedClock;
use chassis::db::Db;
use chassis::random::SharedRandom;
use chassis::shutdown::Shutdown;
use contract::paths::auth::TOKEN;
use events::Outbox;
use events::feed::Feed;
use events::operations::Operations;
use oidc::registration::StatementIssuer;
use webhooks::Webhooks;

use super::App;
use crate::accounts::Accounts;
use crate::assignments::Assignments;
use crate::authorization_requests::AuthorizationRequests;
use crate::breach_list::BreachList;
use crate::clients::{
    AssertionVerifier, CertificateVerifier, ClientLogos, ClientOutbound, ClientRegistration, Clients,
    KeySets, RegistrationPolicy, RequestDocuments,
};
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
use crate::logout_delivery::{self, LogoutDispatcher};
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
use crate::sign_up::{SignUp, SignUpParts, UsersService};
use crate::subjects::Subjects;
use crate::sweeper::Sweeper;
use crate::throttle::Throttle;
use crate::tokens::{Issuer, Tokens};
use oidc::registration::registrable_scopes;

/// The dependencies that the collaborators are built from.
pub(crate) struct Parts<U> {
    pub(crate) settings: Settings,
    pub(crate) db: Db,
    pub(crate) clock: SharedClock,
    pub(crate) random: SharedRandom,
    pub(crate) outbox: Outbox,
    pub(crate) feed: Feed,
    pub(crate) operations: Operations,
    pub(crate) webhooks: Webhooks,
    /// Calls the addresses that clients are registered with.
    pub(crate) client_outbound: ClientOutbound,
    /// The key of the digests of their logos.
    pub(crate) client_logo_secret: [u8; 32],
    /// Ends the tasks that requests start.
    pub(crate) shutdown: Shutdown,
    /// The authorities of the certificates with which clients authenticate.
    pub(crate) client_authorities: Option<CertificateAuthorities>,
    /// The issuers whose software statements are trusted.
    pub(crate) statement_issuers: Vec<StatementIssuer>,
    pub(crate) hasher: Hasher,
    pub(crate) breach_list: Arc<BreachList>,
    pub(crate) issuer: Issuer,
    pub(crate) scopes: Scopes,
    /// The client for the logout URIs of applications.
    pub(crate) outbound: ClientOutbound,
    pub(crate) keys: KeyRing,
    pub(crate) pages: Pages,
    /// Makes the client of the user service, which calls it with the tokens.
    pub(crate) users: U,
}

/// The domains on which the others stand.
struct Domains {
    throttle: Throttle,
    passwords: Passwords,
    accounts: Accounts,
    grants: Grants,
    clients: Clients,
    tokens: Tokens,
    own_tokens: OwnTokens,
    registrations: Registrations,
    sessions: Sessions,
    provisioning: Provisioning,
}

impl Domains {
    fn new<U>(parts: &Parts<U>, issuer: &Arc<Issuer>) -> Self {
        let db = || parts.db.clone();
        let clock = || Arc::clone(&parts.clock);
        let random = || Arc::clone(&parts.random);
        let (settings, keys) = (&parts.settings, &parts.keys);
        let throttle = Throttle::new(db(), clock(), &settings.throttle);
        let passwords = Passwords::new(
            parts.hasher.clone(),
            &settings.passwords,
            Arc::clone(&parts.breach_list),
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
        let mut audiences = vec![issuer.url().to_owned()];
        if settings.client_assertions.token_endpoint_audience {
            audiences.push(format!("{}{TOKEN}", issuer.url()));
        }
        let key_sets = KeySets::new(parts.client_outbound.clone(), clock(), parts.shutdown.clone());
        let clients = Clients::new(
            db(),
            (clock(), random()),
            parts.outbox.clone(),
            keys.clone(),
            (
                AssertionVerifier::new(db(), clock(), audiences, key_sets.clone()),
                CertificateVerifier::new(clock(), key_sets, parts.client_authorities.clone()),
                RequestDocuments::new(parts.client_outbound.clone(), clock(), parts.shutdown.clone()),
            ),
        );
        let tokens = Tokens::new(
            db(),
            (clock(), random()),
            keys.clone(),
            (Arc::clone(issuer), parts.scopes.clone()),
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
        Self {
            throttle,
            passwords,
            accounts,
            grants,
            clients,
            tokens,
            own_tokens,
            registrations,
            sessions,
            provisioning,
        }
    }
}

/// The registration of clients by themselves. They have no privileged scope (SB-48).
fn client_registration(
    clients: &Clients,
    settings: &Settings,
    statement_issuers: Vec<StatementIssuer>,
) -> ClientRegistration {
    let rules = &settings.registration;
    let policy = RegistrationPolicy {
        mode: rules.clients,
        require_pkce: rules.require_pkce,
        require_consent: rules.require_consent,
        hourly_per_source: rules.clients_hourly_per_source,
        hourly: rules.clients_hourly,
        in_all: rules.clients_in_all,
        site_name: settings.brand.name().to_owned(),
        scopes: registrable_scopes(),
        detail_types: rules.authorization_details_types.clone(),
        methods: settings.auth_methods(),
        statement_issuers,
    };
    ClientRegistration::new(clients.clone(), policy)
}

impl App {
    /// Builds the collaborators, each from those below it.
    pub(crate) fn new<U: FnOnce(ServiceTokens) -> Arc<dyn UsersService>>(parts: Parts<U>) -> Self {
        let issuer = Arc::new(parts.issuer.clone());
        let domains = Domains::new(&parts, &issuer);
        let db = || parts.db.clone();
        let clock = || Arc::clone(&parts.clock);
        let random = || Arc::clone(&parts.random);
        let settings = &parts.settings;
        let statement_issuers = parts.statement_issuers.clone();
        let registration = client_registration(&domains.clients, settings, statement_issuers);
        let sign_up = SignUp::new(SignUpParts {
            db: db(),
            clock: clock(),
            random: random(),
            accounts: domains.accounts.clone(),
            throttle: domains.throttle.clone(),
            passwords: domains.passwords.clone(),
            provisioning: domains.provisioning.clone(),
            users: (parts.users)(ServiceTokens::issued_by(domains.own_tokens.clone(), clock())),
            settings: settings.registration.clone(),
        });
        let setup_links = SetUpLinks::new(db(), clock(), random(), settings.issuer.clone());
        let sign_in_gate = SignInGate::default();
        let logouts = LogoutDispatcher::new(logout_delivery::Parts {
            db: db(),
            clock: clock(),
            random: random(),
            clients: domains.clients.clone(),
            keys: parts.keys.clone(),
            issuer: issuer.url().to_owned(),
            outbound: parts.outbound.clone(),
        });
        let client_logos = ClientLogos::new(
            db(),
            (clock(), random()),
            parts.client_outbound.clone(),
            &parts.client_logo_secret,
        );
        let consents = Consents::new(db(), clock(), domains.accounts.clone());
        let assignments = Assignments::new(db(), clock(), domains.accounts.clone());
        Self {
            setup: SetUp::new(
                (db(), clock()),
                setup_links.clone(),
                (domains.accounts.clone(), domains.sessions.clone()),
                sign_up.clone(),
                domains.passwords.clone(),
                domains.throttle.clone(),
            ),
            credential_export: CredentialExport::new(db(), random(), &settings.passwords.export_recipients),
            pending_credentials: PendingCredentials::new(
                db(),
                clock(),
                domains.passwords.clone(),
                parts.hasher.threads(),
            ),
            credential_import: CredentialImport::new(
                (db(), clock()),
                (domains.accounts.clone(), domains.sessions.clone()),
                parts.hasher.clone(),
            ),
            direct_sign_in: DirectSignIn::new(
                db(),
                (domains.accounts.clone(), domains.sessions.clone()),
                (domains.clients.clone(), domains.tokens.clone()),
                &settings.tokens,
                settings.authenticate.enabled,
            ),
            authorization_requests: AuthorizationRequests::new(
                db(),
                (clock(), random()),
                domains.clients.clone(),
                domains.tokens.clone(),
                settings.authorization.clone(),
            ),
            device_authorizations: DeviceAuthorizations::new(
                db(),
                (clock(), random()),
                parts.keys.clone(),
                (domains.throttle.clone(), consents.clone()),
                &settings.issuer,
                &settings.authorization,
            ),
            restore: Restore::new(
                (db(), clock()),
                consents.clone(),
                domains.provisioning.clone(),
                domains.sessions.clone(),
                parts.operations.clone(),
                sign_in_gate.clone(),
            ),
            sweeper: Sweeper {
                db: db(),
                clock: clock(),
                accounts: domains.accounts.clone(),
                grants: domains.grants.clone(),
                registrations: domains.registrations.clone(),
                sessions: domains.sessions.clone(),
                client_registration: registration.clone(),
            },
            form_submissions: FormSubmissions::new(db(), clock()),
            protected_hosts: ProtectedHosts::new(db(), clock(), settings.issuer.clone()),
            host_sessions: HostSessions::new(
                db(),
                (clock(), random()),
                domains.sessions.clone(),
                settings.sessions.absolute(),
            ),
            verifier: Verifier::with_dpop(
                issuer.url(),
                issuer.url(),
                parts.keys.clone(),
                clock(),
                &parts.keys.derive("DPoP nonces"),
            ),
            subjects: Subjects::new(db()),
            outbox: parts.outbox,
            feed: parts.feed,
            operations: parts.operations,
            webhooks: parts.webhooks,
            hasher: parts.hasher,
            pages: Arc::new(parts.pages),
            scopes: parts.scopes,
            db: parts.db,
            clock: parts.clock,
            random: parts.random,
            keys: parts.keys,
            client_registration: registration,
            settings: parts.settings,
            issuer,
            sign_in_gate,
            throttle: domains.throttle,
            passwords: domains.passwords,
            accounts: domains.accounts,
            clients: domains.clients,
            grants: domains.grants,
            tokens: domains.tokens,
            sessions: domains.sessions,
            registrations: domains.registrations,
            provisioning: domains.provisioning,
            logouts,
            sign_up,
            client_logos,
            consents,
            assignments,
            setup_links,
            own_tokens: domains.own_tokens,
        }
    }
}
