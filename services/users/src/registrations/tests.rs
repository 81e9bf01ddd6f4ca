use chassis::on_engine;
use contract::{EventData, PersonName, RegistrationRequested, SubjectErased};
use serde_json::json;

use tokio::task::JoinSet;
use uuid::Uuid;

use super::*;
use crate::testing::{app, apply, envelope, events_of, requested};
use crate::users;
use scim::version::IfMatch;

const CREATED: &str = "vestibule.user.created.v1";
const DELETED: &str = "vestibule.user.deleted.v1";
const REJECTED: &str = "vestibule.registration.rejected.v1";

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn a_command_and_the_event_after_it_make_one_person(db: TestDb) {
        let app = app(&db);
        let wanted = requested(1, "ann");
        let Decision::Accepted(ann) = app.registrations.register(wanted.clone()).await.unwrap() else {
            panic!("the name is free");
        };
        assert_eq!(ann.emails[0].value.as_str(), "ann@example.com");
        apply(&app, &envelope(wanted.id, &wanted)).await;
        assert_eq!(app.registrations.register(wanted.clone()).await.unwrap(), Decision::Accepted(ann));
        assert_eq!(events_of(&db, wanted.id).await, [(CREATED.to_owned(), 1)]);
    }

    async fn an_event_and_the_command_after_it_make_one_person(db: TestDb) {
        let app = app(&db);
        let wanted = requested(1, "ann");
        apply(&app, &envelope(wanted.id, &wanted)).await;
        let decision = app.registrations.register(wanted.clone()).await.unwrap();
        assert!(matches!(decision, Decision::Accepted(_)));
        assert_eq!(events_of(&db, wanted.id).await, [(CREATED.to_owned(), 1)]);
    }

    async fn commands_and_events_of_one_id_raced_make_one_person(db: TestDb) {
        let app = app(&db);
        let wanted = requested(1, "ann");
        let mut tasks = JoinSet::new();
        for number in 0..8 {
            let (app, wanted) = (app.clone(), wanted.clone());
            tasks.spawn(async move {
                if number % 2 == 0 {
                    let decision = app.registrations.register(wanted).await.unwrap();
                    assert!(matches!(decision, Decision::Accepted(_)), "{decision:?}");
                } else {
                    apply(&app, &envelope(wanted.id, &wanted)).await;
                }
            });
        }
        tasks.join_all().await;
        assert_eq!(events_of(&db, wanted.id).await, [(CREATED.to_owned(), 1)]);
    }

    async fn one_name_wanted_by_many_ids_goes_to_exactly_one(db: TestDb) {
        let app = app(&db);
        let mut tasks = JoinSet::new();
        for (id, name) in (1..).zip(["ann", "ANN", "Ann", "aNn", "anN", "ann"]) {
            let app = app.clone();
            tasks.spawn(async move { (requested(id, name).id, app.registrations.register(requested(id, name)).await.unwrap()) });
        }
        let outcomes = tasks.join_all().await;
        let mut winners = 0;
        for (id, decision) in &outcomes {
            let events = events_of(&db, *id).await;
            match decision {
                Decision::Accepted(_) => {
                    winners += 1;
                    assert_eq!(events, [(CREATED.to_owned(), 1)]);
                }
                Decision::Rejected(reason) => {
                    assert_eq!(*reason, RejectionReason::UserNameTaken);
                    assert_eq!(events, [(REJECTED.to_owned(), 1)]);
                }
                Decision::Gone => panic!("nobody was deleted"),
            }
        }
        assert_eq!(winners, 1);
    }

    async fn a_refusal_stays_a_refusal(db: TestDb) {
        let app = app(&db);
        let first = requested(1, "ann");
        app.registrations.register(first.clone()).await.unwrap();
        let second = requested(2, "Ann");
        let refused = Decision::Rejected(RejectionReason::UserNameTaken);
        assert_eq!(app.registrations.register(second.clone()).await.unwrap(), refused);
        // The name becomes free; who was told "no" is not made a person behind their back.
        app.users.delete(first.id, &IfMatch::Any).await.unwrap();
        apply(&app, &envelope(second.id, &second)).await;
        assert_eq!(app.registrations.register(second.clone()).await.unwrap(), refused);
        assert_eq!(events_of(&db, second.id).await, [(REJECTED.to_owned(), 1)]);
    }

    async fn a_deleted_person_is_not_brought_back_by_a_replay(db: TestDb) {
        let app = app(&db);
        let wanted = requested(1, "ann");
        app.registrations.register(wanted.clone()).await.unwrap();
        app.users.delete(wanted.id, &IfMatch::Any).await.unwrap();
        apply(&app, &envelope(wanted.id, &wanted)).await;
        assert_eq!(app.registrations.register(wanted.clone()).await.unwrap(), Decision::Gone);
        assert_eq!(events_of(&db, wanted.id).await.len(), 2, "created, deleted, and nothing after");
    }

    async fn an_event_that_cannot_make_a_person_is_answered(db: TestDb) {
        let app = app(&db);
        let id = Uuid::from_u128(9);
        let mut event = envelope(id, &requested(9, "ann"));
        event.data = serde_json::value::to_raw_value(&json!({"id": id, "user_name": "a b"})).unwrap();
        apply(&app, &event).await;
        apply(&app, &event).await;
        assert_eq!(events_of(&db, id).await, [(REJECTED.to_owned(), 1)]);
        let mut wanted = requested(10, "ann");
        wanted.locale = Some("\r\n".to_owned());
        let refused = Decision::Rejected(RejectionReason::Invalid);
        assert_eq!(app.registrations.register(wanted).await.unwrap(), refused);
    }

    async fn groups_come_with_the_registration_if_they_exist(db: TestDb) {
        let app = app(&db);
        let mut admin = requested(1, "root");
        admin.groups = vec!["vestibule-admins".to_owned(), "vestibule-admins".to_owned()];
        let Decision::Accepted(state) = app.registrations.register(admin).await.unwrap() else {
            panic!("the group is there from the start");
        };
        assert_eq!(state.groups, ["vestibule-admins"]);
        let mut lost = requested(2, "lost");
        lost.groups = vec!["no-such-group".to_owned()];
        let refused = Decision::Rejected(RejectionReason::Invalid);
        assert_eq!(app.registrations.register(lost).await.unwrap(), refused);
    }

    async fn names_that_mislead_are_refused_by_command_and_by_event(db: TestDb) {
        // SB-49
        let app = app(&db);
        app.registrations.register(requested(1, "ann")).await.unwrap();
        let id = Uuid::from_u128(1).to_string();
        for (number, (name, reason)) in (10..).zip([
            ("admin", RejectionReason::UserNameReserved),
            ("vestibule-admins", RejectionReason::UserNameReserved),
            (id.as_str(), RejectionReason::Invalid),
            ("rооt", RejectionReason::Invalid),
            ("<ann>", RejectionReason::Invalid),
            ("аnn", RejectionReason::Invalid),
        ]) {
            let wanted = RegistrationRequested {
                user_name: name.parse().unwrap(),
                ..requested(number, "mallory")
            };
            apply(&app, &envelope(wanted.id, &wanted)).await;
            assert_eq!(events_of(&db, wanted.id).await, [(REJECTED.to_owned(), 1)], "{name}");
            assert_eq!(app.registrations.register(wanted).await.unwrap(), Decision::Rejected(reason), "{name}");
        }
        // Who administers may have a reserved name, and not that of a group.
        for (number, name, accepted) in [(20, "admin", true), (21, "vestibule-admins", false)] {
            let mut wanted = requested(number, name);
            wanted.groups = vec!["vestibule-admins".to_owned()];
            let decision = app.registrations.register(wanted).await.unwrap();
            assert_eq!(matches!(decision, Decision::Accepted(_)), accepted, "{decision:?}");
        }
    }

    async fn an_erasure_is_recorded_once(db: TestDb) {
        let app = app(&db);
        let wanted = requested(1, "ann");
        app.registrations.register(wanted.clone()).await.unwrap();
        app.users.delete(wanted.id, &IfMatch::Any).await.unwrap();
        let erased = SubjectErased { id: wanted.id, version: 3, erased_at: app.clock.now() };
        let event = envelope(wanted.id, &erased);
        assert_eq!(event.kind, SubjectErased::TYPE);
        apply(&app, &event).await;
        let mut tx = db.begin("test").await.unwrap();
        let again = users::record_erasure(&mut tx, wanted.id, app.clock.now()).await.unwrap();
        assert!(!again, "it is known already");
    }

    async fn who_was_here_only_after_the_backup_and_is_erased_is_told_of_as_deleted(db: TestDb) {
        let app = app(&db);
        let wanted = requested(1, "ann");
        let erased = SubjectErased { id: wanted.id, version: 3, erased_at: app.clock.now() };
        apply(&app, &envelope(wanted.id, &erased)).await;
        apply(&app, &envelope(wanted.id, &erased)).await;
        assert_eq!(events_of(&db, wanted.id).await, [(DELETED.to_owned(), 2)], "once");
        assert_eq!(app.registrations.register(wanted.clone()).await.unwrap(), Decision::Gone);
        let mut tx = db.begin("test").await.unwrap();
        let again = users::record_erasure(&mut tx, wanted.id, app.clock.now()).await.unwrap();
        assert!(!again, "it is known already");
    }

    async fn who_is_refused_after_a_restoration_may_be_erased_later(db: TestDb) {
        let app = app(&db);
        let mut tx = db.begin("test").await.unwrap();
        on_engine!(&mut tx, c => sqlx::query("UPDATE outbox_feed SET first_sequence = 11").execute(c).await.map(drop)).unwrap();
        tx.commit().await.unwrap();
        app.registrations.register(requested(1, "ann")).await.unwrap();
        let wanted = requested(2, "Ann");
        apply(&app, &envelope(wanted.id, &wanted)).await;
        let erased = SubjectErased { id: wanted.id, version: 13, erased_at: app.clock.now() };
        apply(&app, &envelope(wanted.id, &erased)).await;
        assert_eq!(events_of(&db, wanted.id).await, [(REJECTED.to_owned(), 11), (DELETED.to_owned(), 12)]);
        assert_eq!(app.registrations.register(wanted).await.unwrap(), Decision::Gone);
    }
}

#[test]
fn the_command_and_the_event_have_the_same_fields() {
    let mut wanted = requested(1, "ann");
    wanted.name = Some(PersonName {
        given_name: Some("Ann".to_owned()),
        ..PersonName::default()
    });
    wanted.locale = Some("en".to_owned());
    let body = serde_json::to_value(&wanted).unwrap();
    let read: RegistrationRequested = crate::http::read_registration(body).unwrap();
    assert_eq!(read, wanted);
}
