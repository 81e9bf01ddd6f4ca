//! Tests of the start after a restoration: tombstones and the sign-in gate.

use std::time::Duration;

use chassis::clock::Clock;
use chassis::health::Health;
use chassis::shutdown::Shutdown;
use events::reconcile::{Difference, Kind, Report};
use events::restore::{Restoration, note_caught_up, note_erased_in, note_in};
use uuid::Uuid;

use crate::app::App;
use crate::authorization_requests::{Browser, PushedRequest};
use crate::clients::DIRECT_CLIENT;
use crate::device_authorizations::NewDevice;
use crate::form_submissions::SubmissionKey;
use crate::http::sign_in_gate::{check_people_admitted, check_tokens_issued};
use crate::testing::{self, PASSWORD};

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn whom_the_replaced_database_had_erased_is_erased_again(db: TestDb) {
        let app = testing::app(&db).await;
        let (eve, ann, never) = (app.person("eve").await, app.person("ann").await, Uuid::from_u128(9));
        let now = app.clock.now();
        let noted = Restoration { taken_at: now - Duration::from_secs(60), restored_at: now, keep_sessions: true };
        let mut tx = db.begin("test").await.unwrap();
        note_in(&mut tx, &noted).await.unwrap();
        note_erased_in(&mut tx, &[eve, never]).await.unwrap();
        tx.commit().await.unwrap();
        for _ in 0..2 {
            app.restore.after_restore().await.unwrap();
            assert!(app.sign_in("eve", PASSWORD).await.is_err(), "her old password is good for nothing");
            assert!(app.sign_in("ann", PASSWORD).await.is_ok());
            assert!(accounts_of(&app, ann).await && !accounts_of(&app, eve).await);
        }
        let erased = app.events().await.into_iter().filter(|kind| kind == "vestibule.subject.erased.v1");
        assert_eq!(erased.count(), 2, "others hear of it again, and once");
    }

    async fn what_lets_somebody_in_does_not_come_back_with_a_backup_unless_it_is_kept(db: TestDb) {
        // SB-15
        let app = testing::app(&db).await;
        app.bootstrap(&Default::default()).await.unwrap();
        // Bob has no session, so what is his does not go with one.
        let (bob, cookie) = (app.person("bob").await, app.random.token());
        app.person("ann").await;
        app.start(&app.sign_in("ann", PASSWORD).await.unwrap()).await.unwrap();
        testing::persons_token(&app, bob, DIRECT_CLIENT, "openid").await;
        let browser = Browser { cookie: &cookie, session: None, ip: None };
        app.authorization_requests.save("client_id=web", browser).await.unwrap();
        let pushed = PushedRequest { client_id: "web", unauthenticated: None, query: "client_id=web" };
        app.authorization_requests.push(pushed).await.unwrap();
        let direct = app.clients.find(DIRECT_CLIENT).await.unwrap().unwrap();
        let device = NewDevice { client: &direct, ip: None, scope: &Default::default(), audiences: &[] };
        app.device_authorizations.request(device).await.unwrap();
        app.form_submissions.claim(SubmissionKey([7; 32])).await.unwrap().unwrap();
        app.setup_links.invite(bob).await.unwrap().unwrap();
        let mut tx = db.begin("test").await.unwrap();
        app.accounts.remember_device(&mut tx, bob).await.unwrap();
        tx.commit().await.unwrap();

        let now = app.clock.now();
        for (keep_sessions, left) in [(true, 1), (false, 0)] {
            let noted = Restoration { taken_at: now - Duration::from_secs(60), restored_at: now, keep_sessions };
            let mut tx = db.begin("test").await.unwrap();
            note_in(&mut tx, &noted).await.unwrap();
            tx.commit().await.unwrap();
            app.restore.after_restore().await.unwrap();
            for rows in [
                "SELECT count(*) FROM sessions",
                "SELECT count(*) FROM grants WHERE revoked_at IS NULL",
                "SELECT count(*) FROM authorization_requests",
                "SELECT count(*) FROM pushed_authorization_requests",
                "SELECT count(*) FROM device_authorizations",
                "SELECT count(*) FROM form_submissions",
                "SELECT count(*) FROM setup_links",
                "SELECT count(*) FROM devices",
            ] {
                assert_eq!(app.count(rows).await, left, "{rows}, keep_sessions = {keep_sessions}");
            }
        }
    }

    async fn sign_in_is_closed_until_the_user_service_was_heard(db: TestDb) {
        // SB-15
        let app = testing::app(&db).await;
        let health = Health::new();
        app.restore.close_sign_in(&health).await.unwrap();
        assert!(health.notes().is_empty(), "it was not restored");
        let now = app.clock.now();
        let noted = Restoration { taken_at: now - Duration::from_secs(60), restored_at: now, keep_sessions: false };
        let mut tx = db.begin("test").await.unwrap();
        note_in(&mut tx, &noted).await.unwrap();
        tx.commit().await.unwrap();
        app.restore.after_restore().await.unwrap();
        app.restore.close_sign_in(&health).await.unwrap();
        assert!(check_tokens_issued(&app.sign_in_gate).is_err() && check_people_admitted(&app.sign_in_gate).is_err());
        assert_eq!(health.notes().len(), 1);
        // Nobody answers: a replica that is started meanwhile finds sign-in closed too.
        let shutdown = Shutdown::new();
        shutdown.spawn("restoration", app.restore.clone().open_sign_in(health.clone(), shutdown.clone()));
        let other = testing::app(&db).await;
        other.restore.close_sign_in(&Health::new()).await.unwrap();
        assert!(check_tokens_issued(&other.sign_in_gate).is_err() && check_tokens_issued(&app.sign_in_gate).is_err());
        shutdown.finish(Duration::from_secs(5)).await.ok();

        // Another replica has caught up.
        let mut tx = db.begin("test").await.unwrap();
        note_caught_up(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        app.restore.clone().open_sign_in(health.clone(), Shutdown::new()).await;
        assert!(check_tokens_issued(&app.sign_in_gate).is_ok() && health.notes().is_empty());
    }

    async fn one_person_who_cannot_be_brought_up_to_date_keeps_nobody_else_out(db: TestDb) {
        // SB-15
        let app = testing::app(&db).await;
        let (eve, ann) = (app.person("eve").await, app.person("ann").await);
        let session = app.start(&app.sign_in("eve", PASSWORD).await.unwrap()).await.unwrap();
        let behind = |id| Difference { id, kind: Kind::Behind, theirs: Some(9), ours: Some(1) };
        let report = |left, named: &[Uuid]| Report {
            at: app.clock.now(),
            compared: 2,
            caught_up: true,
            repaired: Default::default(),
            drift: [(Kind::Behind, left)].into(),
            differences: named.iter().copied().map(behind).collect(),
        };
        let open = async |report: &Report, suspending| app.restore.open_after_reconciliation(report, suspending).await;
        assert!(open(&report(1, &[eve]), false).await.is_err(), "it may be over in a moment");
        assert!(open(&report(200, &[eve]), true).await.is_err(), "that is no matter of single people");
        assert!(app.sign_in("eve", PASSWORD).await.is_ok());

        open(&report(1, &[eve]), true).await.unwrap();
        assert!(app.sign_in("eve", PASSWORD).await.is_err() && app.sign_in("ann", PASSWORD).await.is_ok());
        assert!(app.sessions.find(&session.token).await.unwrap().is_none());
        let mut newer = testing::person_state(eve, "eve");
        newer.version = 9;
        app.change(&newer).await;
        assert!(app.sign_in("eve", PASSWORD).await.is_ok(), "what came later says that she may");
        open(&report(1, &[Uuid::from_u128(5)]), true).await.unwrap();
        assert!(accounts_of(&app, ann).await);
    }
}

async fn accounts_of(app: &App, id: Uuid) -> bool {
    crate::accounts::exists(&mut app.db.reader().await.unwrap(), id)
        .await
        .unwrap()
}
