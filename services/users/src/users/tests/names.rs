//! User names: given once, not to be mistaken for another, and compared by their skeletons.

use chassis::db::{Db, Engine, Tx};
use chassis::on_engine;
use chassis::shutdown::Shutdown;
use scim::version::IfMatch;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::testing::{app, desired_user, events_of};
use crate::users::*;

/// Adds a person as the version before does.
async fn insert_as_before(tx: &mut Tx, state: &UserState) {
    on_engine!(tx, c => sqlx::query(
        "INSERT INTO people (id, user_name_key, active, version, created_at, updated_at, document)
         VALUES ($1, $2, $3, $4, $5, $5, $6)")
        .bind(state.id)
        .bind(state.user_name.key())
        .bind(state.active)
        .bind(state.version)
        .bind(state.created_at)
        .bind(sqlx::types::Json(state))
        .execute(c).await.map(drop))
    .unwrap();
}

/// Changes a person's user name as the version before does, whatever the name.
async fn give_name(db: &Db, id: Uuid, name: &str) {
    let mut tx = db.begin("test").await.unwrap();
    let mut state = store::lock(&mut tx, id).await.unwrap().unwrap();
    state.user_name = name.parse().unwrap();
    on_engine!(&mut tx, c => sqlx::query("UPDATE people SET user_name_key = $2, document = $3 WHERE id = $1")
        .bind(id)
        .bind(state.user_name.key())
        .bind(sqlx::types::Json(&state))
        .execute(c).await.map(drop))
    .unwrap();
    tx.commit().await.unwrap();
}

/// The skeletons of everybody, in order of ids.
async fn skeletons_of(db: &Db) -> Vec<Option<String>> {
    let mut reader = db.reader().await.unwrap();
    on_engine!(&mut reader, c => sqlx::query_scalar("SELECT user_name_skeleton FROM people ORDER BY id")
        .fetch_all(c).await.unwrap())
}

/// The number of people who wait for a skeleton.
async fn missing(db: &Db) -> i64 {
    const MISSING: &str = "SELECT count(*) FROM people WHERE user_name_skeleton_of IS NULL";
    let mut reader = db.reader().await.unwrap();
    on_engine!(&mut reader, c => sqlx::query_scalar(MISSING).fetch_one(c).await.unwrap())
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn a_user_name_is_given_once_whatever_its_case(db: TestDb) {
        let app = app(&db);
        let mut tasks = JoinSet::new();
        for name in ["ann", "Ann", "ANN", "aNN", "ann", "anN"] {
            let app = app.clone();
            tasks.spawn(async move { app.users.create(desired_user(name)).await });
        }
        let outcomes = tasks.join_all().await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        assert!(outcomes.iter().all(|o| matches!(o, Ok(_) | Err(UserError::NameTaken))));

        let other = app.users.create(desired_user("bob")).await.unwrap().id;
        let refused = app.users.replace(other, &IfMatch::Any, desired_user("aNn")).await;
        assert!(matches!(refused, Err(UserError::NameTaken)), "{refused:?}");
        assert_eq!(events_of(&db, other).await.len(), 1, "a refused change leaves no event");
    }

    async fn of_names_that_look_alike_one_is_given_out(db: TestDb) {
        // SB-49
        let app = app(&db);
        let mut tasks = JoinSet::new();
        // Latin, the same in Cyrillic letters, with digits, in capitals.
        for name in ["solo1", "ѕоӏо1", "solol", "s0lo1", "SOLO1", "solo1"] {
            let (app, draft) = (app.clone(), desired_user(name));
            tasks.spawn(async move { app.users.create(draft).await });
        }
        let outcomes = tasks.join_all().await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
        assert!(outcomes.iter().all(|o| matches!(o, Ok(_) | Err(UserError::NameTaken))), "{outcomes:?}");

        let other = app.users.create(desired_user("bob")).await.unwrap().id;
        let refused = app.users.replace(other, &IfMatch::Any, desired_user("s0l0l")).await;
        assert!(matches!(refused, Err(UserError::NameTaken)), "{refused:?}");
        // One's own name may change into one that looks like it, and leaves the old one to nobody.
        app.users.replace(other, &IfMatch::Any, desired_user("b0b")).await.unwrap();
        assert!(matches!(app.users.create(desired_user("bob")).await, Err(UserError::NameTaken)));
        app.users.replace(other, &IfMatch::Any, desired_user("robert")).await.unwrap();
        app.users.create(desired_user("bob")).await.unwrap();
    }

    async fn names_that_mislead_are_refused_and_those_who_have_one_keep_it(db: TestDb) {
        // SB-49
        let app = app(&db);
        let refused = ["rооt", "root", "Admin", "r00t", "vestibule-admins", "Vestibu1e-Admins", "a<b>", "018f0000-0000-7000-8000-00000000a001"];
        for name in refused {
            let answer = app.users.create(desired_user(name)).await;
            assert!(matches!(&answer, Err(UserError::Invalid(Invalid { field, .. })) if field == "user_name"), "{name}: {answer:?}");
        }
        let ann = app.users.create(desired_user("ann")).await.unwrap().id;
        for name in refused {
            let answer = app.users.replace(ann, &IfMatch::Any, desired_user(name)).await;
            assert!(matches!(&answer, Err(UserError::Invalid(Invalid { field, .. })) if field == "user_name"), "{name}: {answer:?}");
            // As the version before wrote it.
            give_name(&db, ann, name).await;
            let same = DesiredState { active: Some(false), ..desired_user(name) };
            let changed = app.users.replace(ann, &IfMatch::Any, same).await.unwrap();
            assert_eq!((changed.user_name.as_str(), changed.active), (desired_user(name).user_name.as_str(), false));
            app.users.replace(ann, &IfMatch::Any, DesiredState { active: Some(true), ..desired_user("ann") }).await.unwrap();
        }
        let mut tx = db.begin("test").await.unwrap();
        on_engine!(&mut tx, c => sqlx::query("INSERT INTO groups (id, name, name_key, version, created_at) VALUES ($1, 'Sales', 'sales', 1, 0)")
            .bind(Uuid::from_u128(5)).execute(c).await.map(drop)).unwrap();
        tx.commit().await.unwrap();
        let answer = app.users.create(desired_user("sales")).await;
        assert!(matches!(answer, Err(UserError::Invalid(_))), "{answer:?}");
    }

    async fn what_the_version_before_wrote_is_compared_too(db: TestDb) {
        // SB-49: it knows no skeletons.
        let app = app(&db);
        let names = ["ann", "solo", "s0lo", "bob"];
        let mut ids = Vec::new();
        for (name, number) in names.into_iter().zip(1..) {
            let state = desired_user(name).into_state(Uuid::from_u128(number), app.clock.now());
            let mut tx = db.begin("test").await.unwrap();
            insert_as_before(&mut tx, &state).await;
            tx.commit().await.unwrap();
            ids.push(state.id);
        }
        // Before the schedule came round.
        assert!(matches!(app.users.create(desired_user("sol0")).await, Err(UserError::NameTaken)));
        app.users.create(desired_user("zed")).await.unwrap();
        let known = ["ann", "solo", "", "bob", "zed"].map(|name| Some(name.to_owned()).filter(|name| !name.is_empty()));
        assert_eq!(skeletons_of(&db).await, known);
        // Both who collided are changed as ever.
        for (id, name) in [(ids[1], "solo"), (ids[2], "s0lo")] {
            let off = DesiredState { active: Some(false), ..desired_user(name) };
            assert!(!app.users.replace(id, &IfMatch::Any, off).await.unwrap().active);
        }
        // A name that the version before changed: the old one is free, the new one is not.
        give_name(&db, ids[0], "cas").await;
        assert!(app.users.create(desired_user("ca5")).await.is_ok(), "5 and s do not look alike");
        assert!(matches!(app.users.create(desired_user("саѕ")).await, Err(UserError::NameTaken)), "in Cyrillic letters");
        app.users.create(desired_user("ann")).await.unwrap();
    }

    async fn replicas_fill_in_what_is_missing_side_by_side(db: TestDb) {
        let app = app(&db);
        let mut tx = db.begin("test").await.unwrap();
        for number in 1_u128..=60 {
            // Every name twice, in letters that look alike.
            let name = format!("{}{}", if number % 2 == 0 { "solo" } else { "s0l0" }, number.div_ceil(2));
            insert_as_before(&mut tx, &desired_user(&name).into_state(Uuid::from_u128(number), app.clock.now())).await;
        }
        tx.commit().await.unwrap();
        let mut tasks = JoinSet::new();
        for _ in 0..4 {
            let db = app.db.clone();
            tasks.spawn(async move {
                let mut tx = db.begin("test").await.unwrap();
                skeletons::fill(&mut tx).await.unwrap();
                tx.commit().await.unwrap();
            });
        }
        tasks.join_all().await;
        let skeletons = skeletons_of(&db).await;
        for pair in skeletons.chunks(2) {
            assert!(pair[0].is_some() && pair[1].is_none(), "the earlier one has it: {pair:?}");
        }
        assert_eq!(skeletons.len(), 60);
    }

    async fn two_who_are_renamed_right_after_an_upgrade_never_wait_for_each_other(db: TestDb) {
        let app = app(&db);
        for round in 0_u128..20 {
            let ids = [2 * round + 1, 2 * round + 2].map(Uuid::from_u128);
            let mut tx = db.begin("test").await.unwrap();
            for id in ids {
                let state = desired_user(&format!("before{}", id.as_u128())).into_state(id, app.clock.now());
                insert_as_before(&mut tx, &state).await;
            }
            tx.commit().await.unwrap();
            let rename = async |id: Uuid| {
                let to = desired_user(&format!("after{}", id.as_u128()));
                app.users.replace(id, &IfMatch::Any, to).await.unwrap();
            };
            tokio::join!(rename(ids[0]), rename(ids[1]));
        }
    }

    async fn two_replicas_fill_in_many_batches_at_once(db: TestDb) {
        let app = app(&db);
        let mut tx = db.begin("test").await.unwrap();
        for number in 1_u128..=500 {
            // Every name twice, in letters that look alike, far from each other.
            let name = format!("{}{}", if number <= 250 { "solo" } else { "s0l0" }, number % 250);
            let state = desired_user(&name).into_state(Uuid::from_u128(number), app.clock.now());
            insert_as_before(&mut tx, &state).await;
        }
        tx.commit().await.unwrap();
        let shutdown = Shutdown::new();
        let (one, other) = tokio::join!(
            app.users.fill_skeletons(&shutdown),
            app.users.fill_skeletons(&shutdown),
        );
        one.and(other).unwrap();
        // What one had locked at the other's last look.
        app.users.fill_skeletons(&shutdown).await.unwrap();
        let skeletons = skeletons_of(&db).await;
        for (one, other) in skeletons[..250].iter().zip(&skeletons[250..]) {
            assert!(one.is_some() != other.is_some(), "one of the two has it: {one:?}, {other:?}");
        }
        assert_eq!(missing(&db).await, 0);
    }

    async fn a_row_that_is_locked_holds_nobody_up(db: TestDb) {
        // One writer at a time: nothing is ever locked when it is this one's turn.
        if db.engine() == Engine::Sqlite {
            return;
        }
        let app = app(&db);
        let mut tx = db.begin("test").await.unwrap();
        for (name, number) in [("ann", 1), ("bob", 2), ("cas", 3)] {
            let state = desired_user(name).into_state(Uuid::from_u128(number), app.clock.now());
            insert_as_before(&mut tx, &state).await;
        }
        tx.commit().await.unwrap();
        let mut tx = db.begin("test").await.unwrap();
        store::lock(&mut tx, Uuid::from_u128(2)).await.unwrap().unwrap();
        // Ends, though somebody's skeleton is missing still.
        app.users.fill_skeletons(&Shutdown::new()).await.unwrap();
        assert_eq!(missing(&db).await, 1);
        tx.rollback().await.unwrap();
        app.users.fill_skeletons(&Shutdown::new()).await.unwrap();
        assert_eq!(missing(&db).await, 0);
    }
}
