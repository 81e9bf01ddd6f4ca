use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use chassis::telemetry::TraceContext;

use super::*;
use crate::relay::{Relay, RelayOptions};
use crate::testing::{Effects, quick};
use crate::testing::{Recorder, THINGS, clock, data, new_id, outbox};
use crate::{Inbox, OutboxError};

#[test]
fn the_partition_of_an_aggregate_never_changes_and_all_are_used() {
    // Written into rows: another answer would let two events of one aggregate overtake each other.
    let known = [
        (0_u128, 12),
        (1, 11),
        (0x0199_aaaa_bbbb_7ccc_8ddd_eeee_ffff_0001, 9),
    ];
    for (id, partition) in known {
        assert_eq!(partition_of(Uuid::from_u128(id)), partition, "{id:x}");
    }
    let used: HashSet<i32> = (0..1000).map(|_| partition_of(new_id())).collect();
    assert_eq!(used, (0..PARTITIONS).collect());
}

testkit::on_both_engines! {
    migrations = [&crate::MIGRATIONS, &THINGS];

    async fn an_aggregate_has_one_event_of_each_version(db: TestDb) {
        let (outbox, id) = (outbox(), new_id());
        let mut tx = db.begin("test").await.unwrap();
        outbox.append(&mut tx, "thing", id, 1, &data(id, 1)).await.unwrap();
        let again = outbox.append(&mut tx, "thing", id, 1, &data(id, 1)).await;
        assert!(matches!(again, Err(OutboxError::Db(DbError::Unique { .. }))));
    }

    async fn events_of_many_aggregates_are_written_in_one_statement_as_one_by_one(db: TestDb) {
        let (outbox, ids) = (outbox(), [new_id(), new_id(), new_id()]);
        let mut tx = db.begin("test").await.unwrap();
        outbox.append(&mut tx, "thing", ids[0], 1, &data(ids[0], 1)).await.unwrap();
        outbox.append(&mut tx, "thing", ids[1], 1, &data(ids[1], 1)).await.unwrap();
        let events = [(ids[0], 2, data(ids[0], 2)), (ids[1], 2, data(ids[1], 2)), (ids[2], 1, data(ids[2], 1))];
        outbox.append_all(&mut tx, "thing", &events).await.unwrap();
        outbox.append_all::<contract::SubjectErased>(&mut tx, "thing", &[]).await.unwrap();
        tx.commit().await.unwrap();
        let mut reader = db.reader().await.unwrap();
        let rows: Vec<(Uuid, i64, String, i32, i32, serde_json::Value)> = chassis::on_engine!(&mut reader, c => sqlx::query_as(
            "SELECT aggregate_id, sequence, type, schema_version, partition, payload FROM outbox ORDER BY number")
            .fetch_all(c).await.unwrap());
        let expected = [(0, 1), (1, 1), (0, 2), (1, 2), (2, 1)].map(|(at, sequence)| (ids[at], sequence));
        assert_eq!(rows.iter().map(|row| (row.0, row.1)).collect::<Vec<_>>(), expected);
        for (id, sequence, kind, schema_version, partition, payload) in &rows {
            assert_eq!((kind, schema_version, partition), (&rows[0].2, &rows[0].3, &partition_of(*id)));
            assert_eq!(*payload, serde_json::to_value(data(*id, *sequence)).unwrap());
        }
        drop(reader);
        let mut tx = db.begin("test").await.unwrap();
        let again = outbox.append_all(&mut tx, "thing", &events).await;
        assert!(matches!(again, Err(OutboxError::Db(DbError::Unique { .. }))));
    }

    async fn the_trace_travels_with_the_event_to_its_effect(db: TestDb) {
        let (outbox, id, trace) = (outbox(), new_id(), TraceContext::root());
        let mut tx = db.begin("test").await.unwrap();
        trace.scope(outbox.append(&mut tx, "thing", id, 1, &data(id, 1))).await.unwrap();
        tx.commit().await.unwrap();
        let transport = Recorder::new(|_| Ok(()));
        let shutdown = chassis::shutdown::Shutdown::new();
        let relay = Relay::new(db.clone(), outbox, transport.clone(), RelayOptions::default());
        shutdown.spawn("relay", relay.run(shutdown.clone()));
        let event = testkit::eventually("the event is published", async || transport.events().pop()).await;
        shutdown.finish(std::time::Duration::from_secs(20)).await.unwrap();
        assert_eq!(event.traceparent, Some(trace.to_string()));

        let seen = Arc::new(Mutex::new(None));
        let note = Arc::clone(&seen);
        let handler = Effects::new(move |_| {
            *note.lock().unwrap() = TraceContext::current();
            Ok(())
        });
        let inbox = Inbox::new("tests", db.clone(), clock(), handler, quick());
        inbox.deliver(&[event], None).await.unwrap();
        let seen = seen.lock().unwrap().expect("the handler works as part of a trace");
        assert_eq!(seen.trace_id(), trace.trace_id());
    }
}
