//! Tests of deleted users: hidden at once, restored as they were, erased when their time is over.

mod erasure;
mod races;

use chassis::clock::{Clock, ManualClock};
use chassis::db::Db;
use chassis::on_engine;
use events::{Snapshot, Span};
use scim::version::IfMatch;
use serde_json::json;
use tokio::join;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::erase::CONFIRMED_AFTER;
use super::*;
use crate::app::SharedApp;
use crate::config::ScimConfig;
use crate::groups::{self, MemberRef};
use crate::registrations::Decision;
use crate::testing::{
    app_with_grace, app_with_grace_and_attributes, desired_group, desired_user, events_of, requested,
};
use crate::users::{DesiredState, Found, UsersSnapshot, find, has_tombstone, total};

const DAY: Duration = Duration::from_secs(86_400);

async fn create(app: &SharedApp, name: &str) -> UserId {
    app.users.create(desired_user(name)).await.unwrap().id
}

async fn delete(app: &SharedApp, id: UserId) {
    app.users.delete(id, &IfMatch::Any).await.unwrap();
}

async fn restore(app: &SharedApp, id: UserId, name: Option<&str>) -> Result<UserState, UserError> {
    let name = name.map(|name| name.parse().unwrap());
    app.deleted_users.restore(id, name).await
}

async fn sweep(app: &SharedApp) {
    app.users
        .erase_due(&chassis::shutdown::Shutdown::new())
        .await
        .unwrap();
}

async fn is_there(db: &Db, id: UserId) -> bool {
    find(&mut db.reader().await.unwrap(), id).await.unwrap().is_some()
}

async fn is_hidden(db: &Db, id: UserId) -> bool {
    exists(&mut db.reader().await.unwrap(), id).await.unwrap()
}

async fn is_erased(db: &Db, id: UserId) -> bool {
    has_tombstone(&mut db.reader().await.unwrap(), id).await.unwrap()
}

/// The types of the events of a user; the sequence has no gap.
async fn kinds(db: &Db, id: UserId) -> Vec<String> {
    let events = events_of(db, id).await;
    let sequences: Vec<i64> = events.iter().map(|(_, sequence)| *sequence).collect();
    let all: Vec<i64> = (1..=i64::try_from(events.len()).unwrap()).collect();
    assert_eq!(sequences, all);
    let short = |kind: &str| {
        kind.trim_start_matches("vestibule.user.")
            .trim_end_matches(".v1")
            .to_owned()
    };
    events.iter().map(|(kind, _)| short(kind)).collect()
}

async fn count(db: &Db, statement: &'static str) -> i64 {
    let mut reader = db.reader().await.unwrap();
    on_engine!(&mut reader, c => sqlx::query_scalar(statement).fetch_one(c).await.unwrap())
}

async fn group(app: &SharedApp, name: &str, member: UserId) -> GroupId {
    let member = MemberRef {
        id: member,
        kind: None,
    };
    let desired = desired_group(name, Some(vec![member]));
    app.groups.create(desired).await.unwrap().id
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn a_deleted_user_is_hidden_at_once_and_the_name_is_free(db: TestDb) {
        let (app, _) = app_with_grace(&db, 30);
        let ann = create(&app, "ann").await;
        delete(&app, ann).await;
        assert!(!is_there(&db, ann).await && is_hidden(&db, ann).await && !is_erased(&db, ann).await);
        assert!(matches!(app.users.delete(ann, &IfMatch::Any).await, Err(UserError::NotFound)));
        assert!(matches!(app.users.find_when_created(ann).await.unwrap(), Found::Deleted));
        assert_eq!(total::read(&mut db.reader().await.unwrap()).await.unwrap(), 0);
        assert_eq!(count(&db, "SELECT count(*) FROM user_values").await, 0);
        assert_ne!(create(&app, "ann").await, ann);
        assert_eq!(kinds(&db, ann).await, ["created", "deactivated"]);
        let known = app.registrations.register(requested(ann.as_u128(), "ann")).await.unwrap();
        assert!(matches!(known, Decision::Gone), "{known:?}");
    }

    async fn consumers_see_a_deleted_user_as_deactivated_until_the_erasure(db: TestDb) {
        let (app, _) = app_with_grace(&db, 30);
        let (ann, bob) = (create(&app, "ann").await, create(&app, "bob").await);
        delete(&app, ann).await;
        let mut reader = db.reader().await.unwrap();
        let page = UsersSnapshot.page(&mut reader, None, 10).await.unwrap();
        let mut told: Vec<_> = page.states.iter().map(|state| (state.aggregate_id, state.kind, state.sequence)).collect();
        told.sort_by_key(|(_, kind, _)| *kind);
        assert_eq!(told, [(ann, "vestibule.user.deactivated.v1", 2), (bob, "vestibule.user.updated.v1", 1)]);
        let of_ann = page.states.iter().find(|state| state.aggregate_id == ann).unwrap();
        let state: UserState = serde_json::from_str(of_ann.data.get()).unwrap();
        assert_eq!((state.active, state.deleted_at), (false, Some(app.clock.now())));
        let everything = Span { after: Uuid::nil(), through: Uuid::max() };
        let versions = UsersSnapshot.versions(&mut reader, everything, 10).await.unwrap();
        let versions: Vec<_> = versions.iter().map(|version| (version.id, version.version)).collect();
        assert_eq!(versions, if ann < bob { [(ann, 2), (bob, 1)] } else { [(bob, 1), (ann, 2)] });
        let asked = UsersSnapshot.states(&mut reader, &[ann]).await.unwrap();
        assert_eq!((asked[0].kind, asked[0].sequence), ("vestibule.user.deactivated.v1", 2));
        drop(reader);
        app.users.erase(ann).await.unwrap();
        let asked = UsersSnapshot.states(&mut db.reader().await.unwrap(), &[ann]).await.unwrap();
        assert_eq!((asked.len(), asked[0].kind, asked[0].sequence), (1, "vestibule.user.deleted.v1", 3));
    }

    async fn a_restored_user_is_as_before_in_the_groups_that_are_still_there(db: TestDb) {
        let (app, _) = app_with_grace(&db, 30);
        let ann = app.users.create(DesiredState { locale: Some("fr".to_owned()), ..desired_user("ann") }).await.unwrap().id;
        let (kept, gone) = (group(&app, "archers", ann).await, group(&app, "bakers", ann).await);
        delete(&app, ann).await;
        assert_eq!(count(&db, "SELECT count(*) FROM group_members").await, 0);
        app.groups.delete(gone, &IfMatch::Any).await.unwrap();
        let restored = restore(&app, ann, None).await.unwrap();
        assert_eq!(restored.locale.as_deref(), Some("fr"));
        assert_eq!((restored.group_ids, restored.groups), (Some(vec![kept]), vec!["archers".to_owned()]));
        assert!(restored.active && restored.deleted_at.is_none());
        let mut reader = db.reader().await.unwrap();
        assert_eq!(groups::with_member(&mut reader, ann).await.unwrap(), [kept]);
        assert_eq!(total::read(&mut reader).await.unwrap(), 1);
        drop(reader);
        assert!(is_there(&db, ann).await && !is_hidden(&db, ann).await);
        assert_eq!(kinds(&db, ann).await, ["created", "updated", "updated", "deactivated", "reactivated"]);
        assert!(matches!(restore(&app, ann, None).await, Err(UserError::NotFound)));
        assert!(count(&db, "SELECT count(*) FROM user_values").await > 0, "the index has the user again");
    }

    async fn who_was_disabled_before_is_disabled_after(db: TestDb) {
        let (app, _) = app_with_grace(&db, 30);
        let off = DesiredState { active: Some(false), ..desired_user("ann") };
        let ann = app.users.create(off).await.unwrap().id;
        delete(&app, ann).await;
        assert!(!restore(&app, ann, None).await.unwrap().active);
        assert_eq!(kinds(&db, ann).await, ["created", "deactivated", "updated"]);
    }

    async fn whose_name_is_taken_comes_back_under_another_one(db: TestDb) {
        let (app, _) = app_with_grace(&db, 30);
        let ann = create(&app, "ann").await;
        delete(&app, ann).await;
        create(&app, "ANN").await;
        create(&app, "bob").await;
        for name in [None, Some("Bob"), Some("b0b"), Some("vestibule-admins"), Some("root")] {
            let refused = restore(&app, ann, name).await;
            assert!(matches!(refused, Err(UserError::NameTaken | UserError::Invalid(_))), "{name:?}: {refused:?}");
            assert!(is_hidden(&db, ann).await && !is_there(&db, ann).await, "{name:?}");
        }
        let restored = restore(&app, ann, Some("Anna")).await.unwrap();
        assert_eq!(restored.user_name.as_str(), "Anna");
        assert_eq!(kinds(&db, ann).await, ["created", "deactivated", "reactivated"]);
    }

    async fn a_value_that_is_unique_is_free_and_hinders_the_restoration_when_it_is_taken(db: TestDb) {
        let scim: ScimConfig = serde_json::from_value(json!({
            "attributes": [{"name": "badgeNumber", "type": "integer", "uniqueness": "server"}],
        })).unwrap();
        let (app, _) = app_with_grace_and_attributes(&db, 30, &scim);
        let badge = |name: &str| DesiredState {
            attributes: [(scim::schema::CONFIGURED_USER.to_owned(), json!({"badgeNumber": 7}))].into(),
            ..desired_user(name)
        };
        let ann = app.users.create(badge("ann")).await.unwrap().id;
        delete(&app, ann).await;
        let bob = app.users.create(badge("bob")).await.unwrap().id;
        let refused = restore(&app, ann, None).await;
        assert!(matches!(&refused, Err(UserError::Scim(error)) if error.detail.contains("badgeNumber")), "{refused:?}");
        delete(&app, bob).await;
        restore(&app, ann, None).await.unwrap();
    }

    async fn after_a_restoration_who_was_deleted_is_deleted_again_and_can_be_restored(db: TestDb) {
        let (app, _) = app_with_grace(&db, 30);
        let (ann, bob, cas) = (create(&app, "ann").await, create(&app, "bob").await, Uuid::from_u128(7));
        delete(&app, bob).await;
        let now = app.clock.now();
        let noted = events::restore::Restoration { taken_at: now, restored_at: now, keep_sessions: false };
        let mut tx = db.begin("test").await.unwrap();
        events::restore::note_in(&mut tx, &noted).await.unwrap();
        events::restore::note_deleted_in(&mut tx, &[ann, bob, cas]).await.unwrap();
        tx.commit().await.unwrap();
        for _ in 0..2 {
            app.restore.after_restore().await.unwrap();
            assert!(is_hidden(&db, ann).await && is_hidden(&db, bob).await && is_erased(&db, cas).await);
        }
        let last = |events: Vec<(String, i64)>| events.last().unwrap().clone();
        let (kind, version) = last(events_of(&db, bob).await);
        assert_eq!((kind.as_str(), version), ("vestibule.user.deactivated.v1", 2 + noted.raises_by()));
        assert_eq!(last(events_of(&db, ann).await).0, "vestibule.user.deactivated.v1");
        let restored = restore(&app, bob, None).await.unwrap();
        assert_eq!(restored.version, 3 + noted.raises_by());
        restore(&app, ann, None).await.unwrap();
    }
}

#[test]
fn a_grace_period_is_counted_in_days() {
    let clock = ManualClock::new(Timestamp::from_secs(0));
    assert_eq!(
        GracePeriod::of_days(30).ends(clock.now()),
        Timestamp::from_secs(30 * 86_400)
    );
    assert!(GracePeriod::of_days(0).is_none());
}
