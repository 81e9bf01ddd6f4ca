//! Tests of client assertions: each is accepted once.

use chassis::clock::{Clock, SKEW, Timestamp};
use events::restore::{Restoration, note_in};
use oidc::client_auth::VerifiedAssertion;

use super::*;
use crate::clients::assertions::{Claim, claim};
use crate::testing::BEGINNING;

fn assertion(jti: &str) -> VerifiedAssertion {
    VerifiedAssertion {
        jti: jti.to_owned(),
        expires_at: BEGINNING.as_secs() + 60,
        issued_at: BEGINNING.as_secs(),
    }
}

async fn claimed(app: &TestApp, client: &str, jti: &str, limit: i64) -> Claim {
    let mut tx = app.db.begin("test").await.unwrap();
    let outcome = claim(&mut tx, client, &assertion(jti), BEGINNING, limit)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    outcome
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn one_of_many_uses_of_an_assertion_is_accepted(db: TestDb) {
        // SB-27
        let app = testing::app(&db).await;
        let tries = (0..12).map(|_| claimed(&app, "robot", "j1", 100));
        let outcomes = futures_util::future::join_all(tries).await;
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == Claim::First).count(), 1, "{outcomes:?}");
        assert!(outcomes.iter().all(|outcome| *outcome != Claim::TooMany), "{outcomes:?}");
        assert_eq!(claimed(&app, "other", "j1", 100).await, Claim::First, "a jti is unique for its issuer");
    }

    async fn a_client_has_so_many_assertions_at_a_time(db: TestDb) {
        let app = testing::app(&db).await;
        for jti in ["j1", "j2"] {
            assert_eq!(claimed(&app, "robot", jti, 2).await, Claim::First);
        }
        assert_eq!(claimed(&app, "robot", "j3", 2).await, Claim::TooMany);
        assert_eq!(claimed(&app, "robot", "j1", 2).await, Claim::Repeated);
        assert_eq!(claimed(&app, "other", "j3", 2).await, Claim::First, "others are not held up");
    }

    async fn assertions_are_forgotten_when_they_have_expired(db: TestDb) {
        let app = testing::app(&db).await;
        claimed(&app, "robot", "j1", 100).await;
        app.wait(Duration::from_secs(60) + SKEW - Duration::from_secs(1));
        app.sweeper.sweep().await.unwrap();
        assert_eq!(claimed(&app, "robot", "j1", 100).await, Claim::Repeated, "the clock of another replica may be behind");
        app.wait(Duration::from_secs(1));
        app.sweeper.sweep().await.unwrap();
        assert_eq!(app.count("SELECT COUNT(*) FROM client_assertions").await, 0);
    }

    async fn an_assertion_of_the_time_before_a_restoration_is_refused(db: TestDb) {
        // SB-27, SB-50
        let app = testing::app(&db).await;
        let claim_at = async |jti: &str, issued_at: i64, now: Timestamp| {
            let mut tx = app.db.begin("test").await.unwrap();
            let assertion = VerifiedAssertion { issued_at: BEGINNING.as_secs() + issued_at, ..assertion(jti) };
            let outcome = claim(&mut tx, "robot", &assertion, now, 100).await.unwrap();
            tx.commit().await.unwrap();
            outcome
        };
        assert_eq!(claim_at("used", 0, BEGINNING).await, Claim::First);
        // The backup was made before, and has no trace of it.
        let mut tx = app.db.begin("test").await.unwrap();
        note_in(&mut tx, &Restoration { taken_at: BEGINNING, restored_at: BEGINNING, keep_sessions: true }).await.unwrap();
        chassis::on_engine!(&mut tx, c => sqlx::query("DELETE FROM client_assertions").execute(c).await.map(drop).unwrap());
        tx.commit().await.unwrap();
        app.wait(Duration::from_secs(5));
        app.restore.after_restore().await.unwrap();
        let now = app.clock.now();
        for (jti, issued_at, expected) in [
            ("used", 0, Claim::BeforeRestoration),
            ("ahead", 35, Claim::BeforeRestoration),
            ("new", 36, Claim::First),
            ("new", 36, Claim::Repeated),
        ] {
            assert_eq!(claim_at(jti, issued_at, now).await, expected, "{jti} {issued_at}");
        }
        let set_back = now - SKEW - Duration::from_secs(1);
        assert_eq!(claim_at("behind", -60, set_back).await, Claim::First, "a clock that was set back locks no client out");
    }
}
