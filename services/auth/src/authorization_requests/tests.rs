//! Tests of saved authorization requests: limits, lifetime and clock skew.

use std::time::Duration;

use super::*;
use crate::row_counts::MAX_AGE;
use crate::testing::{self, BEGINNING, TestApp};

async fn save(app: &TestApp, ip: &str) -> bool {
    let cookie = app.random.token();
    let browser = Browser {
        cookie: &cookie,
        session: None,
        ip: Some(ip.parse().unwrap()),
    };
    match app.authorization_requests.save("client_id=web", browser).await {
        Ok(_) => true,
        Err(SaveError::Full) => false,
        Err(error) => panic!("{error}"),
    }
}

async fn with_limits(db: &testkit::TestDb, per_source: &str, total: &str) -> TestApp {
    let settings = [
        ("AUTHORIZATION__WAITING_PER_SOURCE", per_source),
        ("AUTHORIZATION__WAITING_IN_ALL", total),
    ];
    testing::app_set(db, &settings).await
}

fn stored(outcomes: &[bool]) -> usize {
    outcomes.iter().filter(|stored| **stored).count()
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn those_that_come_at_once_share_the_places(db: TestDb) {
        // SB-16
        let app = with_limits(&db, "5", "8").await;
        let one = futures_util::future::join_all((0..20).map(|_| save(&app, "192.0.2.1"))).await;
        assert_eq!(stored(&one), 5, "of one source");
        let others = (0..20).map(|host| format!("198.51.100.{host}"));
        let many = futures_util::future::join_all(others.map(async |ip| save(&app, &ip).await)).await;
        assert_eq!(stored(&many), 3, "in all");
        app.wait(LIFETIME);
        assert!(save(&app, "192.0.2.1").await, "what is over takes no place");
    }

    async fn a_few_sources_leave_places_to_others(db: TestDb) {
        // SB-16
        let app = with_limits(&db, "100", "80").await;
        let mut counts = [0; 2];
        for number in 0..90 {
            // All /64s of one subscriber are one source.
            for (count, ip) in counts.iter_mut().zip([format!("2001:db8:1:{number}::1"), "192.0.2.1".to_owned()]) {
                if number >= 20 || ip.contains(':') {
                    *count += usize::from(save(&app, &ip).await);
                }
            }
        }
        assert!(counts.iter().sum::<usize>() <= 60, "two sources take three quarters: {counts:?}");
        for other in 0..20 {
            assert!(save(&app, &format!("198.51.100.{other}")).await, "{other}");
        }
        assert!(!save(&app, "198.51.100.99").await, "in all");
    }

    async fn replicas_see_what_others_saved_within_a_second(db: TestDb) {
        // SB-16
        let (one, other) = (with_limits(&db, "5", "8").await, with_limits(&db, "5", "8").await);
        assert!(save(&other, "192.0.2.1").await);
        for _ in 0..4 {
            assert!(save(&one, "192.0.2.1").await);
        }
        other.wait(MAX_AGE);
        assert!(!save(&other, "192.0.2.1").await, "the others are counted");
        assert!(save(&other, "192.0.2.2").await);
    }

    async fn a_request_waits_for_its_browser_alone_and_for_ten_minutes(db: TestDb) {
        // SB-16
        let app = testing::app(&db).await;
        let (cookie, other) = (app.random.token(), app.random.token());
        let browser = Browser { cookie: &cookie, session: None, ip: None };
        let handle = app.authorization_requests.save("client_id=web", browser).await.unwrap();
        assert_eq!(app.authorization_requests.find(&handle, &cookie).await.unwrap().unwrap().query, "client_id=web");
        assert!(app.authorization_requests.find(&handle, &other).await.unwrap().is_none());
        assert!(app.authorization_requests.find(&other, &cookie).await.unwrap().is_none());
        app.wait(LIFETIME);
        assert!(app.authorization_requests.find(&handle, &cookie).await.unwrap().is_none());
    }

    async fn a_clock_that_was_ahead_leaves_nothing_behind(db: TestDb) {
        // SB-50
        let app = testing::app(&db).await;
        app.wait(Duration::from_secs(2 * 86_400));
        let cookie = app.random.token();
        let browser = Browser { cookie: &cookie, session: None, ip: None };
        let handle = app.authorization_requests.save("client_id=web", browser).await.unwrap();
        app.clock.set(BEGINNING);
        assert!(app.authorization_requests.find(&handle, &cookie).await.unwrap().is_none(), "it would wait for two days");
        app.sweeper.sweep().await.unwrap();
        assert_eq!(app.count("SELECT COUNT(*) FROM authorization_requests").await, 0);
    }

    async fn a_replica_whose_clock_is_behind_finds_what_another_stored(db: TestDb) {
        // SB-50
        let app = testing::app(&db).await;
        let cookie = app.random.token();
        let browser = Browser { cookie: &cookie, session: None, ip: None };
        let handle = app.authorization_requests.save("client_id=web", browser).await.unwrap();
        app.clock.set(BEGINNING - Duration::from_secs(5));
        app.sweeper.sweep().await.unwrap();
        assert!(app.authorization_requests.find(&handle, &cookie).await.unwrap().is_some());
    }
}
