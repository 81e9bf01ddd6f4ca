//! Tests of groups: members and their states, names, deletion.

mod nesting;

use chassis::on_engine;
use chassis::shutdown::Shutdown;
use contract::UserState;
use scim::version::IfMatch;
use serde_json::Value;
use testkit::TestDb;
use tokio::task::JoinSet;

use super::*;
use crate::app::SharedApp;
use crate::authority::Authority;
use crate::testing::{app, desired_group, desired_user, events_of};
use crate::users::UserError;

pub(super) fn desired(name: &str, members: &[Uuid]) -> DesiredGroup {
    desired_group(name, Some(refs(members)))
}

fn refs(ids: &[Uuid]) -> Vec<MemberRef> {
    ids.iter().map(|id| MemberRef { id: *id, kind: None }).collect()
}

fn adding(ids: &[Uuid]) -> MemberEdit {
    MemberEdit {
        add: refs(ids),
        ..MemberEdit::default()
    }
}

fn removing(ids: &[Uuid]) -> MemberEdit {
    MemberEdit {
        remove: ids.to_vec(),
        ..MemberEdit::default()
    }
}

async fn people<const N: usize>(app: &SharedApp) -> [Uuid; N] {
    let mut ids = [Uuid::nil(); N];
    for (number, id) in ids.iter_mut().enumerate() {
        *id = app
            .users
            .create(desired_user(&format!("person{number}")))
            .await
            .unwrap()
            .id;
    }
    ids.sort_unstable();
    ids
}

async fn user(app: &SharedApp, id: Uuid) -> UserState {
    crate::users::find(&mut app.db.reader().await.unwrap(), id)
        .await
        .unwrap()
        .unwrap()
}

/// The data of the last event of an aggregate.
async fn last_event(db: &TestDb, id: Uuid) -> Value {
    const LAST: &str =
        "SELECT CAST(payload AS TEXT) FROM outbox WHERE aggregate_id = $1 ORDER BY sequence DESC LIMIT 1";
    let mut reader = db.reader().await.unwrap();
    let text: String =
        on_engine!(&mut reader, c => sqlx::query_scalar(LAST).bind(id).fetch_one(c).await.unwrap());
    serde_json::from_str(&text).unwrap()
}

async fn change_members(app: &SharedApp, id: Uuid, members: MemberEdit) -> Result<Group, GroupError> {
    let edit = GroupEdit {
        members,
        ..GroupEdit::default()
    };
    app.groups
        .change(&Authority::EVERYBODY, id, &IfMatch::Any, edit)
        .await
}

async fn refreshed(app: &SharedApp) {
    app.groups.refresh(&Shutdown::new()).await.unwrap();
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn membership_is_in_the_state_of_the_member_and_in_its_event(db: TestDb) {
        let app = app(&db);
        let [ann, bob] = people(&app).await;
        let group = app.groups.create(desired("Archers", &[ann])).await.unwrap();
        let state = user(&app, ann).await;
        assert_eq!((state.version, &state.groups), (2, &vec!["Archers".to_owned()]));
        assert_eq!(state.group_ids, Some(vec![group.id]));
        assert_eq!(last_event(&db, ann).await, serde_json::to_value(&state).unwrap());
        assert_eq!(events_of(&db, group.id).await, [("vestibule.group.created.v1".to_owned(), 1)]);

        let changed = change_members(&app, group.id, adding(&[ann, bob])).await.unwrap();
        assert_eq!((changed.version, changed.revision), (1, 2), "the state of a group has no members");
        assert_eq!((user(&app, ann).await.version, user(&app, bob).await.version), (2, 2));
        let same = change_members(&app, group.id, adding(&[ann, bob])).await.unwrap();
        assert_eq!(same.revision, 2, "what changes nothing is no change");
        change_members(&app, group.id, removing(&[ann, Uuid::from_u128(9)])).await.unwrap();
        assert_eq!(user(&app, ann).await.group_ids, Some(Vec::new()));
        assert_eq!(events_of(&db, ann).await.len(), 3);
        let only = MemberEdit { replace: true, ..adding(&[ann]) };
        change_members(&app, group.id, only).await.unwrap();
        assert_eq!(user(&app, bob).await.groups, Vec::<String>::new());
        assert_eq!(user(&app, ann).await.groups, ["Archers"]);
    }

    async fn a_refused_change_of_members_writes_nothing(db: TestDb) {
        let app = app(&db);
        let [ann] = people(&app).await;
        let group = app.groups.create(desired("Archers", &[])).await.unwrap();
        let nobody = change_members(&app, group.id, adding(&[ann, Uuid::from_u128(9)])).await;
        assert!(matches!(&nobody, Err(GroupError::Invalid(invalid)) if invalid.field == "members"), "{nobody:?}");
        let wrong = MemberRef { id: group.id, kind: Some(MemberKind::User) };
        let edit = MemberEdit { add: vec![wrong], ..MemberEdit::default() };
        assert!(matches!(change_members(&app, group.id, edit).await, Err(GroupError::Invalid(_))));
        let many: Vec<Uuid> = (0..=MAX_MEMBER_CHANGES as u128).map(Uuid::from_u128).collect();
        assert!(matches!(change_members(&app, group.id, removing(&many)).await, Err(GroupError::TooManyChanges)));
        let old = app.groups.change(&Authority::EVERYBODY, group.id, &IfMatch::OneOf(vec![9]), GroupEdit::default()).await;
        assert!(matches!(old, Err(GroupError::Changed)));
        assert_eq!(user(&app, ann).await.version, 1);
        assert_eq!(find(&mut db.reader().await.unwrap(), group.id).await.unwrap().unwrap(), group);
    }

    async fn a_name_is_unique_among_groups_and_users_whatever_its_case(db: TestDb) {
        let app = app(&db);
        people::<1>(&app).await;
        let group = app.groups.create(desired("Archers", &[])).await.unwrap();
        for taken in ["ARCHERS", "Person0", "Vestibule-Admins", "vestibule-\u{430}dmins"] {
            let refused = app.groups.create(desired(taken, &[])).await;
            assert!(matches!(refused, Err(GroupError::NameTaken)), "{taken}: {refused:?}");
        }
        let refused = app.users.create(desired_user("archers")).await;
        assert!(matches!(refused, Err(UserError::Invalid(_))));
        let other = app.groups.create(desired("Sales team", &[])).await.unwrap();
        assert!(matches!(app.groups.replace(&Authority::EVERYBODY, other.id, &IfMatch::Any, desired("archers", &[])).await, Err(GroupError::NameTaken)));
        let spelled = app.groups.replace(&Authority::EVERYBODY, group.id, &IfMatch::Any, desired("ARCHERS", &[])).await.unwrap();
        assert_eq!((spelled.name.as_str(), spelled.version), ("ARCHERS", 2));
        app.groups.delete(group.id, &IfMatch::Any).await.unwrap();
        app.groups.create(desired("archers", &[])).await.unwrap();
    }

    async fn of_a_user_and_groups_that_want_a_name_at_once_one_gets_it(db: TestDb) {
        let app = app(&db);
        for round in 0..6 {
            let name = format!("name{round}");
            let mut tasks = JoinSet::new();
            for number in 0..6 {
                let (app, name) = (app.clone(), name.clone());
                tasks.spawn(async move {
                    match number % 2 {
                        0 => app.users.create(desired_user(&name)).await.is_ok(),
                        _ => app.groups.create(desired(&name.to_uppercase(), &[])).await.is_ok(),
                    }
                });
            }
            let got = tasks.join_all().await.into_iter().filter(|got| *got).count();
            assert_eq!(got, 1, "{name}");
        }
    }

    async fn the_group_of_the_administrators_stays_and_keeps_its_name(db: TestDb) {
        let app = app(&db);
        let mut tx = db.begin("test").await.unwrap();
        let admins = find_by_name(&mut tx, ADMINISTRATORS).await.unwrap().unwrap();
        drop(tx);
        assert!(matches!(app.groups.delete(admins, &IfMatch::Any).await, Err(GroupError::BuiltIn)));
        let renamed = app.groups.replace(&Authority::EVERYBODY, admins, &IfMatch::Any, desired("others", &[])).await;
        assert!(matches!(renamed, Err(GroupError::BuiltIn)));
    }

    async fn a_deleted_group_is_gone_at_once_and_from_its_members_states_afterwards(db: TestDb) {
        let app = app(&db);
        let ids = people::<3>(&app).await;
        let child = app.groups.create(desired("child", &[])).await.unwrap();
        let members: Vec<Uuid> = ids.iter().copied().chain([child.id]).collect();
        let group = app.groups.create(desired("Archers", &members)).await.unwrap();
        let stays = app.groups.create(desired("stays", &ids)).await.unwrap();
        app.groups.delete(group.id, &IfMatch::OneOf(vec![group.revision])).await.unwrap();
        assert_eq!(events_of(&db, group.id).await.pop().unwrap(), ("vestibule.group.deleted.v1".to_owned(), 2));
        assert!(find(&mut db.reader().await.unwrap(), group.id).await.unwrap().is_none());
        assert_eq!(user(&app, ids[0]).await.version, 3, "the deletion does not wait for the members");
        let again = app.groups.create(desired("archers", &ids)).await.unwrap();
        assert_ne!(again.id, group.id);

        refreshed(&app).await;
        let mut expected = vec![stays.id, again.id];
        expected.sort_unstable();
        for id in ids {
            assert_eq!(user(&app, id).await.group_ids, Some(expected.clone()));
        }
        assert_eq!(last_event(&db, child.id).await["parents"], serde_json::json!([]));
        assert_eq!(events_of(&db, child.id).await.len(), 3);
        let before = events_of(&db, ids[0]).await.len();
        refreshed(&app).await;
        assert_eq!(events_of(&db, ids[0]).await.len(), before);
    }

    async fn the_states_of_all_members_get_a_new_name_batch_by_batch(db: TestDb) {
        let app = app(&db);
        let mut ids = Vec::new();
        for number in 0..205 {
            ids.push(app.users.create(desired_user(&format!("person{number}"))).await.unwrap().id);
        }
        let group = app.groups.create(desired("before", &ids)).await.unwrap();
        let named = DesiredGroup { members: None, ..desired("after", &[]) };
        app.groups.replace(&Authority::EVERYBODY, group.id, &IfMatch::Any, named).await.unwrap();
        refreshed(&app).await;
        for id in ids {
            assert_eq!(user(&app, id).await.groups, ["after"]);
        }
    }

    async fn members_that_two_add_and_remove_at_once_are_what_the_events_say(db: TestDb) {
        let app = app(&db);
        let ids = people::<4>(&app).await;
        let (one, two) = (
            app.groups.create(desired("one", &[])).await.unwrap().id,
            app.groups.create(desired("two", &[])).await.unwrap().id,
        );
        let mut tasks = JoinSet::new();
        for number in 0..12 {
            let (app, group) = (app.clone(), if number % 2 == 0 { one } else { two });
            let mut ids = ids.to_vec();
            ids.rotate_left(number % 4);
            let edit = if number % 3 == 0 { removing(&ids) } else { adding(&ids) };
            tasks.spawn(async move { change_members(&app, group, edit).await.map(drop) });
        }
        for outcome in tasks.join_all().await {
            outcome.unwrap();
        }
        for id in ids {
            let groups = with_member(&mut db.reader().await.unwrap(), id).await.unwrap();
            assert_eq!(user(&app, id).await.group_ids, Some(groups));
            assert_eq!(last_event(&db, id).await, serde_json::to_value(user(&app, id).await).unwrap());
        }
    }
}
