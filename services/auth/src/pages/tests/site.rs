//! A service without listeners, and a user service that can be away.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use axum::Router;
use chassis::clock::ManualClock;
use chassis::http::{PublicScheme, serve_under, standard_layers};
use chassis::on_engine;
use contract::RegistrationRequested;
use testkit::TestDb;
use uuid::Uuid;

use super::browser::Browser;
use crate::app::{App, SharedApp};
use crate::clients::ClientMetadata;
use crate::grants;
use crate::registration::{RegistrationState, Rejection};
use crate::routes::router;
use crate::sign_up::{NewAccount, RegistrationDecision, UsersService, UsersUnavailable};
pub(super) use crate::testing::PASSWORD;
use crate::testing::{app_with, settings_with, state_of};
use crate::tokens::Grant;

/// A user service in which every name is taken once.
#[derive(Default)]
pub(super) struct Directory(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    people: BTreeMap<String, RegistrationRequested>,
    away: bool,
    missed: Vec<RegistrationRequested>,
}

impl Directory {
    /// It answers nobody from now on.
    pub(super) fn leave(&self) {
        self.0.lock().unwrap().away = true;
    }

    /// It answers again, and what it missed reaches the service as events.
    pub(super) async fn come_back(&self, app: &App) {
        let missed = {
            let mut inner = self.0.lock().unwrap();
            inner.away = false;
            std::mem::take(&mut inner.missed)
        };
        for request in missed {
            let mut tx = app.db.begin("test").await.unwrap();
            app.provisioning
                .apply_state(&mut tx, &state_of(&request))
                .await
                .unwrap();
            tx.commit().await.unwrap();
        }
    }

    /// The id of somebody.
    pub(super) fn id_of(&self, user_name: &str) -> Uuid {
        self.0.lock().unwrap().people[user_name].id
    }

    /// The number of people.
    pub(super) fn count(&self) -> usize {
        self.0.lock().unwrap().people.len()
    }

    fn answer(&self, request: &RegistrationRequested) -> Result<RegistrationDecision, UsersUnavailable> {
        let mut inner = self.0.lock().unwrap();
        if inner.away {
            inner.missed.push(request.clone());
            return Err(UsersUnavailable("away".to_owned()));
        }
        let key = request.user_name.key().to_owned();
        match inner.people.get(&key) {
            Some(other) if other.id != request.id => {
                Ok(RegistrationDecision::Rejected(Rejection::UserNameTaken))
            }
            _ => {
                inner.people.insert(key, request.clone());
                Ok(RegistrationDecision::Accepted(Box::new(state_of(request))))
            }
        }
    }
}

impl UsersService for Directory {
    fn register<'a>(
        &'a self,
        request: &'a RegistrationRequested,
    ) -> Pin<Box<dyn Future<Output = Result<RegistrationDecision, UsersUnavailable>> + Send + 'a>> {
        Box::pin(async move { self.answer(request) })
    }
}

/// The service as browsers meet it.
pub(super) struct Site {
    pub(super) app: SharedApp,
    pub(super) users: Arc<Directory>,
    pub(super) clock: Arc<ManualClock>,
    router: Router,
    _db: TestDb,
}

impl Site {
    /// On a laptop: plain http.
    pub(super) async fn start() -> Self {
        Self::start_at("http://localhost:8000").await
    }

    /// With `issuer` as its public URL.
    pub(super) async fn start_at(issuer: &str) -> Self {
        Self::with(&[("ISSUER", issuer)]).await
    }

    /// With these settings.
    pub(super) async fn with(settings: &[(&str, &str)]) -> Self {
        let db = testkit::sqlite(&[&events::MIGRATIONS, &crate::MIGRATIONS]).await;
        let users = Arc::new(Directory::default());
        let settings = settings_with(settings);
        let limits = settings.limits.clone();
        let scheme = PublicScheme::of(settings.issuer.as_str());
        let (app, clock) = app_with(&db, settings, users.clone()).await;
        let router = standard_layers(router(&app).with_state(app.clone()), &limits, scheme);
        let router = serve_under(router, &app.settings.issuer);
        Self {
            app,
            users,
            clock,
            router,
            _db: db,
        }
    }

    /// A browser that has never been here.
    pub(super) fn browser(&self) -> Browser {
        Browser::new(self.router.clone(), &self.app.pages.origin)
    }

    /// Makes an account with [`PASSWORD`].
    pub(super) async fn register(&self, user_name: &str) {
        let new = NewAccount {
            user_name: user_name.to_owned(),
            email: Some(format!("{user_name}@example.com")),
            password: Some(PASSWORD.into()),
            ..NewAccount::default()
        };
        let registered = self.app.sign_up.register(new).await.unwrap();
        assert_eq!(registered.state, RegistrationState::Active);
    }

    /// A browser in which somebody has signed in.
    pub(super) async fn signed_in(&self, user_name: &str) -> Browser {
        let mut browser = self.browser();
        let typed = [("user_name", user_name), ("password", PASSWORD)];
        assert_eq!(browser.fill("/login", &typed).await.location(), "/");
        browser
    }

    /// Disables somebody, as an event of the user service does.
    pub(super) async fn disable(&self, user_name: &str) {
        let request = self.users.0.lock().unwrap().people[user_name].clone();
        let mut state = state_of(&request);
        state.active = false;
        state.version += 1;
        let mut tx = self.app.db.begin("test").await.unwrap();
        self.app.provisioning.apply_state(&mut tx, &state).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// A new set-up link, as a path.
    pub(super) async fn set_up_link(&self) -> String {
        let url = self.app.setup_links.issue_setup_link().await.unwrap().unwrap();
        format!("{}?{}", url.path(), url.query().unwrap())
    }

    /// One number from the database.
    pub(super) async fn count(&self, statement: &'static str) -> i64 {
        let mut reader = self.app.db.reader().await.unwrap();
        on_engine!(&mut reader, c => sqlx::query_scalar(statement).fetch_one(c).await.unwrap())
    }

    /// The id of somebody's only session.
    pub(super) async fn sid(&self, user_name: &str) -> Uuid {
        let id = self.users.id_of(user_name);
        let mut reader = self.app.db.reader().await.unwrap();
        on_engine!(&mut reader, c => sqlx::query_scalar("SELECT id FROM sessions WHERE account_id = $1")
            .bind(id).fetch_one(c).await.unwrap())
    }

    /// Grants access to an application in a session. The result is the id of the grant.
    pub(super) async fn grant(&self, user_name: &str, session: Uuid) -> Uuid {
        let registration = ClientMetadata {
            redirect_uris: vec!["https://app.example.org/callback".parse().unwrap()],
            ..ClientMetadata::default()
        };
        let client = self.app.clients.create(None, registration).await.unwrap().client;
        let grant = Grant {
            subject: self.users.id_of(user_name),
            scope: "openid".parse().unwrap(),
            audiences: self.app.issuer.audiences().to_vec(),
            session_id: Some(session),
            auth_time: self.app.clock.now(),
            amr: Vec::new(),
            nonce: None,
            details: Default::default(),
            confirmation: crate::testing::NOTHING.clone(),
        };
        let mut tx = self.app.db.begin("test").await.unwrap();
        self.app.tokens.issue(&mut tx, &client, grant).await.unwrap();
        tx.commit().await.unwrap();
        let mut reader = self.app.db.reader().await.unwrap();
        on_engine!(&mut reader, c => sqlx::query_scalar("SELECT id FROM grants WHERE session_id = $1")
            .bind(session).fetch_one(c).await.unwrap())
    }

    /// True if a grant was not revoked.
    pub(super) async fn lives(&self, grant: Uuid) -> bool {
        grants::is_live(&mut self.app.db.reader().await.unwrap(), grant)
            .await
            .unwrap()
    }
}
