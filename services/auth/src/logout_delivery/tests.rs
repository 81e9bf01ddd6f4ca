//! Tests of back-channel logout: who is told of the end of a session, how, and how often.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chassis::shutdown::Shutdown;
use contract::SessionEnd;
use http::{HeaderMap, StatusCode};
use oidc::jose::peek_header;
use oidc::scope::Scope;
use serde_json::Value;
use testkit::TestDb;
use uuid::Uuid;

use super::Busy;
use crate::clients::ClientMetadata;
use crate::logouts::{self, Shares};
use crate::sessions::Session;
use crate::testing::{self, PASSWORD, TestApp};
use crate::tokens::{Grant, NewCode};

const DELIVERIES: &str = "SELECT COUNT(*) FROM logout_deliveries";

/// Stands for an application that accepts connections and never answers.
const NEVER: StatusCode = StatusCode::CONTINUE;

/// An application that takes logout tokens and answers with a status.
#[derive(Clone)]
struct Application {
    url: String,
    status: Arc<Mutex<StatusCode>>,
    received: Arc<Mutex<Vec<(HeaderMap, String)>>>,
}

impl Application {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let application = Self {
            url: format!("http://{}/logout?from=vestibule", listener.local_addr().unwrap()),
            status: Arc::new(Mutex::new(StatusCode::NO_CONTENT)),
            received: Arc::default(),
        };
        let me = application.clone();
        let app = Router::new().fallback(move |headers: HeaderMap, body: Bytes| {
            let body = String::from_utf8(body.to_vec()).unwrap();
            me.received.lock().unwrap().push((headers, body));
            let status = *me.status.lock().unwrap();
            async move {
                if status == NEVER {
                    std::future::pending::<()>().await;
                }
                status
            }
        });
        Shutdown::new().spawn("application", async move {
            axum::serve(listener, app).await.unwrap();
        });
        application
    }

    fn answer(&self, status: StatusCode) {
        *self.status.lock().unwrap() = status;
    }

    /// The logout tokens that came.
    fn tokens(&self) -> Vec<String> {
        let received = self.received.lock().unwrap();
        let token = |body: &String| body.strip_prefix("logout_token=").unwrap().to_owned();
        received.iter().map(|(_, body)| token(body)).collect()
    }
}

struct World {
    app: TestApp,
    application: Application,
    ann: Uuid,
}

impl World {
    async fn new(db: &TestDb) -> Self {
        Self::with(db, &[("WEBHOOKS__ALLOW", "127.0.0.1/32")]).await
    }

    async fn with(db: &TestDb, settings: &[(&str, &str)]) -> Self {
        let app = testing::app_set(db, settings).await;
        let ann = app.person("ann").await;
        let application = Application::start().await;
        let world = Self {
            app,
            application,
            ann,
        };
        let uri = Some(world.application.url.parse().unwrap());
        world
            .client("web", |client| client.backchannel_logout_uri = uri)
            .await;
        world.client("quiet", |_| {}).await;
        world
    }

    async fn client(&self, id: &str, change: impl FnOnce(&mut ClientMetadata)) {
        let mut metadata = ClientMetadata {
            redirect_uris: vec!["https://app.example.org/cb".parse().unwrap()],
            ..ClientMetadata::default()
        };
        change(&mut metadata);
        let id = id.parse().unwrap();
        self.app.clients.create(Some(id), metadata).await.unwrap();
    }

    async fn session(&self) -> Session {
        let who = self.app.sign_in("ann", PASSWORD).await.unwrap();
        self.app.start(&who).await.unwrap().session
    }

    /// Has a client take part in a session.
    async fn visit(&self, session: &Session, client: &str) {
        let client = self.app.clients.find(client).await.unwrap().unwrap();
        let new = NewCode {
            client: &client,
            grant: Grant {
                subject: session.account_id,
                scope: "openid".parse::<Scope>().unwrap(),
                audiences: Vec::new(),
                session_id: Some(session.id),
                auth_time: session.auth_time,
                amr: Vec::new(),
                nonce: None,
                details: Default::default(),
                confirmation: oidc::dpop::Confirmation::default(),
            },
            redirect_uri: "https://app.example.org/cb".to_owned(),
            redirect_uri_sent: true,
            challenge: None,
            dpop_jkt: None,
            consent: None,
        };
        let mut tx = self.app.db.begin("test").await.unwrap();
        self.app.tokens.issue_code(&mut tx, new).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn send(&self) -> usize {
        let claimed = self.app.logouts.claim_due(&Busy::default()).await.unwrap();
        let sent = claimed.iter().map(|row| self.app.logouts.deliver(row));
        for outcome in futures_util::future::join_all(sent).await {
            outcome.unwrap();
        }
        claimed.len()
    }

    /// Has so many sessions of a client end.
    async fn ended(&self, client: &str, sessions: usize) {
        let now = chassis::clock::Clock::now(&*self.app.clock);
        let mut tx = self.app.db.begin("test").await.unwrap();
        for _ in 0..sessions {
            let session = self.app.random.uuid(&*self.app.clock);
            logouts::insert_delivery(&mut tx, session, client, self.ann, now)
                .await
                .unwrap();
        }
        tx.commit().await.unwrap();
    }
}

fn claims(token: &str) -> Value {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&payload).unwrap()
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn an_application_hears_once_that_its_session_has_ended(db: TestDb) {
        // SB-30
        let world = World::new(&db).await;
        let session = world.session().await;
        for client in ["web", "web", "quiet"] {
            world.visit(&session, client).await;
        }
        world.app.sessions.sign_out(&session).await.unwrap();
        assert_eq!(world.app.count(DELIVERIES).await, 1, "one for each application with a URI");
        assert_eq!((world.send().await, world.send().await), (1, 0));
        let tokens = world.application.tokens();
        let header = peek_header(&tokens[0]).unwrap();
        assert_eq!((header.typ.as_deref(), header.alg.as_str()), (Some("logout+jwt"), "RS256"));
        let claims = claims(&tokens[0]);
        assert_eq!(claims["sub"], world.ann.to_string());
        assert_eq!((&claims["sid"], &claims["aud"]), (&Value::from(session.id.to_string()), &Value::from("web")));
        assert_eq!(claims["iss"], "https://id.example.org");
        assert!(claims["events"]["http://schemas.openid.net/event/backchannel-logout"].is_object());
        assert!(claims.get("nonce").is_none());
        let headers = world.application.received.lock().unwrap()[0].0.clone();
        assert_eq!(headers["content-type"], "application/x-www-form-urlencoded");
    }

    async fn an_application_of_a_sector_hears_of_its_own_identifiers(db: TestDb) {
        // OpenID Connect Core §8.1, Back-Channel Logout §2.4
        let world = World::new(&db).await;
        let uri = Some(world.application.url.parse().unwrap());
        world.client("private", |client| {
            client.backchannel_logout_uri = uri;
            client.subject_type = oidc::client::SubjectType::Pairwise;
        }).await;
        let session = world.session().await;
        world.visit(&session, "private").await;
        world.app.sessions.sign_out(&session).await.unwrap();
        assert_eq!(world.send().await, 1);
        let claims = claims(&world.application.tokens()[0]);
        let client = world.app.clients.find("private").await.unwrap().unwrap();
        assert_eq!(claims["sub"], world.app.keys.subject(client.registered(), world.ann));
        assert_eq!(claims["sid"], world.app.keys.session(client.registered(), session.id));
        assert!(claims["sub"] != world.ann.to_string() && claims["sid"] != session.id.to_string());
    }

    async fn an_application_that_gets_other_identifiers_hears_of_those_that_it_knew(db: TestDb) {
        // OpenID Connect Core §8.1, Back-Channel Logout §2.4
        use oidc::client::SubjectType::{Pairwise, Public};
        let world = World::new(&db).await;
        let update = async |host: &str, subject_type| {
            let mut metadata = world.app.clients.find_newest("web").await.unwrap().unwrap().metadata;
            metadata.redirect_uris = vec![format!("https://{host}/cb").parse().unwrap()];
            metadata.subject_type = subject_type;
            world.app.clients.update("web", None, metadata, true).await.unwrap();
        };
        let known = async |session: &Session| {
            let client = world.app.clients.find("web").await.unwrap().unwrap();
            let keys = &world.app.keys;
            (keys.subject(client.registered(), world.ann), keys.session(client.registered(), session.id))
        };
        let told = || {
            let claims = claims(world.application.tokens().last().unwrap());
            (claims["sub"].as_str().unwrap().to_owned(), claims["sid"].as_str().unwrap().to_owned())
        };
        for (host, subject_type) in [("shop.example", Pairwise), ("bank.example", Pairwise), ("bank.example", Public)] {
            let (ended, going_on) = (world.session().await, world.session().await);
            let expected = [known(&ended).await, known(&going_on).await];
            for session in [&ended, &going_on] {
                world.visit(session, "web").await;
            }
            world.app.sessions.sign_out(&ended).await.unwrap();
            update(host, subject_type).await;
            assert_eq!(world.send().await, 2, "that of the sign-out was still due");
            let tokens = world.application.tokens();
            let mut heard: Vec<_> = tokens[tokens.len() - 2..].iter().map(|token| claims(token)["sid"].clone()).collect();
            let mut sids: Vec<_> = expected.iter().map(|(_, sid)| Value::from(sid.as_str())).collect();
            heard.sort_by_key(ToString::to_string);
            sids.sort_by_key(ToString::to_string);
            assert_eq!(heard, sids);
            assert!(expected.contains(&told()), "sub and sid are of one sector");
            world.app.sessions.sign_out(&going_on).await.unwrap();
            assert_eq!(world.send().await, 0, "it was told before");
            assert_eq!(world.app.count("SELECT COUNT(*) FROM logout_sectors").await, 0);
        }
        // Of a session in which it takes part afterwards it hears by its own identifiers.
        let session = world.session().await;
        world.visit(&session, "web").await;
        world.app.sessions.sign_out(&session).await.unwrap();
        assert_eq!(world.send().await, 1);
        assert_eq!(told(), known(&session).await);
    }

    async fn sessions_that_end_while_a_client_changes_are_told_once(db: TestDb) {
        let world = World::new(&db).await;
        let mut sessions = Vec::new();
        for _ in 0..20 {
            let session = world.session().await;
            world.visit(&session, "web").await;
            sessions.push(session);
        }
        let mut metadata = world.app.clients.find_newest("web").await.unwrap().unwrap().metadata;
        metadata.subject_type = oidc::client::SubjectType::Pairwise;
        let change = world.app.clients.update("web", None, metadata, true);
        let ends = futures_util::future::join_all(sessions.iter().map(|session| world.app.sessions.sign_out(session)));
        let (changed, ended) = futures_util::future::join(change, ends).await;
        changed.unwrap();
        for outcome in ended {
            outcome.unwrap();
        }
        // One place of a client is eight deliveries.
        let mut sent = 0;
        while let next @ (1..) = world.send().await {
            sent += next;
        }
        assert_eq!(sent, 20);
        let told: std::collections::BTreeSet<_> = world.application.tokens().iter().map(|token| claims(token)["sid"].to_string()).collect();
        let public: std::collections::BTreeSet<_> = sessions.iter().map(|session| Value::from(session.id.to_string()).to_string()).collect();
        assert_eq!(told, public);
    }

    async fn every_end_of_a_session_is_told_but_its_expiry(db: TestDb) {
        let world = World::new(&db).await;
        for reason in [SessionEnd::Revoked, SessionEnd::PasswordChanged, SessionEnd::Deactivated] {
            let session = world.session().await;
            world.visit(&session, "web").await;
            let mut tx = db.begin("test").await.unwrap();
            world.app.sessions.end_all(&mut tx, world.ann, reason).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(world.send().await, 1, "{reason:?}");
        }
        let session = world.session().await;
        world.visit(&session, "web").await;
        world.app.wait(world.app.settings.sessions.absolute());
        world.app.sweeper.sweep().await.unwrap();
        assert_eq!(world.app.count("SELECT COUNT(*) FROM sessions").await, 0);
        assert_eq!(world.send().await, 0);
        assert_eq!(world.app.count("SELECT COUNT(*) FROM session_clients").await, 0);
    }

    async fn clients_of_sessions_that_an_earlier_release_ended_are_swept(db: TestDb) {
        let world = World::new(&db).await;
        let session = world.session().await;
        world.visit(&session, "web").await;
        world.app.run("DELETE FROM sessions").await;
        let session = world.session().await;
        world.visit(&session, "web").await;
        world.app.sweeper.sweep().await.unwrap();
        assert_eq!(world.app.count("SELECT COUNT(*) FROM session_clients").await, 1, "that of the live session");
    }

    async fn what_fails_is_retried_and_given_up_in_the_end(db: TestDb) {
        let world = World::new(&db).await;
        let session = world.session().await;
        world.visit(&session, "web").await;
        world.app.sessions.sign_out(&session).await.unwrap();
        world.application.answer(StatusCode::BAD_REQUEST);
        assert_eq!(world.send().await, 1);
        assert_eq!(world.send().await, 0, "not at once");
        world.app.wait(Duration::from_secs(6));
        world.application.answer(StatusCode::OK);
        assert_eq!(world.send().await, 1);
        assert_eq!(world.app.count(DELIVERIES).await, 0);

        let session = world.session().await;
        world.visit(&session, "web").await;
        world.app.sessions.sign_out(&session).await.unwrap();
        world.application.answer(StatusCode::INTERNAL_SERVER_ERROR);
        for _ in 0..10 {
            assert_eq!(world.send().await, 1);
            world.app.wait(Duration::from_secs(661));
        }
        assert_eq!((world.send().await, world.app.count(DELIVERIES).await), (0, 0));
        assert_eq!(world.application.tokens().len(), 12);
    }

    async fn replicas_at_once_send_a_token_once(db: TestDb) {
        let world = World::new(&db).await;
        let session = world.session().await;
        world.visit(&session, "web").await;
        world.app.sessions.sign_out(&session).await.unwrap();
        let all = futures_util::future::join_all((0..20).map(|_| world.send())).await;
        assert_eq!(all.into_iter().sum::<usize>(), 1);
        assert_eq!(world.application.tokens().len(), 1);
    }

    async fn a_delivery_of_a_replica_that_died_is_sent_by_another(db: TestDb) {
        let world = World::new(&db).await;
        let session = world.session().await;
        world.visit(&session, "web").await;
        world.app.sessions.sign_out(&session).await.unwrap();
        let now = chassis::clock::Clock::now(&*world.app.clock);
        let rows = logouts::due(&mut db.reader().await.unwrap(), now, Duration::from_secs(1200), Shares { overall: 9, each: 9 }).await.unwrap();
        let mut tx = db.begin("test").await.unwrap();
        assert!(logouts::claim(&mut tx, &rows[0], now + Duration::from_secs(60)).await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(world.send().await, 0);
        world.app.wait(Duration::from_secs(61));
        assert_eq!(world.send().await, 1);
    }

    async fn an_application_that_does_not_answer_holds_up_no_other(db: TestDb) {
        // SB-30
        let world = World::new(&db).await;
        let slow = Application::start().await;
        slow.answer(NEVER);
        let uri = Some(slow.url.parse().unwrap());
        world.client("slow", |client| client.backchannel_logout_uri = uri).await;
        world.ended("slow", 100).await;
        world.app.wait(Duration::from_secs(1));
        world.ended("web", 10).await;
        let claimed = world.app.logouts.claim_due(&Busy::default()).await.unwrap();
        let of = |client: &str| claimed.iter().filter(|row| row.client_id == client).count();
        assert_eq!((of("slow"), of("web")), (8, 8), "each has its share");

        // Deliveries of the others end while those are under way, and make place for more.
        let shutdown = Shutdown::new();
        shutdown.spawn("logouts", world.app.logouts.clone().run(shutdown.clone()));
        let arrived = async |number: usize| {
            testkit::eventually(&format!("{number} tokens arrive"), async || {
                (world.application.tokens().len() >= number).then_some(())
            })
            .await;
        };
        arrived(2).await;
        world.ended("web", 20).await;
        arrived(22).await;
        let called = slow.tokens().len();
        assert!(called < 90, "{called} calls of the other, eight in five seconds");
        shutdown.finish(Duration::from_secs(20)).await.unwrap();
    }

    async fn exceptions_for_addresses_do_not_hold_for_clients_that_registered_themselves(db: TestDb) {
        // SB-32
        let world = World::new(&db).await;
        world.app.run("UPDATE clients SET origin = 'registration' WHERE id = 'web'").await;
        world.app.wait(Duration::from_secs(60));
        world.ended("web", 1).await;
        assert_eq!(world.send().await, 1);
        assert!(world.application.tokens().is_empty());
    }

    async fn an_address_that_a_client_chose_itself_is_called_as_such_after_an_administrator_has_changed_the_client(db: TestDb) {
        // SB-32
        let world = World::new(&db).await;
        world.app.run("UPDATE clients SET origin = 'registration' WHERE id = 'web'").await;
        world.app.run("INSERT INTO client_registrations (client_id, token_hash) SELECT id, secret_hash FROM clients WHERE id = 'web'").await;
        for (query, received) in [("", 0), ("&chosen=by-an-administrator", 1)] {
            let url = format!("{}{query}", world.application.url);
            let metadata = ClientMetadata {
                client_name: Some("Web".to_owned()),
                redirect_uris: vec!["https://app.example.org/cb".parse().unwrap()],
                backchannel_logout_uri: Some(url.parse().unwrap()),
                ..ClientMetadata::default()
            };
            let known = world.app.clients.find_newest("web").await.unwrap().unwrap();
            world.app.clients.update("web", Some(known.version), metadata, true).await.unwrap().unwrap();
            world.app.wait(Duration::from_secs(60));
            world.ended("web", 1).await;
            world.send().await;
            assert_eq!(world.application.tokens().len(), received, "{url}");
            world.app.run("DELETE FROM logout_deliveries").await;
        }
    }

    async fn a_client_that_did_not_prove_its_sector_hears_nothing(db: TestDb) {
        // OpenID Connect Core §8.1: it registered itself before that had to be proved.
        let world = World::new(&db).await;
        let uri = Some(world.application.url.parse().unwrap());
        world.client("unproved", |client| {
            client.backchannel_logout_uri = uri;
            client.subject_type = oidc::client::SubjectType::Pairwise;
        }).await;
        world.app.run("UPDATE clients SET origin = 'registration' WHERE id = 'unproved'").await;
        world.app.wait(Duration::from_secs(60));
        world.ended("unproved", 1).await;
        assert_eq!(world.send().await, 1);
        assert!(world.application.tokens().is_empty());
        assert_eq!(world.app.count(DELIVERIES).await, 0, "nor later");
    }

    async fn an_address_inside_the_network_is_not_called(db: TestDb) {
        // SB-32
        let world = World::with(&db, &[]).await;
        let session = world.session().await;
        world.visit(&session, "web").await;
        world.app.sessions.sign_out(&session).await.unwrap();
        assert_eq!(world.send().await, 1);
        assert!(world.application.tokens().is_empty());
        assert_eq!(world.app.count(DELIVERIES).await, 1, "it is tried again: the allow-list may be wrong");
    }
}
