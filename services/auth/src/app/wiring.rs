//! The wiring: builds the collaborators of the service, each from those below it.

use std::sync::Arc;

use chassis::access::{ServiceTokens, Verifier};
use chassis::clock::SharedClock;
use chassis::db::Db;
use chassis::random::SharedRandom;
use events::Outbox;
use events::feed::Feed;
use events::operations::Operations;
use webhooks::Webhooks;

use super::App;
use crate::accounts::Accounts;
use crate::authorization_requests::AuthorizationRequests;
use crate::breach_list::BreachList;
use crate::clients::Clients;
use crate::config::Settings;
use crate::credential_import::CredentialImport;
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
    pub(crate) hasher: Hasher,
    pub(crate) breach_list: Arc<BreachList>,
    pub(crate) issuer: Issuer,
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
        let clients = Clients::new(db(), clock(), random(), parts.outbox.clone());
        let tokens = Tokens::new(
            db(),
            (clock(), random()),
            keys.clone(),
            Arc::clone(issuer),
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

impl App {
    /// Builds the collaborators, each from those below it.
    pub(crate) fn new<U: FnOnce(ServiceTokens) -> Arc<dyn UsersService>>(parts: Parts<U>) -> Self {
        let issuer = Arc::new(parts.issuer.clone());
        let domains = Domains::new(&parts, &issuer);
        let db = || parts.db.clone();
        let clock = || Arc::clone(&parts.clock);
        let random = || Arc::clone(&parts.random);
        let settings = &parts.settings;
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
        Self {
            setup: SetUp::new(
                (db(), clock()),
                setup_links.clone(),
                (domains.accounts.clone(), domains.sessions.clone()),
                sign_up.clone(),
                domains.passwords.clone(),
                domains.throttle.clone(),
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
                clock(),
                random(),
                domains.tokens.clone(),
                settings.authorization.clone(),
            ),
            restore: Restore::new(
                (db(), clock()),
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
            },
            form_submissions: FormSubmissions::new(db(), clock()),
            verifier: Verifier::new(issuer.url(), issuer.url(), parts.keys.clone(), clock()),
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
            throttle: domains.throttle,
            passwords: domains.passwords,
            accounts: domains.accounts,
            clients: domains.clients,
            grants: domains.grants,
            tokens: domains.tokens,
            sessions: domains.sessions,
            registrations: domains.registrations,
            provisioning: domains.provisioning,
            sign_up,
            setup_links,
            own_tokens: domains.own_tokens,
        }
    }
}
