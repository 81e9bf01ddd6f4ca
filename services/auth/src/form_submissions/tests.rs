//! Tests of claims of form submissions.

use super::*;
use crate::testing::{self, BEGINNING};

const KEY: SubmissionKey = SubmissionKey([7; 32]);
const OTHER: SubmissionKey = SubmissionKey([8; 32]);
const SIGNED_IN: SubmissionOutcome = SubmissionOutcome::SignedIn(Uuid::from_u128(1));

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn one_of_many_is_the_first_and_the_others_learn_what_came_of_it(db: TestDb) {
        let app = testing::app(&db).await;
        let tries = futures_util::future::join_all((0..12).map(async |_| {
            if let Some(first) = app.form_submissions.claim(KEY).await.unwrap() {
                app.form_submissions.finish(first, SIGNED_IN).await.unwrap();
                return None;
            }
            Some(app.form_submissions.wait_until_done(KEY).await.unwrap())
        }));
        let tries = tries.await;
        assert_eq!(tries.iter().filter(|repeated| repeated.is_none()).count(), 1, "{tries:?}");
        assert!(tries.iter().flatten().all(|state| *state == SubmissionState::Done(SIGNED_IN)), "{tries:?}");
        assert_eq!(app.form_submissions.state(OTHER).await.unwrap(), SubmissionState::Unknown);
        assert!(app.form_submissions.claim(OTHER).await.unwrap().is_some());
        assert_eq!(app.form_submissions.state(OTHER).await.unwrap(), SubmissionState::InProgress);
    }

    async fn what_led_nowhere_or_is_old_is_forgotten(db: TestDb) {
        let app = testing::app(&db).await;
        let first = app.form_submissions.claim(KEY).await.unwrap().unwrap();
        app.form_submissions.release(first).await.unwrap();
        let second = app.form_submissions.claim(KEY).await.unwrap().unwrap();
        app.form_submissions.finish(second, SIGNED_IN).await.unwrap();
        app.wait(WINDOW);
        assert_eq!(app.form_submissions.state(KEY).await.unwrap(), SubmissionState::Unknown);
        assert!(app.form_submissions.claim(KEY).await.unwrap().is_some());
        app.wait(WINDOW);
        app.sweeper.sweep().await.unwrap();
        assert_eq!(app.count("SELECT COUNT(*) FROM form_submissions").await, 0);
    }

    async fn whoever_took_too_long_changes_nothing_of_the_next_one(db: TestDb) {
        let app = testing::app(&db).await;
        let slow = app.form_submissions.claim(KEY).await.unwrap().unwrap();
        app.wait(WINDOW);
        let next = app.form_submissions.claim(KEY).await.unwrap().unwrap();
        app.form_submissions.finish(slow, SubmissionOutcome::SignedIn(Uuid::from_u128(2))).await.unwrap();
        app.form_submissions.release(slow).await.unwrap();
        assert_eq!(app.form_submissions.state(KEY).await.unwrap(), SubmissionState::InProgress);
        app.form_submissions.finish(next, SIGNED_IN).await.unwrap();
        app.form_submissions.release(next).await.unwrap();
        assert_eq!(app.form_submissions.state(KEY).await.unwrap(), SubmissionState::Done(SIGNED_IN), "what is done stays so");
    }

    async fn a_clock_that_was_ahead_holds_no_form_up(db: TestDb) {
        // SB-50
        let app = testing::app(&db).await;
        app.wait(Duration::from_secs(2 * 86_400));
        assert!(app.form_submissions.claim(KEY).await.unwrap().is_some());
        app.clock.set(BEGINNING);
        assert!(app.form_submissions.claim(KEY).await.unwrap().is_some());
    }

    async fn a_replica_whose_clock_is_behind_knows_the_form(db: TestDb) {
        // SB-50
        let app = testing::app(&db).await;
        let first = app.form_submissions.claim(KEY).await.unwrap().unwrap();
        app.clock.set(BEGINNING - Duration::from_secs(1));
        assert!(app.form_submissions.claim(KEY).await.unwrap().is_none());
        assert_eq!(app.form_submissions.state(KEY).await.unwrap(), SubmissionState::InProgress);
        app.form_submissions.finish(first, SIGNED_IN).await.unwrap();
        app.sweeper.sweep().await.unwrap();
        assert_eq!(app.form_submissions.state(KEY).await.unwrap(), SubmissionState::Done(SIGNED_IN));
    }
}
