//! Tests of pushed authorization requests: one client, one use, limits and lifetimes, on both engines.

use super::*;
use crate::authorization_requests::{Browser, LIFETIME, NewRequest};
use crate::row_counts::MAX_AGE;
use crate::testing::{self, BEGINNING, TestApp};

const QUERY: &str = "client_id=web&scope=openid";

/// A request of a client with a secret.
fn of(client_id: &str) -> PushedRequest<'_> {
    PushedRequest {
        client_id,
        unauthenticated: None,
        query: QUERY,
    }
}

/// A request of a public client, from the address 10.0.0.`host`.
fn from(client_id: &str, host: u8) -> PushedRequest<'_> {
    let ip = IpAddr::from([10, 0, 0, host]);
    PushedRequest {
        unauthenticated: Some(Some(ip)),
        ..of(client_id)
    }
}

async fn use_up(app: &TestApp, reference: &TokenHash, handle: Option<&Token>) -> bool {
    let mut tx = app.db.begin("test").await.unwrap();
    let used = use_pushed(&mut tx, reference.as_bytes(), handle).await.unwrap();
    tx.commit().await.unwrap();
    used
}

async fn stored(app: &TestApp) -> i64 {
    app.count("SELECT COUNT(*) FROM pushed_authorization_requests")
        .await
}

async fn unused(app: &TestApp, reference: &Token) -> bool {
    let found = app
        .authorization_requests
        .find_pushed(&reference.hash(), "web")
        .await;
    found.unwrap().is_some()
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn a_pushed_request_is_for_its_client_and_for_ninety_seconds(db: TestDb) {
        // RFC 9126 §2.2, §4
        let app = testing::app(&db).await;
        let requests = &app.authorization_requests;
        let reference = requests.push(of("web")).await.unwrap();
        assert_eq!(requests.find_pushed(&reference.hash(), "web").await.unwrap().as_deref(), Some(QUERY));
        assert_eq!(requests.find_pushed(&reference.hash(), "other").await.unwrap(), None);
        app.wait(PUSHED_LIFETIME - Duration::from_secs(1));
        assert!(unused(&app, &reference).await);
        app.wait(Duration::from_secs(1));
        assert!(!unused(&app, &reference).await);
    }

    async fn one_of_many_that_come_at_once_uses_it(db: TestDb) {
        // RFC 9126 §7.3
        let app = testing::app(&db).await;
        let requests = &app.authorization_requests;
        let reference = requests.push(of("web")).await.unwrap();
        let handles: Vec<_> = (0..20).map(|_| app.random.token()).collect();
        let hash = reference.hash();
        let uses = handles.iter().map(|handle| use_up(&app, &hash, Some(handle)));
        let direct = (0..20).map(|_| use_up(&app, &hash, None));
        let (of_handles, direct) = tokio::join!(
            futures_util::future::join_all(uses),
            futures_util::future::join_all(direct),
        );
        let used = of_handles.into_iter().chain(direct).filter(|used| *used).count();
        assert_eq!(used, 1);
        assert!(!unused(&app, &reference).await);
    }

    async fn a_double_click_uses_it_twice_and_nobody_else_does(db: TestDb) {
        let app = testing::app(&db).await;
        let requests = &app.authorization_requests;
        let hash = requests.push(of("web")).await.unwrap().hash();
        let (handle, other) = (app.random.token(), app.random.token());
        for (handle, expected) in [(Some(&handle), true), (Some(&handle), true), (Some(&other), false), (None, false)] {
            assert_eq!(use_up(&app, &hash, handle).await, expected, "{handle:?}");
        }
    }

    async fn a_request_that_was_saved_in_time_is_used_after_its_push_has_expired(db: TestDb) {
        let app = testing::app(&db).await;
        let requests = &app.authorization_requests;
        let hash = requests.push(of("web")).await.unwrap().hash();
        app.wait(PUSHED_LIFETIME - Duration::from_secs(1));
        let cookie = app.random.token();
        let browser = Browser { cookie: &cookie, session: None, ip: None };
        let new = NewRequest { query: QUERY, pushed: Some(hash.as_bytes()) };
        let handle = requests.save(new, browser).await.unwrap();
        app.wait(LIFETIME - Duration::from_secs(1));
        app.sweeper.sweep().await.unwrap();
        let saved = requests.find(&handle, &cookie).await.unwrap().unwrap();
        assert_eq!(saved.pushed.as_deref(), Some(hash.as_bytes()));
        assert!(use_up(&app, &hash, Some(&handle)).await);
        app.wait(Duration::from_secs(1));
        app.sweeper.sweep().await.unwrap();
        assert_eq!(stored(&app).await, 0);
    }

    async fn a_client_has_so_many_places_and_those_that_were_used_are_free(db: TestDb) {
        let app = testing::app_set(&db, &[("AUTHORIZATION__PUSHED_PER_CLIENT", "3")]).await;
        let requests = &app.authorization_requests;
        let mut last = None;
        for _ in 0..3 {
            last = Some(requests.push(of("web")).await.unwrap());
        }
        assert!(matches!(requests.push(of("web")).await, Err(SaveError::Full)));
        assert!(requests.push(of("other")).await.is_ok());
        let hash = last.unwrap().hash();
        assert!(use_up(&app, &hash, None).await);
        app.wait(MAX_AGE);
        assert!(requests.push(of("web")).await.is_ok());
        assert!(matches!(requests.push(of("web")).await, Err(SaveError::Full)));
        app.wait(PUSHED_LIFETIME);
        assert!(requests.push(of("web")).await.is_ok());
    }

    async fn one_address_does_not_take_the_places_of_other_people(db: TestDb) {
        // SB-43: anybody can push in the name of a public client.
        let settings = [("AUTHORIZATION__WAITING_PER_SOURCE", "40"), ("AUTHORIZATION__PUSHED_PER_CLIENT", "80")];
        let app = testing::app_set(&db, &settings).await;
        let requests = &app.authorization_requests;
        for _ in 0..40 {
            requests.push(from("spa", 1)).await.unwrap();
        }
        assert!(matches!(requests.push(from("spa", 1)).await, Err(SaveError::Full)));
        assert!(matches!(requests.push(from("other", 1)).await, Err(SaveError::Full)), "for whatever client");
        // The address of a client with a secret is that of its server.
        requests.push(of("web")).await.unwrap();
        // The last quarter of the places of a client is not for addresses that have many.
        let mut taken = 0;
        while requests.push(from("spa", 2)).await.is_ok() {
            taken += 1;
        }
        assert_eq!(taken, 20);
        requests.push(from("spa", 3)).await.unwrap();
    }

    async fn the_number_of_stored_requests_is_limited_whether_they_are_used_or_not(db: TestDb) {
        let settings = [("AUTHORIZATION__PUSHED_PER_CLIENT", "3"), ("AUTHORIZATION__PUSHED_IN_ALL", "8")];
        let app = testing::app_set(&db, &settings).await;
        let requests = &app.authorization_requests;
        for _ in 0..8 {
            let hash = requests.push(of("web")).await.unwrap().hash();
            assert!(use_up(&app, &hash, None).await);
            app.wait(MAX_AGE);
        }
        assert!(matches!(requests.push(of("other")).await, Err(SaveError::Full)));
        app.wait(PUSHED_LIFETIME + SWEEP_MARGIN);
        app.sweeper.sweep().await.unwrap();
        assert_eq!(stored(&app).await, 0);
        assert!(requests.push(of("other")).await.is_ok());
    }

    async fn a_clock_that_was_ahead_leaves_no_pushed_request_behind(db: TestDb) {
        // SB-50
        let app = testing::app(&db).await;
        app.wait(Duration::from_secs(2 * 86_400));
        let reference = app.authorization_requests.push(of("web")).await.unwrap();
        app.clock.set(BEGINNING);
        assert!(!unused(&app, &reference).await);
        app.sweeper.sweep().await.unwrap();
        assert_eq!(stored(&app).await, 0);
    }
}
