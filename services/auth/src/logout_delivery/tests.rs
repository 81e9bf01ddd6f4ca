//! Tests of back-channel logout: who is told of the end of a session, how, and how often.

mod addresses;
mod world;

use std::time::Duration;

use chassis::shutdown::Shutdown;
use contract::SessionEnd;
use http::StatusCode;
use oidc::jose::peek_header;
use serde_json::Value;

use self::world::{Application, NEVER, World, claims};
use super::Busy;
use crate::logouts::{self, Shares};
use crate::sessions::Session;

const DELIVERIES: &str = "SELECT COUNT(*) FROM logout_deliveries";

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
}
