//! Tests of sessions: start, renewal, expiry and end.

use std::time::Duration;

use chassis::clock::Clock;
use chassis::secret::Token;

use super::*;
use crate::testing::{self, PASSWORD, person_state};

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    // SB-12, SB-13
    async fn every_sign_in_gets_a_session_of_its_own_and_only_its_hash_is_stored(db: TestDb) {
        let app = testing::app(&db).await;
        let ann = app.person("ann").await;
        let who = app.sign_in("ann", PASSWORD).await.unwrap();
        let first = app.start(&who).await.unwrap();
        let second = app.start(&who).await.unwrap();
        assert_ne!(first.session.id, second.session.id);
        assert_ne!(first.token.expose(), second.token.expose());
        assert_eq!(first.token.expose().len(), 43, "256 bits");
        let found = app.sessions.find(&first.token).await.unwrap().unwrap();
        assert_eq!((found.id, found.account_id, found.amr), (first.session.id, ann, vec!["pwd".to_owned()]));
        assert!(app.sessions.find(&Token::new(first.session.id.to_string())).await.unwrap().is_none());
        assert_eq!(app.events().await, ["vestibule.session.started.v1"; 2]);
    }

    // SB-15
    async fn a_session_ends_unused_and_in_the_end_even_when_used(db: TestDb) {
        let app = testing::app(&db).await;
        app.person("ann").await;
        let who = app.sign_in("ann", PASSWORD).await.unwrap();
        let (unused, used) = (app.start(&who).await.unwrap(), app.start(&who).await.unwrap());
        let (idle, absolute) = (app.settings.sessions.idle(), app.settings.sessions.absolute());
        let mut waited = Duration::ZERO;
        while waited + idle / 2 < absolute {
            app.wait(idle / 2);
            waited += idle / 2;
            assert!(app.sessions.find(&used.token).await.unwrap().is_some(), "after {waited:?}");
        }
        assert!(app.sessions.find(&unused.token).await.unwrap().is_none());
        app.wait(absolute - waited);
        assert!(app.sessions.find(&used.token).await.unwrap().is_none());
        app.sweeper.sweep().await.unwrap();
        assert_eq!(app.count("SELECT COUNT(*) FROM sessions").await, 0);
        let ended = app.events().await;
        assert_eq!(ended.iter().filter(|kind| *kind == "vestibule.session.ended.v1").count(), 2);
    }

    async fn a_session_in_use_is_written_once_a_minute_at_most(db: TestDb) {
        let app = testing::app(&db).await;
        app.person("ann").await;
        let started = app.start(&app.sign_in("ann", PASSWORD).await.unwrap()).await.unwrap();
        let seen = "SELECT last_seen_at FROM sessions";
        let first = app.count(seen).await;
        app.wait(Duration::from_secs(59));
        app.sessions.find(&started.token).await.unwrap().unwrap();
        assert_eq!(app.count(seen).await, first);
        app.wait(Duration::from_secs(1));
        app.sessions.find(&started.token).await.unwrap().unwrap();
        assert_eq!(app.count(seen).await, first + 60_000_000);
    }

    // SB-15
    async fn ending_ends_one_or_all_and_tells_each_once(db: TestDb) {
        let app = testing::app(&db).await;
        let ann = app.person("ann").await;
        let who = app.sign_in("ann", PASSWORD).await.unwrap();
        let mut tokens = Vec::new();
        for _ in 0..3 {
            tokens.push(app.start(&who).await.unwrap());
        }
        let first = tokens[0].session.id;
        for expected in [true, false] {
            let mut tx = db.begin("test").await.unwrap();
            assert_eq!(app.sessions.end(&mut tx, first, SessionEnd::SignedOut).await.unwrap(), expected);
            tx.commit().await.unwrap();
        }
        let mut tx = db.begin("test").await.unwrap();
        assert_eq!(app.sessions.end_all(&mut tx, ann, SessionEnd::Revoked).await.unwrap(), 2);
        tx.commit().await.unwrap();
        for started in &tokens {
            assert!(app.sessions.find(&started.token).await.unwrap().is_none());
        }
        let ended = app.events().await;
        assert_eq!(ended.iter().filter(|kind| *kind == "vestibule.session.ended.v1").count(), 3);
    }

    // SB-15
    async fn a_disabled_person_gets_no_session_however_fresh_the_proof(db: TestDb) {
        let app = testing::app(&db).await;
        let ann = app.person("ann").await;
        let who = app.sign_in("ann", PASSWORD).await.unwrap();
        let mut off = person_state(ann, "ann");
        (off.active, off.version) = (false, 2);
        app.change(&off).await;
        assert!(matches!(app.start(&who).await, Err(StartError::Refused)));
    }

    // SB-15, SB-50
    async fn a_session_outlives_a_clock_that_goes_back_and_lives_no_longer_for_it(db: TestDb) {
        let app = testing::app(&db).await;
        app.person("ann").await;
        let who = app.sign_in("ann", PASSWORD).await.unwrap();
        let (used, idle) = (app.start(&who).await.unwrap(), app.start(&who).await.unwrap());
        let (two_days, before) = (Duration::from_secs(2 * 86_400), app.clock.now());
        app.clock.set(before - two_days);
        let found = app.sessions.find(&used.token).await.unwrap().unwrap();
        let absolute = app.settings.sessions.absolute();
        assert!(found.auth_time + absolute <= app.clock.now(), "nobody knows when; never counted as a new sign-in");
        assert!(found.expires_at <= app.clock.now() + app.settings.sessions.absolute());
        // Unused from now on, it ends after the idle time and not two days later.
        app.wait(app.settings.sessions.idle());
        assert!(app.sessions.find(&used.token).await.unwrap().is_none());
        // Nor does a clock that has jumped ahead for a moment end what is not over when it is back.
        app.clock.set(before + two_days * 30);
        assert!(app.sessions.find(&idle.token).await.unwrap().is_none());
        app.clock.set(before);
        assert!(app.sessions.find(&idle.token).await.unwrap().is_some());
    }

    async fn whoever_signs_in_again_keeps_the_session_and_gets_a_new_token(db: TestDb) {
        // SB-12
        let app = testing::app(&db).await;
        app.person("ann").await;
        app.person("bob").await;
        let first = app.start(&app.sign_in("ann", PASSWORD).await.unwrap()).await.unwrap();
        app.wait(Duration::from_secs(60));
        let again = app.sign_in("ann", PASSWORD).await.unwrap();
        let renewed = renewed(&app, &first.session, &again).await.unwrap().unwrap();
        assert_eq!(renewed.session.id, first.session.id, "sid stays");
        assert!(app.sessions.find(&first.token).await.unwrap().is_none(), "the old token is worth nothing");
        let found = app.sessions.find(&renewed.token).await.unwrap().unwrap();
        assert_eq!(found.auth_time, first.session.auth_time + Duration::from_secs(60));
        assert_eq!(found.expires_at, first.session.expires_at + Duration::from_secs(60));
        assert_eq!(app.events().await, ["vestibule.session.started.v1"; 2]);

        let bob = app.sign_in("bob", PASSWORD).await.unwrap();
        assert!(self::renewed(&app, &found, &bob).await.unwrap().is_none(), "it is not his");
        let mut tx = db.begin("test").await.unwrap();
        app.sessions.end(&mut tx, found.id, SessionEnd::SignedOut).await.unwrap();
        tx.commit().await.unwrap();
        assert!(self::renewed(&app, &found, &again).await.unwrap().is_none(), "what has ended stays ended");
    }

    async fn two_who_sign_in_over_each_other_never_wait_for_each_other(db: TestDb) {
        // SB-12
        let app = testing::app(&db).await;
        app.person("ann").await;
        app.person("bob").await;
        let (ann, bob) = (app.sign_in("ann", PASSWORD).await.unwrap(), app.sign_in("bob", PASSWORD).await.unwrap());
        let client = testing::client("192.0.2.1");
        for _ in 0..20 {
            let (anns, bobs) = (app.start(&ann).await.unwrap().session, app.start(&bob).await.unwrap().session);
            let over = async |before: &Session, who: &SignedIn| {
                let mut tx = app.db.begin("test").await.unwrap();
                app.sessions.start_or_renew(&mut tx, Some(before), who, &client).await.unwrap();
                tx.commit().await.unwrap();
            };
            tokio::join!(over(&bobs, &ann), over(&anns, &bob));
        }
        assert_eq!(app.count("SELECT COUNT(*) FROM sessions").await, 40, "of each pair, two ended");
    }

    // SB-15
    async fn a_disabled_person_renews_nothing(db: TestDb) {
        let app = testing::app(&db).await;
        let ann = app.person("ann").await;
        let who = app.sign_in("ann", PASSWORD).await.unwrap();
        let started = app.start(&who).await.unwrap();
        let mut off = person_state(ann, "ann");
        (off.active, off.version) = (false, 2);
        app.change(&off).await;
        assert!(matches!(renewed(&app, &started.session, &who).await, Err(StartError::Refused)));
    }

    // SB-15
    async fn signing_in_again_and_being_disabled_never_wait_for_each_other(db: TestDb) {
        let app = testing::app(&db).await;
        let ann = app.person("ann").await;
        let who = app.sign_in("ann", PASSWORD).await.unwrap();
        for round in 1..20 {
            let started = app.start(&who).await.unwrap();
            let mut off = person_state(ann, "ann");
            (off.active, off.version) = (false, 2 * round);
            let signing_out = async {
                let mut tx = app.db.begin("test").await.unwrap();
                app.sessions.end(&mut tx, started.session.id, SessionEnd::SignedOut).await.unwrap();
                tx.commit().await.unwrap();
            };
            let again = renewed(&app, &started.session, &who);
            let ((), again, ()) = tokio::join!(app.change(&off), again, signing_out);
            assert!(matches!(again, Ok(_) | Err(StartError::Refused)), "{again:?}");
            assert_eq!(app.count("SELECT COUNT(*) FROM sessions").await, 0, "round {round}");
            (off.active, off.version) = (true, 2 * round + 1);
            app.change(&off).await;
        }
    }
}

async fn renewed(
    app: &testing::TestApp,
    before: &Session,
    who: &SignedIn,
) -> Result<Option<StartedSession>, StartError> {
    let mut tx = app.db.begin("test").await.unwrap();
    let outcome = app
        .sessions
        .renew(&mut tx, before, who, &testing::client("192.0.2.1"))
        .await;
    tx.commit().await.unwrap();
    outcome
}
