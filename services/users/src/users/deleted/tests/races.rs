//! Tests of what happens to a deleted user at once, raced on both engines.

use super::*;

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn a_deletion_and_a_restoration_at_once_leave_the_user_in_one_place(db: TestDb) {
        let (app, _) = app_with_grace(&db, 30);
        let ann = create(&app, "ann").await;
        for _ in 0..10 {
            delete(&app, ann).await;
            let (deleted, one, other) = join!(
                app.users.delete(ann, &IfMatch::Any), restore(&app, ann, None), restore(&app, ann, None),
            );
            let restored = [&one, &other].iter().filter(|outcome| outcome.is_ok()).count();
            let is_there = is_there(&db, ann).await;
            assert_ne!(is_there, is_hidden(&db, ann).await);
            // Deleted before or between, the user was restored once more than deleted, or as often.
            assert_eq!(is_there, restored == 1 + usize::from(deleted.is_ok()), "{deleted:?} {one:?} {other:?}");
            if !is_there {
                restore(&app, ann, None).await.unwrap();
            }
        }
        kinds(&db, ann).await;
        assert_eq!(total::read(&mut db.reader().await.unwrap()).await.unwrap(), 1);
    }

    async fn a_restoration_and_a_creation_with_the_name_at_once_give_it_to_one(db: TestDb) {
        let (app, _) = app_with_grace(&db, 30);
        for number in 0..10 {
            let name = format!("ann{number}");
            let old = create(&app, &name).await;
            delete(&app, old).await;
            let (restored, created) = join!(restore(&app, old, None), app.users.create(desired_user(&name)));
            match (&restored, &created) {
                (Ok(_), Err(UserError::NameTaken)) => assert!(is_there(&db, old).await),
                (Err(UserError::NameTaken), Ok(_)) => assert!(is_hidden(&db, old).await),
                other => panic!("{other:?}"),
            }
        }
    }

    async fn the_end_of_the_grace_period_and_a_restoration_at_once_do_one_of_both(db: TestDb) {
        let (app, clock) = app_with_grace(&db, 1);
        for number in 0..10 {
            let ann = create(&app, &format!("ann{number}")).await;
            delete(&app, ann).await;
            clock.advance(DAY);
            sweep(&app).await;
            clock.advance(CONFIRMED_AFTER);
            let (restored, ()) = join!(restore(&app, ann, None), sweep(&app));
            match restored {
                Ok(_) => assert!(is_there(&db, ann).await && !is_erased(&db, ann).await),
                Err(UserError::NotFound) => assert!(is_erased(&db, ann).await && !is_there(&db, ann).await),
                other => panic!("{other:?}"),
            }
            assert!(!is_hidden(&db, ann).await);
            kinds(&db, ann).await;
        }
    }

    async fn a_restoration_waits_for_a_creation_of_the_same_name_and_identifier(db: TestDb) {
        let (app, _) = app_with_grace(&db, 30);
        let named = || {
            let mut ann = desired_user("ann");
            ann.attributes.insert("externalId".to_owned(), json!("x"));
            ann
        };
        let old = app.users.create(named()).await.unwrap().id;
        delete(&app, old).await;
        // A creation that has the identifier, and then takes the name.
        let mut tx = app.db.begin("test").await.unwrap();
        let state = named().into_state(Uuid::from_u128(9), app.clock.now());
        app.users.write_external_ids(&mut tx, None, &state).await.unwrap();
        let (mut restoring, other) = (JoinSet::new(), app.clone());
        restoring.spawn(async move { restore(&other, old, None).await });
        db.wait_for_lock_waiter().await;
        assert!(app.users.insert(&mut tx, &state).await.unwrap());
        tx.commit().await.unwrap();
        let refused = restoring.join_next().await.unwrap().unwrap();
        assert!(matches!(refused, Err(UserError::NameTaken)), "{refused:?}");
        assert!(is_hidden(&db, old).await);
    }
}
