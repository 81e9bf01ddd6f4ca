//! Tests of the end of the grace period.

use super::*;

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn when_the_grace_period_is_over_a_user_is_erased(db: TestDb) {
        let (app, clock) = app_with_grace(&db, 30);
        let (ann, bob) = (create(&app, "ann").await, create(&app, "bob").await);
        delete(&app, ann).await;
        clock.advance(29 * DAY);
        delete(&app, bob).await;
        sweep(&app).await;
        clock.advance(DAY);
        sweep(&app).await;
        assert!(is_hidden(&db, ann).await, "the end is noticed, and confirmed later");
        clock.advance(CONFIRMED_AFTER);
        sweep(&app).await;
        assert!(is_erased(&db, ann).await && !is_hidden(&db, ann).await);
        assert!(is_hidden(&db, bob).await && !is_erased(&db, bob).await);
        assert_eq!(kinds(&db, ann).await, ["created", "deactivated", "deleted"]);
        assert!(matches!(restore(&app, ann, None).await, Err(UserError::NotFound)));
        assert!(matches!(app.users.erase(ann).await, Err(UserError::NotFound)));
    }

    // SB-50
    async fn a_clock_that_jumps_ahead_for_less_than_an_hour_erases_nobody(db: TestDb) {
        let (app, clock) = app_with_grace(&db, 30);
        let ann = create(&app, "ann").await;
        delete(&app, ann).await;
        let right = clock.now();
        for _ in 0..3 {
            clock.set(right + 400 * DAY);
            sweep(&app).await;
            clock.set(right + CONFIRMED_AFTER);
            sweep(&app).await;
        }
        clock.set(right + 31 * DAY);
        sweep(&app).await;
        assert!(is_hidden(&db, ann).await, "what the wrong clock noticed does not count");
        clock.advance(CONFIRMED_AFTER);
        sweep(&app).await;
        assert!(is_erased(&db, ann).await);
    }

    async fn many_are_erased_in_batches(db: TestDb) {
        let (app, clock) = app_with_grace(&db, 1);
        for number in 0..205 {
            delete(&app, create(&app, &format!("ann{number}")).await).await;
        }
        clock.advance(DAY);
        sweep(&app).await;
        clock.advance(CONFIRMED_AFTER);
        let other = app.clone();
        join!(sweep(&app), sweep(&other));
        assert_eq!(count(&db, "SELECT count(*) FROM deleted_users").await, 0);
        assert_eq!(count(&db, "SELECT count(*) FROM tombstones").await, 205);
        assert_eq!(count(&db, "SELECT count(*) FROM outbox WHERE type = 'vestibule.user.deleted.v1'").await, 205);
    }

    async fn without_a_grace_period_a_deletion_erases_and_a_shorter_one_holds_for_those_who_wait(db: TestDb) {
        let (app, clock) = app_with_grace(&db, 30);
        let ann = create(&app, "ann").await;
        delete(&app, ann).await;
        let (short, its_clock) = app_with_grace(&db, 0);
        let bob = create(&short, "bob").await;
        delete(&short, bob).await;
        assert!(is_erased(&db, bob).await);
        assert_eq!(kinds(&db, bob).await, ["created", "deleted"]);
        its_clock.set(clock.now());
        sweep(&short).await;
        its_clock.advance(CONFIRMED_AFTER);
        sweep(&short).await;
        assert!(is_erased(&db, ann).await);
    }

    async fn an_erasure_is_asked_for_and_happens_at_once(db: TestDb) {
        let (app, _) = app_with_grace(&db, 30);
        let ann = create(&app, "ann").await;
        assert!(matches!(app.users.erase(ann).await, Err(UserError::NotFound)), "she is not deleted");
        delete(&app, ann).await;
        app.users.erase(ann).await.unwrap();
        assert!(is_erased(&db, ann).await && !is_hidden(&db, ann).await);
        assert_eq!(kinds(&db, ann).await, ["created", "deactivated", "deleted"]);
    }

    async fn whom_auth_has_erased_is_erased_here(db: TestDb) {
        let (app, _) = app_with_grace(&db, 30);
        let ann = create(&app, "ann").await;
        delete(&app, ann).await;
        let mut tx = db.begin("test").await.unwrap();
        app.users.delete_erased(&mut tx, ann).await.unwrap();
        tx.commit().await.unwrap();
        assert!(is_erased(&db, ann).await && !is_hidden(&db, ann).await);
    }
}
