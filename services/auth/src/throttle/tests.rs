//! Tests of the throttle: delays, reservations and sweeping.

use std::time::Duration;

use chassis::clock::{Clock, Timestamp};

use super::limit::{MAX_DELAY, MAX_SOURCE_DELAY, SOURCE_RESETS_AFTER};
use super::*;
use crate::testing::{TestApp, app, app_with, settings_with};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const DAY: Duration = Duration::from_secs(24 * 3600);

fn tally(failures: i64) -> Option<Tally> {
    Some(Tally {
        failures,
        failed_at: NOW,
        tried_at: NOW,
    })
}

#[test]
fn the_delay_grows_from_a_second_to_a_quarter_of_an_hour_and_then_stays() {
    // SB-7
    let wait = |failures| Limit::ACCOUNT.delay_left(tally(failures), NOW);
    assert_eq!(wait(4), None);
    assert_eq!(wait(5), Some(Duration::from_secs(1)));
    assert_eq!(wait(6), Some(Duration::from_secs(2)));
    assert_eq!(wait(14), Some(Duration::from_secs(512)));
    assert_eq!(wait(15), Some(MAX_DELAY));
    assert_eq!(wait(99), Some(MAX_DELAY));
    assert_eq!(wait(i64::MAX), Some(MAX_DELAY));
    let later = |seconds| Limit::ACCOUNT.delay_left(tally(7), NOW + Duration::from_secs(seconds));
    assert_eq!(later(3), Some(Duration::from_secs(1)));
    assert_eq!(later(4), None);
    assert!(Limit::ACCOUNT.is_exhausted(tally(100)) && !Limit::ACCOUNT.is_exhausted(tally(99)));
    assert_eq!(Limit::DAILY.delay_left(tally(1), NOW), Some(DAY));
}

#[test]
fn a_hundred_failures_take_most_of_a_day() {
    // SB-7
    let all: Duration = (0..100)
        .filter_map(|failures| Limit::ACCOUNT.delay_left(tally(failures), NOW))
        .sum();
    assert!(all > Duration::from_secs(20 * 3600), "{all:?}");
}

#[test]
fn a_source_may_be_many_people_and_is_forgiven() {
    // SB-7
    let wait = |failures, later| Limit::source(100).delay_left(tally(failures), NOW + later);
    assert_eq!(wait(100, Duration::ZERO), None);
    assert_eq!(wait(101, Duration::ZERO), Some(Duration::from_secs(1)));
    assert_eq!(wait(100_000, Duration::ZERO), Some(MAX_SOURCE_DELAY));
    assert_eq!(wait(100_000, SOURCE_RESETS_AFTER), None);
}

#[test]
fn an_ipv6_subscriber_is_one_source_and_a_network_has_one_guess_a_day() {
    let key = |ip: &str| Key::source(Some(ip.parse().unwrap()));
    assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9"));
    assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
    assert_eq!(key("192.0.2.1"), key("::ffff:192.0.2.1"));
    assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
    assert_ne!(Key::account("x"), Key::device("x"));
    let daily = |ip: &str| Key::daily("ann", Some(ip.parse().unwrap()));
    assert_eq!(daily("192.0.2.1"), daily("192.0.2.200"));
    assert_ne!(daily("192.0.2.1"), daily("192.0.3.1"));
    assert_eq!(daily("2001:db8:1:2::1"), daily("2001:db8:1:ffff::1"));
    assert_ne!(daily("2001:db8:1:2::1"), daily("2001:db8:2:2::1"));
}

async fn reserve(app: &TestApp, key: &Key, limit: Limit) -> Result<Reservation, ReserveError> {
    app.throttle
        .reserve(vec![Admission::unread(key.clone(), limit)])
        .await
}

async fn tally_of(app: &TestApp, key: &Key) -> Option<Tally> {
    let mut reader = app.db.reader().await.unwrap();
    store::find(&mut reader, key).await.unwrap()
}

/// Writes a counter as a clock did that was `ahead`.
async fn written_ahead(test: &TestApp, key: &Key, failures: i64, ahead: Duration) {
    let at = test.clock.now() + ahead;
    let mut tx = test.db.begin("test").await.unwrap();
    for _ in 0..failures {
        store::count(&mut tx, key, Limit::ACCOUNT, at).await.unwrap();
    }
    tx.commit().await.unwrap();
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    // SB-46
    async fn the_statement_admits_as_the_rule_says(db: TestDb) {
        let test = app(&db).await;
        let daily = Key::daily("ann", None);
        for (key, limit) in [
            (Key::account("ann"), Limit::ACCOUNT),
            (Key::source(None), Limit::source(2)),
            (daily, Limit::DAILY),
        ] {
            for failures in 1..20 {
                reserve(&test, &key, limit).await.unwrap();
                let delay = limit.delay(failures);
                if delay.is_zero() {
                    continue;
                }
                let early = reserve(&test, &key, limit).await;
                assert!(
                    matches!(early, Err(ReserveError::Throttled { retry_after }) if retry_after == delay),
                    "{failures}: {early:?}"
                );
                test.wait(delay - Duration::from_micros(1));
                assert!(reserve(&test, &key, limit).await.is_err(), "{failures}");
                test.wait(Duration::from_micros(1));
            }
        }
    }

    // SB-46
    async fn of_guesses_at_once_as_many_are_admitted_as_one_after_the_other(db: TestDb) {
        let test = app(&db).await;
        let key = Key::account("ann");
        let outcomes = futures_util::future::join_all((0..66).map(|_| reserve(&test, &key, Limit::ACCOUNT))).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 5);
        assert_eq!(tally_of(&test, &key).await.unwrap().failures, 5);
    }

    // SB-46
    async fn what_is_given_back_leaves_no_trace_and_what_a_dead_process_took_is_one_failure(db: TestDb) {
        let test = app(&db).await;
        let key = Key::source(None);
        let limit = Limit::source(0);
        drop(reserve(&test, &key, limit).await.unwrap());
        assert!(reserve(&test, &key, limit).await.is_err());
        test.wait(Duration::from_secs(1));
        let guess = reserve(&test, &key, limit).await.unwrap();
        test.throttle.release(guess).await.unwrap();
        assert_eq!(tally_of(&test, &key).await.unwrap().failures, 1);
        let guess = reserve(&test, &key, limit).await.unwrap();
        test.throttle.settle(guess, true).await.unwrap();
        assert_eq!(tally_of(&test, &key).await.unwrap().failures, 2);
        test.wait(SOURCE_RESETS_AFTER + Duration::from_secs(1));
        drop(reserve(&test, &key, limit).await.unwrap());
        assert_eq!(tally_of(&test, &key).await.unwrap().failures, 1, "an hour forgives");
    }

    // SB-50
    async fn a_clock_that_went_back_keeps_nobody_out_for_longer_than_the_longest_delay(db: TestDb) {
        let test = app(&db).await;
        for (key, limit, longest) in [
            (Key::account("ann"), Limit::ACCOUNT, MAX_DELAY),
            (Key::source(None), Limit::source(2), MAX_SOURCE_DELAY),
        ] {
            written_ahead(&test, &key, 30, DAY * 2).await;
            let outcome = reserve(&test, &key, limit).await;
            assert!(
                matches!(outcome, Err(ReserveError::Throttled { retry_after }) if retry_after <= longest),
                "{outcome:?}"
            );
            test.wait(longest);
            assert!(reserve(&test, &key, limit).await.is_ok());
        }
        let few = Key::account("bob");
        written_ahead(&test, &few, 2, Duration::from_millis(5)).await;
        assert!(reserve(&test, &few, Limit::ACCOUNT).await.is_ok(), "clocks of replicas differ a little");
    }

    // SB-7
    async fn counters_are_swept_and_a_hundred_failures_after_a_year(db: TestDb) {
        let test = app(&db).await;
        for (name, failures) in [("ann", 3), ("bob", MAX_FAILURES)] {
            written_ahead(&test, &Key::account(name), failures, Duration::ZERO).await;
        }
        let left = async || {
            test.sweeper.sweep().await.unwrap();
            test.count("SELECT COUNT(*) FROM throttles").await
        };
        test.wait(COUNTER_RETENTION + Duration::from_secs(1));
        assert_eq!(left().await, 1);
        test.wait(EXHAUSTED_COUNTER_RETENTION - COUNTER_RETENTION - Duration::from_secs(2));
        assert_eq!(left().await, 1);
        test.wait(Duration::from_secs(2));
        assert_eq!(left().await, 0);
    }

    // SB-8
    async fn a_source_that_asks_too_often_waits(db: TestDb) {
        let settings = settings_with(&[("THROTTLE__SOURCE_FAILURES", "2")]);
        let test = app(&db).await;
        let (app, clock) = app_with(&db, settings, test.users.clone()).await;
        let here = Some("192.0.2.1".parse().unwrap());
        for _ in 0..3 {
            let guess = app.throttle.reserve_source(here).await.unwrap();
            app.throttle.settle(guess, true).await.unwrap();
        }
        let refused = app.throttle.reserve_source(here).await;
        assert!(matches!(refused, Err(ReserveError::Throttled { retry_after }) if retry_after == Duration::from_secs(1)));
        assert!(app.throttle.reserve_source(Some("192.0.2.2".parse().unwrap())).await.is_ok());
        clock.advance(Duration::from_secs(1));
        assert!(app.throttle.reserve_source(here).await.is_ok());
    }
}
