use super::*;
use crate::testing::{self, BEGINNING};

const KEY: SubmissionKey = SubmissionKey([7; 32]);
const OTHER: SubmissionKey = SubmissionKey([8; 32]);

fn home() -> Led {
    Led {
        location: "/".to_owned(),
        session: Some(Uuid::from_u128(1)),
        registration: None,
    }
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn one_of_many_is_the_first_and_the_others_learn_where_it_led(db: TestDb) {
        let app = testing::app(&db).await;
        let tries = futures_util::future::join_all((0..12).map(async |_| {
            if claim(&app, KEY).await.unwrap() {
                led(&app, KEY, &home()).await.unwrap();
                return None;
            }
            Some(outcome(&app, KEY).await.unwrap())
        }));
        let tries = tries.await;
        assert_eq!(tries.iter().filter(|repeated| repeated.is_none()).count(), 1, "{tries:?}");
        assert!(tries.iter().flatten().all(|led| *led == Some(home())), "{tries:?}");
        assert_eq!(outcome(&app, OTHER).await.unwrap(), None);
        assert!(claim(&app, OTHER).await.unwrap());
    }

    async fn what_led_nowhere_or_is_old_is_forgotten(db: TestDb) {
        let app = testing::app(&db).await;
        assert!(claim(&app, KEY).await.unwrap());
        release(&app, KEY).await.unwrap();
        assert!(claim(&app, KEY).await.unwrap());
        led(&app, KEY, &home()).await.unwrap();
        app.wait(WINDOW);
        assert_eq!(outcome(&app, KEY).await.unwrap(), None);
        assert!(claim(&app, KEY).await.unwrap());
        app.wait(WINDOW);
        crate::sweeper::sweep(&app).await.unwrap();
        assert_eq!(app.count("SELECT COUNT(*) FROM form_submissions").await, 0);
    }

    async fn a_clock_that_was_ahead_holds_no_form_up(db: TestDb) {
        // SB-50
        let app = testing::app(&db).await;
        app.wait(Duration::from_secs(2 * 86_400));
        assert!(claim(&app, KEY).await.unwrap());
        app.clock.set(BEGINNING);
        assert!(claim(&app, KEY).await.unwrap());
    }
}
