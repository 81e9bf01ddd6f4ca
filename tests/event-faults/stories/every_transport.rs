//! One fault test for each transport and engine.

use chassis::db::Engine;
use faults::driver::{Broker, RoundTotals, Transport, WorldShape, each_once, round};

/// Faults at random, in each test.
const AT_RANDOM: u64 = 15;

/// `VESTIBULE_FAULTS_SEED`, or always the same.
fn seed() -> u64 {
    match std::env::var("VESTIBULE_FAULTS_SEED") {
        Ok(seed) => seed.parse().expect("VESTIBULE_FAULTS_SEED is a number"),
        Err(_) => 1,
    }
}

fn assert_no_violation(tally: &RoundTotals) {
    let findings: Vec<&str> = tally
        .findings
        .iter()
        .map(|(_, finding)| finding.as_str())
        .collect();
    assert!(
        findings.is_empty(),
        "VESTIBULE_FAULTS_SEED={}: {findings:#?}",
        seed()
    );
    assert!(
        tally.acknowledged > 20,
        "only {} changes: the writers did not come to anything",
        tally.acknowledged
    );
    assert!(
        tally.applied + tally.snapshots >= tally.acknowledged / 2,
        "{tally:?}"
    );
}

async fn story(transport: Transport, engine: Engine) {
    let broker = Broker::start(transport).await.unwrap();
    let shape = WorldShape::on(engine, seed());
    assert_no_violation(&each_once(shape, &broker).await.unwrap());
    let tally = round(shape, &broker, AT_RANDOM).await.unwrap();
    assert_eq!(tally.count(), AT_RANDOM);
    assert_no_violation(&tally);
}

macro_rules! stories {
    ($($name:ident: $transport:ident;)+) => {$(
        mod $name {
            use super::*;

            #[test]
            fn nothing_is_lost_doubled_or_reordered_on_sqlite() {
                testkit::block_on(story(Transport::$transport, Engine::Sqlite));
            }

            #[test]
            fn nothing_is_lost_doubled_or_reordered_on_postgres() {
                testkit::block_on(story(Transport::$transport, Engine::Postgres));
            }
        }
    )+};
}

stories! {
    feed: Feed;
    kafka: Kafka;
    rabbitmq: Rabbitmq;
}
