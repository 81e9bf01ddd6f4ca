//! The operators' questions, asked of a service with a feed.

mod holes;

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use chassis::access::{FixedKeys, HasVerifier, Verifier};
use chassis::db::Db;
use chassis::on_engine;
use http::{Request, StatusCode};
use oidc::jose::{Algorithm, JwkSet, KeySet, SigningKey};
use serde_json::{Value, json};
use tower::ServiceExt;
use uuid::Uuid;

use super::*;
use crate::feed::FeedTransport;
use crate::relay::{Relay, RelayOptions};
use crate::testing::{Recorder, changed, clock, new_id, outbox};
use crate::transport::PublishError;

const AUDIENCE: &str = "http://things.test";
const ISSUER: &str = "http://auth.test";

#[derive(Clone)]
struct Desk {
    operations: Operations,
    outbox: Outbox,
    verifier: Verifier,
    key: Arc<SigningKey>,
}

impl HasOperations for Desk {
    fn operations(&self) -> &Operations {
        &self.operations
    }
}

impl HasVerifier for Desk {
    fn verifier(&self) -> &Verifier {
        &self.verifier
    }
}

impl Desk {
    fn at(db: &Db, transport: TransportKind) -> Self {
        let key = SigningKey::generate(Algorithm::Es256).unwrap();
        let keys = KeySet::from_jwks(&JwkSet {
            keys: vec![key.public().clone()],
        });
        let outbox = outbox();
        let operations = Operations::new(db.clone(), outbox.clone(), "tests", transport);
        operations.reconciliation().close();
        Self {
            operations,
            outbox,
            verifier: Verifier::new(ISSUER, AUDIENCE, FixedKeys(Arc::new(keys)), clock()),
            key: Arc::new(key),
        }
    }

    async fn ask(&self, scope: &str, method: &str, path: &str, body: Value) -> (StatusCode, Value) {
        let now = clock().now().as_secs();
        let claims = json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "client_id": "ann", "scope": scope,
            "iat": now, "exp": now + 60, "jti": Uuid::nil(),
        });
        let token = self.key.sign("at+jwt", &claims).unwrap();
        let request = Request::builder()
            .method(method)
            .uri(format!("/admin/v1/events/{path}"))
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))
            .unwrap();
        let response = routes::<Self>()
            .into_router()
            .with_state(self.clone())
            .oneshot(request)
            .await
            .unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask("admin", "GET", path, Value::Null).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        body
    }

    /// The checks that do not hold.
    async fn wrong(&self) -> Vec<String> {
        let body = self.get("verify?older=0").await;
        let checks = body["checks"].as_array().unwrap().iter();
        let names = checks
            .filter(|check| check["ok"] == false)
            .map(|check| check["name"].as_str().unwrap().to_owned());
        // Nothing runs here that could compare.
        names.filter(|name| name != "drift").collect()
    }
}

fn quick() -> RelayOptions {
    RelayOptions {
        max_attempts: 2,
        first_backoff: Duration::from_millis(5),
        longest_backoff: Duration::from_millis(5),
        poll: Duration::from_millis(20),
        ..RelayOptions::default()
    }
}

async fn by_hand(db: &Db, statement: &'static str) {
    let mut tx = db.begin("test").await.unwrap();
    on_engine!(&mut tx, c => sqlx::query(statement).execute(c).await.unwrap().rows_affected());
    tx.commit().await.unwrap();
}

testkit::on_both_engines! {
    migrations = [&crate::MIGRATIONS, &crate::testing::THINGS];

    async fn only_administrators_ask(db: TestDb) {
        let desk = Desk::at(&db, TransportKind::Feed);
        for (method, path) in [
            ("GET", "stats"), ("GET", "verify"), ("GET", "dead-letters"), ("POST", "replay"), ("POST", "reconcile"),
        ] {
            let (status, _) = desk.ask("events:read", method, path, json!({ "all": true })).await;
            assert_eq!(status, StatusCode::FORBIDDEN, "{method} {path}");
        }
    }

    async fn that_the_database_was_restored_is_no_consumer(db: TestDb) {
        let desk = Desk::at(&db, TransportKind::Kafka);
        let now = clock().now();
        let noted = crate::restore::Restoration { taken_at: now, restored_at: now, keep_sessions: false };
        let mut tx = db.begin("test").await.unwrap();
        crate::restore::note_in(&mut tx, &noted).await.unwrap();
        crate::restore::claim_pending(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        by_hand(&db, "INSERT INTO consumer_positions (consumer, name, transport, namespace, position, updated_at)
                      VALUES ('tests@kafka@1', 'tests', 'kafka', '1', -1, 0)").await;
        let stats = desk.get("stats").await;
        assert_eq!(stats["consumers"].as_array().unwrap().len(), 1, "{stats}");
        assert_eq!(stats["consumers"][0]["consumer"], "tests");
        assert_eq!(stats["consumers"][0]["transport"], "kafka");
    }

    async fn a_dead_letter_is_listed_and_published_after_all(db: TestDb) {
        let (desk, id) = (Desk::at(&db, TransportKind::Feed), new_id());
        let transport = Recorder::new(|_| Err(PublishError::Refused("too large".to_owned())));
        let shutdown = chassis::shutdown::Shutdown::new();
        let relay = Relay::new(db.clone(), desk.outbox.clone(), transport.clone(), quick());
        shutdown.spawn("relay", relay.run(shutdown.clone()));
        changed(&db, &desk.outbox, id).await;
        let letter = testkit::eventually("the event is given up", async || {
            desk.get("dead-letters").await["outbox"].get(0).cloned()
        })
        .await;
        assert_eq!(letter["aggregate_id"], json!(id));
        assert_eq!(letter["last_error"], "too large");
        assert!(desk.wrong().await.contains(&"unapplied events".to_owned()));
        assert_eq!(desk.get("stats").await["outbox"]["dead_letters"], 1);

        transport.behave(|_| Ok(()));
        let (status, _) = desk.ask("admin", "POST", "replay", json!({ "id": new_id() })).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        let (status, done) = desk.ask("admin", "POST", "replay", json!({ "id": letter["id"] })).await;
        assert_eq!((status, &done["outbox"]), (StatusCode::ACCEPTED, &json!(1)));
        testkit::eventually("it is published", async || (transport.of(id) == [1]).then_some(())).await;
        shutdown.finish(Duration::from_secs(20)).await.unwrap();
    }

    async fn published_events_are_published_again_and_the_newest_comes_last(db: TestDb) {
        let desk = Desk::at(&db, TransportKind::Feed);
        let (ann, bob) = (new_id(), new_id());
        let transport = Recorder::new(|_| Ok(()));
        let shutdown = chassis::shutdown::Shutdown::new();
        let relay = Relay::new(db.clone(), desk.outbox.clone(), transport.clone(), quick());
        shutdown.spawn("relay", relay.run(shutdown.clone()));
        for id in [ann, bob, ann, ann] {
            changed(&db, &desk.outbox, id).await;
        }
        testkit::eventually("all are published", async || {
            (desk.get("stats").await["outbox"]["last_position"] == 4).then_some(())
        })
        .await;
        // The feed serves them anyway.
        let range = json!({ "from": 1, "to": 1 });
        let (status, problem) = desk.ask("admin", "POST", "replay", range.clone()).await;
        assert_eq!(status, StatusCode::CONFLICT, "{problem}");

        let mut tx = db.begin("test").await.unwrap();
        let again = crate::relay::request_republish(&mut tx, 1, 2).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(again, 2);
        testkit::eventually("they are published again", async || {
            (desk.get("stats").await["outbox"]["replays"] == 0).then_some(())
        })
        .await;
        // One of the two may be Bob's, whose only event is his newest.
        let events = transport.of(ann);
        assert_eq!(events.last(), Some(&3), "{events:?}");
        assert!(events.len() > 3, "{events:?}");
        // Positions did not move.
        assert_eq!(desk.get("stats").await["outbox"]["last_position"], 4);
        assert!(!desk.wrong().await.contains(&"positions".to_owned()));
        shutdown.finish(Duration::from_secs(20)).await.unwrap();
    }

    async fn what_is_too_much_is_refused(db: TestDb) {
        let desk = Desk::at(&db, TransportKind::Kafka);
        for limit in ["0", "-1", "1001"] {
            let (status, problem) = desk.ask("admin", "GET", &format!("dead-letters?limit={limit}"), Value::Null).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{limit}: {problem}");
            assert_eq!(problem["errors"][0]["field"], "limit");
        }
        for (from, to) in [(2, 1), (1, 100_001), (i64::MIN, i64::MAX)] {
            let (status, problem) = desk.ask("admin", "POST", "replay", json!({ "from": from, "to": to })).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{from} to {to}: {problem}");
            assert_eq!(problem["errors"][0]["field"], "to");
        }
        let (status, _) = desk.ask("admin", "POST", "replay", json!({ "from": 1, "to": 100_000 })).await;
        assert_eq!(status, StatusCode::ACCEPTED);
    }

    async fn what_does_not_hold_is_found(db: TestDb) {
        let (desk, id) = (Desk::at(&db, TransportKind::Feed), new_id());
        let shutdown = chassis::shutdown::Shutdown::new();
        let relay = Relay::new(db.clone(), desk.outbox.clone(), FeedTransport, quick());
        shutdown.spawn("relay", relay.run(shutdown.clone()));
        for _ in 0..4 {
            changed(&db, &desk.outbox, id).await;
        }
        testkit::eventually("all is well", async || desk.wrong().await.is_empty().then_some(())).await;
        let stats = desk.get("stats").await;
        assert_eq!((&stats["outbox"]["last_position"], &stats["outbox"]["depth"]), (&json!(4), &json!(0)));
        assert_eq!(stats["leases"][0]["partitions"], 16);
        shutdown.finish(Duration::from_secs(20)).await.unwrap();
        // The relay handed its partitions back.
        assert_eq!(desk.wrong().await, ["leases"]);
        by_hand(&db, "UPDATE outbox_leases SET holder = (SELECT id FROM outbox LIMIT 1)").await;
        by_hand(&db, "UPDATE outbox SET position = position + 10 WHERE sequence = 1").await;
        assert_eq!(desk.wrong().await, ["positions", "order"]);
        by_hand(&db, "UPDATE outbox SET position = position - 10 WHERE sequence = 1").await;
        by_hand(&db, "DELETE FROM outbox WHERE sequence = 2").await;
        assert_eq!(desk.wrong().await, ["positions", "sequences"]);
        changed(&db, &desk.outbox, new_id()).await;
        assert_eq!(desk.wrong().await, ["positions", "unsent", "sequences"]);
    }

    async fn numbers_that_an_earlier_release_left_out_are_known_and_no_others(db: TestDb) {
        let desk = Desk::at(&db, TransportKind::Feed);
        let (ann, bob) = (new_id(), new_id());
        for _ in 0..5 {
            changed(&db, &desk.outbox, ann).await;
        }
        // Somebody chose a password with a link: 2 and 4 were never told.
        by_hand(&db, "UPDATE outbox SET aggregate_type = 'account'").await;
        by_hand(&db, "DELETE FROM outbox WHERE sequence IN (2, 4)").await;
        by_hand(&db, "UPDATE outbox SET type = 'vestibule.session.ended.v1' WHERE sequence = 3").await;
        by_hand(&db, "UPDATE outbox SET type = 'vestibule.credential.added.v1' WHERE sequence = 5").await;
        assert!(desk.wrong().await.contains(&"sequences".to_owned()));
        let migration = match db.engine() {
            chassis::db::Engine::Sqlite => include_str!("../../../migrations/sqlite/0008_holes.sql"),
            chassis::db::Engine::Postgres => include_str!("../../../migrations/postgres/0008_holes.sql"),
        };
        by_hand(&db, &migration[migration.find("INSERT INTO outbox_holes").unwrap()..]).await;
        assert!(!desk.wrong().await.contains(&"sequences".to_owned()));
        for _ in 0..3 {
            changed(&db, &desk.outbox, bob).await;
        }
        by_hand(&db, "DELETE FROM outbox WHERE sequence = 2").await;
        assert!(desk.wrong().await.contains(&"sequences".to_owned()), "what is lost later is found");
    }
}
