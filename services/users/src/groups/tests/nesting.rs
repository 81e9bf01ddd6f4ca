//! Tests of groups in groups: circles, levels, and who administers.

use contract::MAX_GROUP_LEVELS;

use super::*;

async fn nest(app: &SharedApp, parent: Uuid, group: Uuid) -> Result<Group, GroupError> {
    change_members(app, parent, adding(&[group])).await
}

async fn make(app: &SharedApp, name: &str) -> Uuid {
    app.groups.create(desired(name, &[])).await.unwrap().id
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn a_nested_group_has_its_parents_in_its_state(db: TestDb) {
        let app = app(&db);
        let (child, parent) = (make(&app, "child").await, make(&app, "parent").await);
        nest(&app, parent, child).await.unwrap();
        assert_eq!(last_event(&db, child).await["parents"], serde_json::json!([parent]));
        assert_eq!(events_of(&db, child).await.len(), 2);
        assert_eq!(events_of(&db, parent).await.len(), 1, "the state of the parent is the same");
        change_members(&app, parent, MemberEdit { replace: true, ..MemberEdit::default() }).await.unwrap();
        assert_eq!(last_event(&db, child).await["parents"], serde_json::json!([]));
    }

    async fn no_group_is_above_itself(db: TestDb) {
        let app = app(&db);
        let (a, b, c) = (make(&app, "a").await, make(&app, "b").await, make(&app, "c").await);
        nest(&app, a, b).await.unwrap();
        nest(&app, b, c).await.unwrap();
        for (parent, group) in [(a, a), (b, a), (c, a)] {
            assert!(matches!(nest(&app, parent, group).await, Err(GroupError::Invalid(_))), "{parent} {group}");
        }
        // A deleted group is in no circle.
        app.groups.delete(b, &IfMatch::Any).await.unwrap();
        nest(&app, c, a).await.unwrap();
    }

    async fn of_nestings_that_make_a_circle_together_one_is_refused(db: TestDb) {
        let app = app(&db);
        for round in 0..6 {
            let mut ring = Vec::new();
            for number in 0..4 {
                ring.push(make(&app, &format!("group{round}-{number}")).await);
            }
            let mut tasks = JoinSet::new();
            for (number, group) in ring.iter().copied().enumerate() {
                let (app, parent) = (app.clone(), ring[(number + 1) % 4]);
                tasks.spawn(async move { nest(&app, parent, group).await });
            }
            let outcomes = tasks.join_all().await;
            let refused = outcomes.iter().filter(|it| matches!(it, Err(GroupError::Invalid(_)))).count();
            assert_eq!((refused, outcomes.iter().filter(|it| it.is_ok()).count()), (1, 3), "{outcomes:?}");
        }
    }

    async fn levels_have_an_end_from_above_and_from_below(db: TestDb) {
        let app = app(&db);
        let mut chain = vec![make(&app, "level0").await];
        for level in 1..=MAX_GROUP_LEVELS {
            let group = make(&app, &format!("level{level}")).await;
            nest(&app, *chain.last().unwrap(), group).await.unwrap();
            chain.push(group);
        }
        let more = make(&app, "more").await;
        for (parent, group) in [(*chain.last().unwrap(), more), (more, chain[0])] {
            assert!(matches!(nest(&app, parent, group).await, Err(GroupError::Invalid(_))));
        }
        nest(&app, more, chain[1]).await.unwrap();
    }

    async fn who_is_in_a_group_of_administrators_administers(db: TestDb) {
        let app = app(&db);
        let [ann, bob] = people(&app).await;
        let mut tx = db.begin("test").await.unwrap();
        let admins = find_by_name(&mut tx, ADMINISTRATORS).await.unwrap().unwrap();
        drop(tx);
        let staff = app.groups.create(desired("staff", &[ann])).await.unwrap().id;
        let night = app.groups.create(desired("night shift", &[staff])).await.unwrap().id;
        let administers = async |id| is_administrator(&mut db.reader().await.unwrap(), id).await.unwrap();
        assert!(!administers(ann).await);
        nest(&app, admins, night).await.unwrap();
        assert!(administers(ann).await && !administers(bob).await);
        app.groups.delete(night, &IfMatch::Any).await.unwrap();
        assert!(!administers(ann).await, "at once, not when the states were written");
    }
}
