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
            if let Some(first) = claim(&app, KEY).await.unwrap() {
                finish(&app, first, SIGNED_IN).await.unwrap();
                return None;
            }
            Some(wait_until_done(&app, KEY).await.unwrap())
        }));
        let tries = tries.await;
        assert_eq!(tries.iter().filter(|repeated| repeated.is_none()).count(), 1, "{tries:?}");
        assert!(tries.iter().flatten().all(|state| *state == SubmissionState::Done(SIGNED_IN)), "{tries:?}");
        assert_eq!(state(&app, OTHER).await.unwrap(), SubmissionState::Unknown);
        assert!(claim(&app, OTHER).await.unwrap().is_some());
        assert_eq!(state(&app, OTHER).await.unwrap(), SubmissionState::InProgress);
    }

    async fn what_led_nowhere_or_is_old_is_forgotten(db: TestDb) {
        let app = testing::app(&db).await;
        let first = claim(&app, KEY).await.unwrap().unwrap();
        release(&app, first).await.unwrap();
        let second = claim(&app, KEY).await.unwrap().unwrap();
        finish(&app, second, SIGNED_IN).await.unwrap();
        app.wait(WINDOW);
        assert_eq!(state(&app, KEY).await.unwrap(), SubmissionState::Unknown);
        assert!(claim(&app, KEY).await.unwrap().is_some());
        app.wait(WINDOW);
        crate::sweeper::sweep(&app).await.unwrap();
        assert_eq!(app.count("SELECT COUNT(*) FROM form_submissions").await, 0);
    }

    async fn whoever_took_too_long_changes_nothing_of_the_next_one(db: TestDb) {
        let app = testing::app(&db).await;
        let slow = claim(&app, KEY).await.unwrap().unwrap();
        app.wait(WINDOW);
        let next = claim(&app, KEY).await.unwrap().unwrap();
        finish(&app, slow, SubmissionOutcome::SignedIn(Uuid::from_u128(2))).await.unwrap();
        release(&app, slow).await.unwrap();
        assert_eq!(state(&app, KEY).await.unwrap(), SubmissionState::InProgress);
        finish(&app, next, SIGNED_IN).await.unwrap();
        release(&app, next).await.unwrap();
        assert_eq!(state(&app, KEY).await.unwrap(), SubmissionState::Done(SIGNED_IN), "what is done stays so");
    }

    async fn a_clock_that_was_ahead_holds_no_form_up(db: TestDb) {
        // SB-50
        let app = testing::app(&db).await;
        app.wait(Duration::from_secs(2 * 86_400));
        assert!(claim(&app, KEY).await.unwrap().is_some());
        app.clock.set(BEGINNING);
        assert!(claim(&app, KEY).await.unwrap().is_some());
    }

    async fn a_replica_whose_clock_is_behind_knows_the_form(db: TestDb) {
        // SB-50
        let app = testing::app(&db).await;
        let first = claim(&app, KEY).await.unwrap().unwrap();
        app.clock.set(BEGINNING - Duration::from_secs(1));
        assert!(claim(&app, KEY).await.unwrap().is_none());
        assert_eq!(state(&app, KEY).await.unwrap(), SubmissionState::InProgress);
        finish(&app, first, SIGNED_IN).await.unwrap();
        crate::sweeper::sweep(&app).await.unwrap();
        assert_eq!(state(&app, KEY).await.unwrap(), SubmissionState::Done(SIGNED_IN));
    }
}
