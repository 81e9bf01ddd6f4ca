mod desired_states;
mod names;

use events::Snapshot;
use scim::version::IfMatch;
use serde_json::json;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::store::RowChanges;
use super::*;
use crate::testing::{app, desired_user, events_of};

/// A change of no indexed value.
const UNCHANGED: RowChanges<'static> = RowChanges {
    removed: Vec::new(),
    added: Vec::new(),
};

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn a_person_is_found_under_any_spelling_of_the_name(db: TestDb) {
        let app = app(&db);
        let made = app.users.create(desired_user("Ann.Example")).await.unwrap();
        let mut reader = db.reader().await.unwrap();
        let found = store::find_by_key(&mut reader, "ann.example").await.unwrap().unwrap();
        assert_eq!(found, made);
        assert_eq!(found.user_name.as_str(), "Ann.Example");
        assert_eq!(found.version, 1);
    }

    async fn every_change_raises_the_version_and_writes_its_event(db: TestDb) {
        let app = app(&db);
        let id = app.users.create(desired_user("ann")).await.unwrap().id;
        let with = |active, name: &str| DesiredState { active: Some(active), ..desired_user(name) };
        for wanted in [with(true, "anna"), with(false, "anna"), with(true, "anna"), with(true, "ANNA")] {
            app.users.replace(id, &IfMatch::Any, wanted).await.unwrap();
        }
        // What changes nothing is no change.
        app.users.replace(id, &IfMatch::Any, with(true, "ANNA")).await.unwrap();
        app.users.delete(id, &IfMatch::Any).await.unwrap();
        let expected = ["created", "updated", "deactivated", "reactivated", "updated", "deleted"];
        let expected: Vec<(String, i64)> = expected
            .iter()
            .zip(1_i64..)
            .map(|(change, sequence)| (format!("vestibule.user.{change}.v1"), sequence))
            .collect();
        assert_eq!(events_of(&db, id).await, expected);
    }

    async fn a_change_under_an_old_version_is_refused(db: TestDb) {
        let app = app(&db);
        let id = app.users.create(desired_user("ann")).await.unwrap().id;
        let first = IfMatch::OneOf(vec![1]);
        let mut tasks = JoinSet::new();
        for number in 0..6 {
            let (app, first) = (app.clone(), first.clone());
            tasks.spawn(async move { app.users.replace(id, &first, desired_user(&format!("ann{number}"))).await });
        }
        let outcomes = tasks.join_all().await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        assert!(outcomes.iter().all(|o| matches!(o, Ok(_) | Err(UserError::Changed))));
        assert!(matches!(app.users.delete(id, &first).await, Err(UserError::Changed)));
        assert_eq!(events_of(&db, id).await.len(), 2);
    }

    async fn raced_changes_without_a_condition_are_all_made_one_after_the_other(db: TestDb) {
        let app = app(&db);
        let id = app.users.create(desired_user("ann")).await.unwrap().id;
        let mut tasks = JoinSet::new();
        for number in 0..6 {
            let app = app.clone();
            let patch = json!({"attributes": {format!("k{number}"): number}});
            let patch = Patch::from_json(patch, app.registry.users()).unwrap();
            tasks.spawn(async move { app.users.patch_own(id, &IfMatch::Any, patch).await });
        }
        assert!(tasks.join_all().await.iter().all(Result::is_ok));
        let mut reader = db.reader().await.unwrap();
        let state = store::find(&mut reader, id).await.unwrap().unwrap();
        assert_eq!((state.version, state.attributes.len()), (7, 6));
    }

    async fn a_refused_change_writes_nothing(db: TestDb) {
        let app = app(&db);
        let id = app.users.create(desired_user("ann")).await.unwrap().id;
        let bad = DesiredState { locale: Some("x".repeat(65)), ..desired_user("ann") };
        let refused = app.users.replace(id, &IfMatch::Any, bad).await;
        assert!(matches!(refused, Err(UserError::Invalid(Invalid { ref field, .. })) if field == "locale"));
        let nobody = app.users.replace(Uuid::from_u128(7), &IfMatch::Any, desired_user("x")).await;
        assert!(matches!(nobody, Err(UserError::NotFound)));
        assert_eq!(events_of(&db, id).await.len(), 1);
    }

    async fn a_locale_from_before_its_form_was_checked_hinders_nobody(db: TestDb) {
        let app = app(&db);
        let ann = app.users.create(desired_user("ann")).await.unwrap();
        let mut tx = db.begin("test").await.unwrap();
        let old = UserState { locale: Some("x".repeat(70)), version: 2, ..ann.clone() };
        store::update(&mut tx, &old, &UNCHANGED).await.unwrap();
        tx.commit().await.unwrap();
        let desired = |locale: &str| DesiredState { locale: Some(locale.to_owned()), ..desired_user("anna") };
        let refused = app.users.replace(ann.id, &IfMatch::Any, desired(&"y".repeat(70))).await;
        assert!(matches!(refused, Err(UserError::Invalid(_))));
        let changed = app.users.replace(ann.id, &IfMatch::Any, desired(&"x".repeat(70))).await.unwrap();
        assert_eq!(changed.user_name.as_str(), "anna");
    }

    async fn a_deleted_person_leaves_the_id_and_nothing_else(db: TestDb) {
        let app = app(&db);
        let id = app.users.create(desired_user("ann")).await.unwrap().id;
        app.users.delete(id, &IfMatch::Any).await.unwrap();
        let mut reader = db.reader().await.unwrap();
        assert!(store::has_tombstone(&mut reader, id).await.unwrap());
        assert_eq!(store::find(&mut reader, id).await.unwrap(), None);
        assert!(matches!(app.users.delete(id, &IfMatch::Any).await, Err(UserError::NotFound)));
        // The name is free again, for somebody else.
        assert_ne!(app.users.create(desired_user("ann")).await.unwrap().id, id);
    }

    async fn an_attribute_from_before_its_name_was_guarded_hinders_nobody(db: TestDb) {
        // SB-35
        let app = app(&db);
        let id = app.users.create(desired_user("ann")).await.unwrap().id;
        let patch = json!({"attributes": {"USERNAME": "x"}});
        let refused = Patch::from_json(patch, app.registry.users()).unwrap_err();
        assert_eq!(refused.field, "attributes.USERNAME");
        let mut tx = db.begin("test").await.unwrap();
        let mut state = store::lock(&mut tx, id).await.unwrap().unwrap();
        state.attributes.insert("USERNAME".to_owned(), json!("x"));
        state.version += 1;
        store::update(&mut tx, &state, &UNCHANGED).await.unwrap();
        tx.commit().await.unwrap();
        let patch = Patch::from_json(json!({"locale": "fr"}), app.registry.users()).unwrap();
        let changed = app.users.patch_own(id, &IfMatch::Any, patch).await.unwrap();
        assert_eq!(changed.attributes["USERNAME"], "x");
    }

    async fn a_deactivated_person_changes_nothing_of_themselves(db: TestDb) {
        // SB-15
        let app = app(&db);
        let id = app.users.create(desired_user("ann")).await.unwrap().id;
        let off = DesiredState { active: Some(false), ..desired_user("ann") };
        app.users.replace(id, &IfMatch::Any, off).await.unwrap();
        let patch = Patch::from_json(json!({"locale": "fr"}), app.registry.users()).unwrap();
        let refused = app.users.patch_own(id, &IfMatch::Any, patch).await;
        assert!(matches!(refused, Err(UserError::NotFound)));
        // A replacement that does not say "active" wakes nobody.
        let silent = DesiredState { active: None, ..desired_user("ann2") };
        assert!(!app.users.replace(id, &IfMatch::Any, silent).await.unwrap().active);
    }

    async fn whom_the_replaced_database_had_deleted_is_deleted_again(db: TestDb) {
        let app = app(&db);
        let (ann, eve) = (app.users.create(desired_user("ann")).await.unwrap().id, app.users.create(desired_user("eve")).await.unwrap().id);
        let now = app.clock.now();
        let noted = events::restore::Restoration { taken_at: now, restored_at: now, keep_sessions: false };
        let mut tx = db.begin("test").await.unwrap();
        events::restore::note_in(&mut tx, &noted).await.unwrap();
        events::restore::note_erased_in(&mut tx, &[eve]).await.unwrap();
        tx.commit().await.unwrap();
        for _ in 0..2 {
            app.restore.after_restore().await.unwrap();
            let mut reader = db.reader().await.unwrap();
            assert!(find(&mut reader, ann).await.unwrap().is_some());
            assert!(find(&mut reader, eve).await.unwrap().is_none() && has_tombstone(&mut reader, eve).await.unwrap());
        }
        let (last, _) = events_of(&db, eve).await.pop().unwrap();
        assert_eq!(last, "vestibule.user.deleted.v1");
    }

    async fn a_snapshot_tells_of_everybody_and_of_those_who_are_gone(db: TestDb) {
        let app = app(&db);
        for number in 0..4 {
            app.users.create(desired_user(&format!("person{number}"))).await.unwrap();
        }
        let off = app.users.create(desired_user("off")).await.unwrap().id;
        app.users.replace(off, &IfMatch::Any, DesiredState { active: Some(false), ..desired_user("off") }).await.unwrap();
        let mut reader = db.reader().await.unwrap();
        let mut told = Vec::new();
        let mut place = None;
        let mut deleted = None;
        loop {
            let page = UsersSnapshot.page(&mut reader, place.as_deref(), 2).await.unwrap();
            told.extend(page.states.into_iter().map(|state| (state.kind, state.aggregate_id, state.sequence)));
            if deleted.is_none() {
                // Somebody who was told of already is deleted between two pages.
                let id = told.iter().map(|(_, id, _)| *id).find(|id| *id != off).unwrap();
                app.users.delete(id, &IfMatch::Any).await.unwrap();
                deleted = Some(id);
            }
            match page.next {
                Some(next) => place = Some(next),
                None => break,
            }
        }
        let count = |kind: &str| told.iter().filter(|(known, ..)| *known == kind).count();
        assert_eq!(count("vestibule.user.updated.v1"), 4);
        assert_eq!(told.iter().filter(|(_, id, _)| *id == off).count(), 1);
        assert!(told.contains(&("vestibule.user.deactivated.v1", off, 2)));
        assert_eq!(told.last(), Some(&("vestibule.user.deleted.v1", deleted.unwrap(), 2)));
    }
}
