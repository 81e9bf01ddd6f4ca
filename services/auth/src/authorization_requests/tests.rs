//! Tests of saved authorization requests: limits, lifetime and clock skew.

use std::time::Duration;

use super::store::{NewRequestRow, PendingLimits};
use super::*;
use crate::testing::{self, BEGINNING, TestApp};
use crate::throttle::Key;

const LIMITS: PendingLimits = PendingLimits {
    per_source: 5,
    total: 8,
};

async fn insert(app: &TestApp, ip: &str) -> bool {
    insert_within(app, ip, LIMITS).await
}

async fn insert_within(app: &TestApp, ip: &str, limits: PendingLimits) -> bool {
    let (handle, browser) = (app.random.token(), app.random.token());
    let now = app.app.clock.now();
    let row = NewRequestRow {
        handle: &handle.hash(),
        browser: &browser.hash(),
        session: None,
        source: &Key::subscriber(Some(ip.parse().unwrap())),
        query: "client_id=web",
        now,
        expires_at: now + LIFETIME,
    };
    let mut tx = app.db.begin("test").await.unwrap();
    let stored = store::insert(&mut tx, &row, limits).await.unwrap();
    tx.commit().await.unwrap();
    stored
}

fn stored(outcomes: &[bool]) -> usize {
    outcomes.iter().filter(|stored| **stored).count()
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn those_that_come_at_once_share_the_places(db: TestDb) {
        // SB-16
        let app = testing::app(&db).await;
        let one = futures_util::future::join_all((0..20).map(|_| insert(&app, "192.0.2.1"))).await;
        assert_eq!(stored(&one), 5, "of one source");
        let others = (0..20).map(|host| format!("198.51.100.{host}"));
        let many = futures_util::future::join_all(others.map(async |ip| insert(&app, &ip).await)).await;
        assert_eq!(stored(&many), 3, "in all");
        app.wait(LIFETIME);
        assert!(insert(&app, "192.0.2.1").await, "what is over takes no place");
    }

    async fn a_few_sources_leave_places_to_others(db: TestDb) {
        // SB-16
        let app = testing::app(&db).await;
        let limits = PendingLimits { per_source: 100, total: 80 };
        let mut counts = [0; 2];
        for number in 0..90 {
            // All /64s of one subscriber are one source.
            for (count, ip) in counts.iter_mut().zip([format!("2001:db8:1:{number}::1"), "192.0.2.1".to_owned()]) {
                if number >= 20 || ip.contains(':') {
                    *count += usize::from(insert_within(&app, &ip, limits).await);
                }
            }
        }
        assert!(counts.iter().sum::<usize>() <= 60, "two sources take three quarters: {counts:?}");
        for other in 0..20 {
            assert!(insert_within(&app, &format!("198.51.100.{other}"), limits).await, "{other}");
        }
        assert!(!insert_within(&app, "198.51.100.99", limits).await, "in all");
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
