//! Tests of the snapshot of users and groups, and of the start after a restoration.

use std::collections::BTreeMap;

use chassis::on_engine;
use events::{Snapshot, Span};
use scim::version::IfMatch;
use serde_json::Value;
use testkit::TestDb;
use uuid::Uuid;

use super::*;
use crate::groups::{DesiredGroup, MemberRef};
use crate::testing::{app, desired_group, desired_user};

type Newest = BTreeMap<Uuid, (i64, bool, Value)>;

fn deleted(kind: &str) -> bool {
    kind.ends_with(".deleted.v1")
}

/// The newest event of each aggregate in the outbox.
async fn published(db: &TestDb) -> Newest {
    const ALL: &str =
        "SELECT aggregate_id, sequence, type, CAST(payload AS TEXT) FROM outbox ORDER BY sequence";
    let mut reader = db.reader().await.unwrap();
    let rows: Vec<(Uuid, i64, String, String)> =
        on_engine!(&mut reader, c => sqlx::query_as(ALL).fetch_all(c).await.unwrap());
    let newest = rows.into_iter().map(|(id, sequence, kind, data)| {
        (
            id,
            (sequence, deleted(&kind), serde_json::from_str(&data).unwrap()),
        )
    });
    newest.collect()
}

/// The whole snapshot, in pages of two.
async fn snapshot(db: &TestDb) -> Newest {
    let (mut reader, mut cursor, mut newest) = (db.reader().await.unwrap(), None::<String>, Newest::new());
    loop {
        let page = DirectorySnapshot
            .page(&mut reader, cursor.as_deref(), 2)
            .await
            .unwrap();
        assert!(page.states.len() <= 2);
        newest.extend(page.states.into_iter().map(|state| {
            let data = serde_json::from_str(state.data.get()).unwrap();
            (state.aggregate_id, (state.sequence, deleted(state.kind), data))
        }));
        match page.next {
            Some(next) => {
                assert!(DirectorySnapshot.is_cursor(&next));
                cursor = Some(next);
            }
            None => return newest,
        }
    }
}

async fn directory(db: &TestDb) -> crate::app::SharedApp {
    let app = app(db);
    let ann = app.users.create(desired_user("ann")).await.unwrap().id;
    let gone = app.users.create(desired_user("bob")).await.unwrap().id;
    let desired = |name: &str, members: &[Uuid]| DesiredGroup {
        external_id: Some(name.to_owned()),
        ..desired_group(
            name,
            Some(
                members
                    .iter()
                    .map(|id| MemberRef { id: *id, kind: None })
                    .collect(),
            ),
        )
    };
    let child = app
        .groups
        .create(desired("child", &[ann, gone]))
        .await
        .unwrap()
        .id;
    app.groups.create(desired("parent", &[child, ann])).await.unwrap();
    let short = app
        .groups
        .create(desired("short", &[ann, child]))
        .await
        .unwrap()
        .id;
    app.users.delete(gone, &IfMatch::Any).await.unwrap();
    app.groups.delete(short, &IfMatch::Any).await.unwrap();
    app
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn who_reads_the_snapshot_knows_what_the_events_said(db: TestDb) {
        directory(&db).await;
        let (published, mut snapshot) = (published(&db).await, snapshot(&db).await);
        // The group that was there from the first migration on was never published.
        let (version, gone, first) = snapshot.remove(&Uuid::from_u128(0x7000_8000_0000_0000_0001)).unwrap();
        assert_eq!((version, gone, &first["display_name"]), (1, false, &"vestibule-admins".into()));
        assert_eq!(published, snapshot);
    }

    async fn the_versions_are_those_of_the_snapshot_in_the_order_of_ids(db: TestDb) {
        directory(&db).await;
        let expected: Vec<(Uuid, i64)> = snapshot(&db).await.into_iter().map(|(id, (version, ..))| (id, version)).collect();
        let (mut reader, mut found, mut after) = (db.reader().await.unwrap(), Vec::new(), Uuid::nil());
        loop {
            let span = Span { after, through: Uuid::max() };
            let page = DirectorySnapshot.versions(&mut reader, span, 2).await.unwrap();
            found.extend(page.iter().map(|version| (version.id, version.version)));
            match page.last() {
                Some(last) if page.len() == 2 => after = last.id,
                _ => break,
            }
        }
        assert_eq!(found, expected);
        let ids: Vec<Uuid> = expected.iter().map(|(id, _)| *id).collect();
        assert_eq!(DirectorySnapshot.states(&mut reader, &ids).await.unwrap().len(), ids.len());
    }

    async fn after_a_restoration_everything_is_published_with_higher_versions(db: TestDb) {
        let app = directory(&db).await;
        let before = snapshot(&db).await;
        let now = app.clock.now();
        let noted = events::restore::Restoration { taken_at: now, restored_at: now, keep_sessions: false };
        let mut tx = db.begin("test").await.unwrap();
        events::restore::note_in(&mut tx, &noted).await.unwrap();
        tx.commit().await.unwrap();
        app.restore.after_restore().await.unwrap();
        let (published, snapshot) = (published(&db).await, snapshot(&db).await);
        assert_eq!(published, snapshot);
        for (id, (version, ..)) in before {
            assert!(snapshot[&id].0 >= version + noted.raises_by(), "{id}");
        }
    }
}
