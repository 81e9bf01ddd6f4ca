//! Rows of the first tables of provisioning, and of a drift check under way, after the migrations since.

use chassis::on_engine;
use sqlx::types::Json;
use testkit::migrations_until;
use uuid::Uuid;

use super::super::store::{checks, figures, member_changes, queue, sweeps};
use super::*;

const TARGET: Uuid = Uuid::from_u128(1);
const GROUP: Uuid = Uuid::from_u128(2);
const USER: Uuid = Uuid::from_u128(3);
const NOW: Timestamp = BEGINNING;

/// Writes a target with a user in step, a group that waits, a member that is to be added, and a walk.
async fn seed_first(db: &Db) {
    let mut tx = db.begin("test").await.unwrap();
    on_engine!(&mut tx, c => {
        sqlx::query("INSERT INTO provisioning_targets (id, name, base_url, rules, credentials, credentials_key, credentials_type,
                         position, version, created_at, updated_at)
                     VALUES ($1, 'CRM', 'https://crm.example/scim', $2, $3, 'k1', 'bearer', 7, 1, 0, 0)")
            .bind(TARGET).bind(Json(Rules::default())).bind(&b"sealed"[..]).execute(&mut *c).await.unwrap();
        for (id, kind, state, remote) in [(USER, "user", "in_step", Some("u-1")), (GROUP, "group", "waiting", Some("g-1"))] {
            sqlx::query("INSERT INTO provisioning_resources (target_id, resource_id, kind, state, remote_id, pushed, marks,
                             next_attempt_at, waiting_since)
                         VALUES ($1, $2, $3, $4, $5, $6, 4, 0, 0)")
                .bind(TARGET).bind(id).bind(kind).bind(state).bind(remote).bind(&b"digest"[..])
                .execute(&mut *c).await.unwrap();
        }
        sqlx::query("INSERT INTO provisioning_members (target_id, group_id, member_id, state) VALUES ($1, $2, $3, 'adding')")
            .bind(TARGET).bind(GROUP).bind(USER).execute(&mut *c).await.unwrap();
        sqlx::query("INSERT INTO provisioning_sweeps (target_id, kind, group_id, after_id, scanned, created_at)
                     VALUES ($1, 'users', $2, $3, 5, 0)")
            .bind(TARGET).bind(Uuid::nil()).bind(USER).execute(c).await.unwrap();
    });
    tx.commit().await.unwrap();
}

/// Writes a drift check that has compared a page.
async fn seed_check(db: &Db) {
    let finding = json!([{"finding": "missing", "kind": "user", "resource_id": USER}]);
    let mut tx = db.begin("test").await.unwrap();
    on_engine!(&mut tx, c => {
        sqlx::query("INSERT INTO provisioning_checks (target_id, id, repair, phase, cursor, compared, missing, findings, started_at)
                     VALUES ($1, $2, TRUE, 'groups', 'page-2', 9, 1, $3, $4)")
            .bind(TARGET).bind(Uuid::from_u128(9)).bind(Json(finding)).bind(NOW).execute(&mut *c).await.unwrap();
        sqlx::query("UPDATE provisioning_resources SET seen_by = $1 WHERE resource_id = $2")
            .bind(Uuid::from_u128(9)).bind(USER).execute(c).await.unwrap();
    });
    tx.commit().await.unwrap();
}

testkit::on_both_engines! {
    migrations = [];

    async fn targets_their_queue_and_a_check_under_way_stay_as_they_were(db: TestDb) {
        db.migrate("test", &[&migrations_until(&crate::MIGRATIONS, 1)]).await.unwrap();
        seed_first(&db).await;
        db.migrate("test", &[&migrations_until(&crate::MIGRATIONS, 2)]).await.unwrap();
        seed_check(&db).await;
        db.migrate("test", &[&crate::MIGRATIONS]).await.unwrap();

        let mut reader = db.reader().await.unwrap();
        let target = super::super::store::find(&mut reader, TARGET).await.unwrap().unwrap();
        assert_eq!((target.name.as_str(), target.position, &target.rules.0), ("CRM", 7, &Rules::default()));
        assert_eq!(target.credentials().bytes, b"sealed");
        let due = queue::due(&mut reader, TARGET, (NOW, NOW), 10).await.unwrap();
        let due: Vec<_> = due.iter().map(|it| (it.resource_id, it.remote_id.as_deref(), it.remote_name.as_deref(), it.marks)).collect();
        // It is recognised by its externalId, as before.
        assert_eq!(due, [(GROUP, Some("g-1"), None, 4)]);
        let counts = figures::counts(&mut reader, TARGET).await.unwrap();
        assert_eq!((counts.waiting, counts.in_step, counts.dead), (1, 1, 0));
        let pending = member_changes::pending(&mut reader, (TARGET, GROUP), member_changes::ADDING, Uuid::nil(), 10).await.unwrap();
        assert_eq!(pending.iter().map(|it| (it.member_id, it.remote_id.as_deref())).collect::<Vec<_>>(), [(USER, Some("u-1"))]);
        assert!(member_changes::refused(&mut reader, (TARGET, GROUP), 10).await.unwrap().is_empty());
        let walks = sweeps::of_target(&mut reader, TARGET).await.unwrap();
        assert_eq!(walks.iter().map(|it| (it.kind.as_str(), it.after_id, it.scanned)).collect::<Vec<_>>(), [("users", USER, 5)]);

        let check = checks::find(&mut reader, TARGET).await.unwrap().unwrap();
        assert_eq!((check.phase.as_str(), check.cursor.as_str(), check.compared, check.repair), ("groups", "page-2", 9, true));
        assert_eq!((check.page_done.0.len(), check.not_compared, check.findings.0.len()), (0, 0, 1));
        drop(reader);
        // It goes on: what it saw stays seen, and what is new can be written.
        let mut tx = db.begin("test").await.unwrap();
        let mut check = checks::claim(&mut tx, TARGET, (NOW, NOW + Duration::from_secs(60))).await.unwrap().unwrap();
        check.page_done.0.push("u-1".to_owned());
        assert!(checks::save(&mut tx, &check).await.unwrap());
        tx.commit().await.unwrap();
        let saved = checks::find(&mut db.reader().await.unwrap(), TARGET).await.unwrap().unwrap();
        assert_eq!(saved.page_done.0, ["u-1"]);
    }
}
