use std::time::Duration;

use chassis::clock::Timestamp;

use super::*;
use crate::testing::{app, app_with, settings_with};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

fn tally(failures: i64) -> Tally {
    Tally {
        failures,
        failed_at: NOW,
    }
}

#[test]
fn the_delay_grows_from_a_second_to_a_quarter_of_an_hour_and_then_stays() {
    // SB-7
    let wait = |failures| tally(failures).account_wait(NOW);
    assert_eq!(wait(4), None);
    assert_eq!(wait(5), Some(Duration::from_secs(1)));
    assert_eq!(wait(6), Some(Duration::from_secs(2)));
    assert_eq!(wait(14), Some(Duration::from_secs(512)));
    assert_eq!(wait(15), Some(LONGEST));
    assert_eq!(wait(99), Some(LONGEST));
    assert_eq!(wait(100), Some(CLOSED));
    assert_eq!(
        tally(7).account_wait(NOW + Duration::from_secs(3)),
        Some(Duration::from_secs(1))
    );
    assert_eq!(tally(7).account_wait(NOW + Duration::from_secs(4)), None);
}

#[test]
fn a_hundred_failures_take_most_of_a_day() {
    // SB-7
    let all: Duration = (0..100)
        .filter_map(|failures| tally(failures).account_wait(NOW))
        .sum();
    assert!(all > Duration::from_secs(20 * 3600), "{all:?}");
}

#[test]
fn a_source_may_be_many_people_and_is_forgiven() {
    // SB-7
    let wait = |failures, later| tally(failures).source_wait(100, NOW + later);
    assert_eq!(wait(100, Duration::ZERO), None);
    assert_eq!(wait(101, Duration::ZERO), Some(Duration::from_secs(1)));
    assert_eq!(wait(100_000, Duration::ZERO), Some(LONGEST_SOURCE));
    assert_eq!(wait(100_000, SOURCE_MEMORY), None);
}

#[test]
fn an_ipv6_subscriber_is_one_source() {
    let key = |ip: &str| Key::source(Some(ip.parse().unwrap()));
    assert_eq!(key("2001:db8:1:2::1"), key("2001:db8:1:2:ffff::9"));
    assert_ne!(key("2001:db8:1:2::1"), key("2001:db8:1:3::1"));
    assert_eq!(key("192.0.2.1"), key("::ffff:192.0.2.1"));
    assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
    assert_ne!(Key::account("x"), Key::device("x"));
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn a_source_that_asks_too_often_waits(db: TestDb) {
        // SB-8
        let settings = settings_with(&[("THROTTLE__SOURCE_FAILURES", "2")]);
        let test = app(&db).await;
        let (app, clock) = app_with(&db, settings, test.users.clone()).await;
        let here = Some("192.0.2.1".parse().unwrap());
        for _ in 0..2 {
            assert_eq!(source_wait(&app, here).await.unwrap(), None);
            count_source(&app, here).await.unwrap();
        }
        count_source(&app, here).await.unwrap();
        assert_eq!(source_wait(&app, here).await.unwrap(), Some(Duration::from_secs(1)));
        assert_eq!(source_wait(&app, Some("192.0.2.2".parse().unwrap())).await.unwrap(), None);
        clock.advance(Duration::from_secs(1));
        assert_eq!(source_wait(&app, here).await.unwrap(), None);
    }
}
