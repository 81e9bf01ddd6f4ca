//! Tests of provisioning: events of the user service, erasure and tombstones.

use chassis::on_engine;
use contract::{EventData, RegistrationRequested, SubjectErased};
use events::Snapshot;

use super::*;
use crate::accounts::{AccountsSnapshot, SignInError};
use crate::sign_up::NewAccount;
use crate::subjects::{ADMINISTRATORS, Subject};
use crate::testing::{self, Behaviour, PASSWORD, TestApp, person_state};

async fn erase(app: &TestApp, id: Uuid) {
    let mut tx = app.db.begin("test").await.unwrap();
    app.provisioning.erase(&mut tx, id).await.unwrap();
    tx.commit().await.unwrap();
}

fn newcomer(name: &str) -> NewAccount {
    NewAccount {
        user_name: name.to_owned(),
        email: Some(format!("{name}@example.com")),
        password: Some(PASSWORD.into()),
        ..NewAccount::default()
    }
}

async fn known(app: &TestApp, id: Uuid) -> Option<Subject> {
    subjects::find(&mut app.db.reader().await.unwrap(), id)
        .await
        .unwrap()
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn the_newest_version_wins_whatever_the_order(db: TestDb) {
        let app = testing::app(&db).await;
        let id = app.person("ann").await;
        let mut newer = person_state(id, "anna");
        (newer.version, newer.groups) = (3, vec![ADMINISTRATORS.to_owned()]);
        let mut older = person_state(id, "annie");
        older.version = 2;
        app.change(&newer).await;
        app.change(&older).await;
        let subject = known(&app, id).await.unwrap();
        assert_eq!((subject.user_name.as_str(), subject.version), ("anna", 3));
        assert!(subject.is_administrator());
        assert!(app.sign_in("anna", PASSWORD).await.is_ok());
        assert!(matches!(app.sign_in("ann", PASSWORD).await, Err(SignInError::InvalidCredentials)));
    }

    async fn a_deleted_user_is_refused_at_once_and_signs_in_again_when_restored(db: TestDb) {
        let app = testing::app(&db).await;
        let ann = app.person("ann").await;
        let started = app.start(&app.sign_in("ann", PASSWORD).await.unwrap()).await.unwrap();
        let mut deleted = person_state(ann, "ann");
        (deleted.version, deleted.active, deleted.deleted_at) = (2, false, Some(testing::BEGINNING));
        app.change(&deleted).await;
        assert!(app.sessions.find(&started.token).await.unwrap().is_none());
        assert!(matches!(app.sign_in("ann", PASSWORD).await, Err(SignInError::InvalidCredentials)));
        // Somebody else has the name meanwhile, though the deletion was told of by a clock that is ahead.
        let mut other = person_state(app.random.uuid(&*app.clock), "ann");
        other.updated_at = testing::BEGINNING - std::time::Duration::from_secs(60);
        app.change(&other).await;
        let bcrypt = "$2b$04$5ujii9zMrP9QrISEOLTmUeE3aj7HB56COPvabyGOHWml9Pmr64LNS";
        app.credential_import.replace(other.id, &bcrypt.into()).await.unwrap();
        assert_eq!(app.sign_in("ann", PASSWORD).await.unwrap().account_id, other.id);
        let mut restored = person_state(ann, "anna");
        restored.version = 3;
        app.change(&restored).await;
        assert_eq!(app.sign_in("anna", PASSWORD).await.unwrap().account_id, ann, "the password is as before");
        assert_eq!(app.sign_in("ann", PASSWORD).await.unwrap().account_id, other.id);
    }

    async fn a_name_that_moves_between_people_leads_to_the_newer_one(db: TestDb) {
        let app = testing::app(&db).await;
        let first = app.person("ann").await;
        let second = app.person("bob").await;
        let mut taken = person_state(second, "ann");
        taken.version = 2;
        taken.updated_at = testing::BEGINNING + std::time::Duration::from_secs(5);
        // The event that frees the name has not come yet.
        app.change(&taken).await;
        assert_eq!(app.sign_in("ann", PASSWORD).await.unwrap().account_id, second);
        let mut renamed = person_state(first, "annabel");
        renamed.version = 2;
        app.change(&renamed).await;
        assert_eq!(app.sign_in("annabel", PASSWORD).await.unwrap().account_id, first);
    }

    // SB-15
    async fn disabling_ends_sessions_and_enabling_brings_none_back(db: TestDb) {
        let app = testing::app(&db).await;
        let id = app.person("ann").await;
        let started = app.start(&app.sign_in("ann", PASSWORD).await.unwrap()).await.unwrap();
        let mut state = person_state(id, "ann");
        (state.active, state.version) = (false, 2);
        app.change(&state).await;
        assert!(app.sessions.find(&started.token).await.unwrap().is_none());
        assert!(matches!(app.sign_in("ann", PASSWORD).await, Err(SignInError::InvalidCredentials)));
        (state.active, state.version) = (true, 3);
        app.change(&state).await;
        assert!(app.sessions.find(&started.token).await.unwrap().is_none());
        assert!(app.sign_in("ann", PASSWORD).await.is_ok());
    }

    async fn a_snapshot_tells_of_registrations_that_wait_and_of_the_erased(db: TestDb) {
        let app = testing::app(&db).await;
        let settled = app.sign_up.register(newcomer("ann")).await.unwrap();
        let erased = app.person("bob").await;
        erase(&app, erased).await;
        app.users.behave(Behaviour::Down);
        let mut expected = vec![(SubjectErased::TYPE, erased)];
        for name in ["cid", "dan", "eve"] {
            let waiting = app.sign_up.register(newcomer(name)).await.unwrap();
            expected.push((RegistrationRequested::TYPE, waiting.id));
        }
        let mut reader = app.db.reader().await.unwrap();
        let (mut told, mut place) = (Vec::new(), None);
        loop {
            let page = AccountsSnapshot.page(&mut reader, place.as_deref(), 2).await.unwrap();
            assert!(page.states.len() <= 2);
            told.extend(page.states);
            match page.next {
                Some(next) => place = Some(next),
                None => break,
            }
        }
        expected.sort_by_key(|(_, id)| *id);
        assert_eq!(told.iter().map(|state| (state.kind, state.aggregate_id)).collect::<Vec<_>>(), expected);
        assert!(told.iter().all(|state| state.aggregate_id != settled.id));
        let request = told.iter().find(|state| state.kind == RegistrationRequested::TYPE).unwrap();
        let request: RegistrationRequested = serde_json::from_str(request.data.get()).unwrap();
        assert_eq!(request.email.unwrap().as_str(), format!("{}@example.com", request.user_name));
    }

    async fn the_erased_leave_nothing_but_an_id_and_never_come_back(db: TestDb) {
        let app = testing::app(&db).await;
        let id = app.person("ann").await;
        let started = app.start(&app.sign_in("ann", PASSWORD).await.unwrap()).await.unwrap();
        let _ = app.sign_in("ann", "gorse-tin-wrong").await;
        erase(&app, id).await;
        erase(&app, id).await;
        app.change(&person_state(id, "ann")).await;
        assert!(known(&app, id).await.is_none());
        assert!(app.sessions.find(&started.token).await.unwrap().is_none());
        for statement in [
            "SELECT COUNT(*) FROM accounts",
            "SELECT COUNT(*) FROM passwords",
            "SELECT COUNT(*) FROM subjects",
            "SELECT COUNT(*) FROM sessions",
        ] {
            assert_eq!(app.count(statement).await, 0, "{statement}");
        }
        assert_eq!(app.count("SELECT COUNT(*) FROM erased_subjects").await, 1);
        let told = app.events().await;
        assert_eq!(told.iter().filter(|kind| *kind == "vestibule.subject.erased.v1").count(), 1);
    }

    async fn somebody_erased_before_they_were_known_stays_unknown(db: TestDb) {
        let app = testing::app(&db).await;
        let id = app.random.uuid(&*app.clock);
        erase(&app, id).await;
        app.change(&person_state(id, "ann")).await;
        assert!(known(&app, id).await.is_none());
        assert_eq!(app.events().await, ["vestibule.subject.erased.v1"]);
    }

    async fn somebody_erased_whom_a_restored_service_has_forgotten_gets_a_version_above_what_others_know(db: TestDb) {
        let app = testing::app(&db).await;
        let mut tx = db.begin("test").await.unwrap();
        on_engine!(&mut tx, c => sqlx::query("UPDATE outbox_feed SET first_sequence = 11").execute(c).await.map(drop)).unwrap();
        tx.commit().await.unwrap();
        erase(&app, app.random.uuid(&*app.clock)).await;
        assert_eq!(app.count("SELECT sequence FROM outbox").await, 12);
    }

    async fn who_was_refused_is_erased_when_a_restored_user_service_accepts_them(db: TestDb) {
        let app = testing::app(&db).await;
        app.users.behave(Behaviour::Reject(Rejection::UserNameTaken));
        let refused = app.sign_up.register(newcomer("ann")).await.unwrap();
        let mut accepted = person_state(refused.id, "ann");
        accepted.version = 11_000_001;
        app.change(&accepted).await;
        accepted.version += 1;
        app.change(&accepted).await;
        assert!(known(&app, refused.id).await.is_none());
        assert_eq!(app.count("SELECT COUNT(*) FROM accounts").await, 0);
        assert_eq!(app.events().await, ["vestibule.registration.requested.v1", "vestibule.subject.erased.v1"]);
        // It is the user service's word that was forgotten: the name is free for the next.
        app.users.behave(Behaviour::Accept);
        let next = app.sign_up.register(newcomer("ann")).await.unwrap();
        assert_eq!(app.sign_in("ann", PASSWORD).await.unwrap().account_id, next.id);
    }
}
