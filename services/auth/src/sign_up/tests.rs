//! Tests of the registration saga, its proof and its quota.

use chassis::clock::Clock;
use chassis::secret::SecretString;

use super::*;
use crate::accounts::SignInError;
use crate::registration::{DECISION_RETENTION, EXPIRES_AFTER, Rejection};
use crate::testing::{self, Behaviour, PASSWORD, TestApp, person_state};
use crate::throttle;

fn ann() -> NewAccount {
    NewAccount {
        user_name: "Ann".to_owned(),
        email: Some("ann@example.com".to_owned()),
        name: Some("Ann Example".to_owned()),
        family_name: Some("Montgomery".to_owned()),
        password: Some(SecretString::from(PASSWORD)),
        ..NewAccount::default()
    }
}

/// The answer as it comes with an event.
async fn event_accepts(app: &TestApp, id: uuid::Uuid) {
    app.change(&person_state(id, "Ann")).await;
}

async fn event_rejects(app: &TestApp, id: uuid::Uuid) {
    let mut tx = app.db.begin("test").await.unwrap();
    app.registrations
        .reject(&mut tx, id, Rejection::UserNameTaken)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn a_person_registers_and_signs_in(db: TestDb) {
        let app = testing::app(&db).await;
        let done = app.sign_up.register(ann()).await.unwrap();
        assert_eq!(done.state, RegistrationState::Active);
        assert_eq!(app.registrations.status(done.id).await.unwrap(), Some(RegistrationState::Active));
        assert_eq!(app.sign_in("ann", PASSWORD).await.unwrap().account_id, done.id);
        assert_eq!(app.events().await, ["vestibule.registration.requested.v1", "vestibule.credential.added.v1"]);
        assert_eq!(app.count("SELECT COUNT(*) FROM registrations WHERE request IS NOT NULL").await, 0);
    }

    async fn a_proof_is_good_at_a_replica_whose_clock_is_behind(db: TestDb) {
        // SB-50
        let app = testing::app(&db).await;
        let done = app.sign_up.register(ann()).await.unwrap();
        let browser = app.random.token();
        let first = app.registrations.issue_proof(done.id, &browser).await.unwrap();
        app.clock.set(testing::BEGINNING - Duration::from_secs(1));
        assert!(app.registrations.is_proof_valid(done.id, &first, &browser).await.unwrap());
        let second = app.registrations.replace_proof(done.id, &browser).await.unwrap().unwrap();
        assert!(app.registrations.redeem_proof(done.id, &second, &browser).await.unwrap().is_some());
    }

    async fn without_the_user_service_it_waits_and_completes_by_the_event(db: TestDb) {
        let app = testing::app(&db).await;
        app.users.behave(Behaviour::Down);
        let done = app.sign_up.register(ann()).await.unwrap();
        assert_eq!(done.state, RegistrationState::Pending);
        let waiting = app.sign_in("ann", PASSWORD).await;
        assert!(matches!(waiting, Err(SignInError::Pending { id }) if id == done.id), "{waiting:?}");
        assert!(matches!(app.sign_in("ann", "gorse-tin-wrong").await, Err(SignInError::InvalidCredentials)));
        event_accepts(&app, done.id).await;
        event_accepts(&app, done.id).await;
        assert_eq!(app.registrations.status(done.id).await.unwrap(), Some(RegistrationState::Active));
        assert!(app.sign_in("ann", PASSWORD).await.is_ok());
        let added = app.events().await.into_iter().filter(|kind| kind == "vestibule.credential.added.v1");
        assert_eq!(added.count(), 1);
    }

    // SB-7
    async fn guesses_at_a_name_that_was_nobodys_do_not_keep_its_new_owner_out(db: TestDb) {
        let app = testing::app(&db).await;
        let name = throttle::Key::account("ann");
        let mut tx = app.db.begin("test").await.unwrap();
        for _ in 0..throttle::MAX_FAILURES {
            throttle::count(&mut tx, &name, throttle::Limit::ACCOUNT, app.clock.now()).await.unwrap();
        }
        tx.commit().await.unwrap();
        app.sign_up.sign_up(ann(), None).await.unwrap();
        assert!(app.sign_in("ann", PASSWORD).await.is_ok());
    }

    // SB-43
    async fn one_source_leaves_the_last_places_to_others_and_is_refused_without_a_write(db: TestDb) {
        let test = testing::app(&db).await;
        let limits = [("REGISTRATION__HOURLY_PER_SOURCE", "0"), ("REGISTRATION__HOURLY", "8")];
        let (app, _) = testing::app_with(&db, testing::settings_with(&limits), test.users.clone()).await;
        let from = |number: i32, ip: &str| {
            let new = NewAccount { user_name: format!("person{number}"), ..ann() };
            app.sign_up.sign_up(new, Some(ip.parse().unwrap()))
        };
        for number in 0..8 {
            // Two /64s of one subscriber.
            let ip = format!("2001:db8:1:{}::1", number % 2);
            assert_eq!(from(number, &ip).await.is_ok(), number < 6, "{number}");
            assert_eq!(app.sign_up.is_admitted(Some(ip.parse().unwrap())).await.unwrap(), number < 5, "{number}");
        }
        assert!(from(10, "192.0.2.1").await.is_ok());
        assert!(from(11, "192.0.2.1").await.is_ok());
        assert!(from(12, "192.0.2.2").await.is_err());
    }

    // SB-43
    async fn sign_ups_are_limited_per_source_and_in_all(db: TestDb) {
        let test = testing::app(&db).await;
        let limits = [("REGISTRATION__HOURLY_PER_SOURCE", "3"), ("REGISTRATION__HOURLY", "5")];
        let (app, clock) = testing::app_with(&db, testing::settings_with(&limits), test.users.clone()).await;
        let from = |number: i32, ip: &str| {
            let new = NewAccount { user_name: format!("person{number}"), ..ann() };
            app.sign_up.sign_up(new, Some(ip.parse().unwrap()))
        };
        let weak = NewAccount { password: Some(SecretString::from("passwordpassword")), ..ann() };
        assert!(matches!(app.sign_up.sign_up(weak, None).await, Err(RegisterError::Invalid(_))), "takes no place");
        let burst = futures_util::future::join_all((0..10).map(|number| from(number, "192.0.2.1"))).await;
        assert_eq!(burst.iter().filter(|one| one.is_ok()).count(), 3);
        let hashed = app.hasher.completed();
        let refused = from(10, "192.0.2.1").await;
        assert!(matches!(refused, Err(RegisterError::QuotaExceeded { from_source: true, .. })), "{refused:?}");
        assert_eq!(app.hasher.completed(), hashed, "refused before anything is hashed");
        from(11, "192.0.2.2").await.unwrap();
        from(12, "192.0.2.3").await.unwrap();
        let refused = from(13, "192.0.2.4").await;
        let hour = std::time::Duration::from_secs(3600);
        assert!(
            matches!(refused, Err(RegisterError::QuotaExceeded { from_source: false, retry_after }) if retry_after <= hour),
            "{refused:?}"
        );
        clock.set(testing::BEGINNING - hour * 48);
        from(14, "192.0.2.1").await.unwrap();
        clock.set(testing::BEGINNING + hour);
        from(15, "192.0.2.1").await.unwrap();
    }

    async fn a_taken_name_is_told_and_nothing_remains(db: TestDb) {
        let app = testing::app(&db).await;
        app.users.behave(Behaviour::Reject(Rejection::UserNameTaken));
        let done = app.sign_up.register(ann()).await.unwrap();
        assert_eq!(done.state, RegistrationState::Rejected(Rejection::UserNameTaken));
        assert_eq!(app.registrations.status(done.id).await.unwrap(), Some(RegistrationState::Rejected(Rejection::UserNameTaken)));
        assert_eq!(app.count("SELECT COUNT(*) FROM accounts").await, 0);
        assert_eq!(app.count("SELECT COUNT(*) FROM passwords").await, 0);
        assert!(matches!(app.sign_in("ann", PASSWORD).await, Err(SignInError::InvalidCredentials)));
    }

    async fn the_answer_is_applied_once_whichever_way_is_faster(db: TestDb) {
        let app = testing::app(&db).await;
        app.users.behave(Behaviour::Down);
        let done = app.sign_up.register(ann()).await.unwrap();
        tokio::join!(
            event_accepts(&app, done.id),
            event_accepts(&app, done.id),
            event_accepts(&app, done.id),
        );
        event_rejects(&app, done.id).await;
        assert_eq!(app.registrations.status(done.id).await.unwrap(), Some(RegistrationState::Active), "an answer is final");
        assert!(app.sign_in("ann", PASSWORD).await.is_ok());
        let added = app.events().await.into_iter().filter(|kind| kind == "vestibule.credential.added.v1");
        assert_eq!(added.count(), 1);
    }

    async fn every_field_that_is_wrong_is_named_and_nothing_is_stored(db: TestDb) {
        let app = testing::app(&db).await;
        let wrong = NewAccount {
            user_name: "a name with spaces".to_owned(),
            email: Some("nowhere".to_owned()),
            name: Some("x".repeat(300)),
            locale: Some("not a tag!".to_owned()),
            password: Some(SecretString::from("short")),
            groups: vec![String::new()],
            ..ann()
        };
        let Err(RegisterError::Invalid(errors)) = app.sign_up.register(wrong).await else {
            panic!("accepted");
        };
        let fields: Vec<_> = errors.iter().map(|error| error.field).collect();
        assert_eq!(fields, ["user_name", "email", "name", "locale", "groups", "password"]);
        assert!(!format!("{errors:?}").contains("short\""));
        // SB-4: the person's and the site's names, and what is famous.
        for password in ["correct horse battery staple", "ann@example.com", "Ann Example Ann Example", "ExampleLibrary2026", "Montgomery-Montgomery"] {
            let new = NewAccount {
                password: Some(SecretString::from(password)),
                ..ann()
            };
            assert!(matches!(app.sign_up.register(new).await, Err(RegisterError::Invalid(_))), "{password}");
        }
        assert_eq!(app.count("SELECT COUNT(*) FROM registrations").await, 0);
        assert!(app.events().await.is_empty());
    }

    async fn names_that_mislead_are_refused_before_a_password_is_hashed(db: TestDb) {
        // SB-49
        let app = testing::app(&db).await;
        for (user_name, why) in [
            ("018f0000-0000-7000-8000-00000000a001", "id"),
            ("rооt", "scripts"),
            ("<b>ann</b>", "characters <"),
        ] {
            let new = NewAccount { user_name: user_name.to_owned(), ..ann() };
            let Err(RegisterError::Invalid(errors)) = app.sign_up.register(new).await else {
                panic!("{user_name} is accepted");
            };
            assert_eq!((errors.len(), errors[0].field), (1, "user_name"));
            assert!(errors[0].detail.contains(why), "{errors:?}");
        }
        assert_eq!(app.count("SELECT COUNT(*) FROM registrations").await, 0);
        // Whether a name is reserved is for the user service to say.
        app.users.behave(Behaviour::Reject(Rejection::UserNameReserved));
        let done = app.sign_up.register(NewAccount { user_name: "admin".to_owned(), ..ann() }).await.unwrap();
        assert_eq!(done.state, RegistrationState::Rejected(Rejection::UserNameReserved));
        assert_eq!(app.registrations.status(done.id).await.unwrap(), Some(done.state));
    }

    async fn the_sweeper_ends_what_got_no_answer_and_forgets_old_answers(db: TestDb) {
        let app = testing::app(&db).await;
        let answered = app.sign_up.register(ann()).await.unwrap();
        app.users.behave(Behaviour::Down);
        let waiting = app.sign_up.register(NewAccount { user_name: "bob".to_owned(), ..ann() }).await.unwrap();
        app.wait(DECISION_RETENTION + std::time::Duration::from_secs(1));
        app.sweeper.sweep().await.unwrap();
        assert_eq!(app.registrations.status(answered.id).await.unwrap(), None);
        assert_eq!(app.registrations.status(waiting.id).await.unwrap(), Some(RegistrationState::Pending));
        app.wait(EXPIRES_AFTER);
        app.sweeper.sweep().await.unwrap();
        assert_eq!(app.registrations.status(waiting.id).await.unwrap(), Some(RegistrationState::Expired));
        assert_eq!(app.count("SELECT COUNT(*) FROM accounts").await, 1);
        assert!(matches!(app.sign_in("bob", PASSWORD).await, Err(SignInError::InvalidCredentials)));
        // The command was an event all the time: who comes that late is known, and has to choose a password
        // anew.
        app.change(&person_state(waiting.id, "bob")).await;
        let mut reader = db.reader().await.unwrap();
        assert!(crate::subjects::find(&mut reader, waiting.id).await.unwrap().is_some());
    }
}
