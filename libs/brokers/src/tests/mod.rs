//! The contract tests of the transports, on both engines: one body of tests, and a world for each transport to run them in.

mod contract;
mod contract_of_brokers;
mod worlds;

use events::testing::THINGS;
use events::transport::{Broker, SubscriptionError};
use worlds::Kafka;
use worlds::{Feed, Rabbitmq};

/// A second database of the same engine.
async fn fresh(db: &chassis::db::Db) -> testkit::TestDb {
    testkit::of_engine(db.engine(), &[&events::MIGRATIONS, &THINGS]).await
}

/// Subscribes as a service does, which tries again when brokers are busy with themselves: after their start, or when the
/// machine stood still for a moment.
pub(super) async fn place<B: Broker>(broker: &B, begun: bool) -> Result<B::Subscription, SubscriptionError> {
    testkit::eventually("the broker answers", async || {
        match broker.subscribe(begun).await {
            Err(SubscriptionError::Away(_)) => None,
            answer => Some(answer),
        }
    })
    .await
}

/// Makes the tests `MODULE::TEST::sqlite` and `MODULE::TEST::postgres` of the bodies in `contract`.
macro_rules! contract {
    ($module:ident, $world:ty, $bodies:ident: $($test:ident)+) => {
        mod $module {
            use super::*;

            testkit::on_both_engines! {
                migrations = [&events::MIGRATIONS, &THINGS];

                $(async fn $test(db: TestDb) {
                    Box::pin($bodies::$test::<$world>(db)).await;
                })+
            }
        }
    };
}

macro_rules! everyone {
    ($module:ident, $world:ty) => {
        contract!($module, $world, contract:
            everything_is_applied_once_in_order_whoever_writes
            a_newcomer_begins_with_the_snapshot_and_goes_on
            two_replicas_share_the_work_and_one_takes_over
        );
    };
}

macro_rules! broker {
    ($module:ident, $world:ty) => {
        contract!($module, $world, contract_of_brokers:
            an_event_arrives_with_all_that_it_says
            what_was_applied_and_not_settled_comes_again_and_changes_nothing
            what_is_no_event_is_kept_and_the_rest_goes_on
            what_may_not_be_made_is_asked_for_by_name
        );
    };
}

everyone!(feed, Feed);
everyone!(kafka, Kafka);
broker!(kafka_as_broker, Kafka);
everyone!(rabbitmq, Rabbitmq);
broker!(rabbitmq_as_broker, Rabbitmq);
