use std::collections::BTreeMap;

use chassis::db::Db;
use chassis::on_engine;
use events::Snapshot;
use scim::version::IfMatch;
use serde_json::{Value, json};

use tokio::task::JoinSet;
use uuid::Uuid;

use super::*;
use crate::testing::{app, draft, events_of};

/// Adds a person as the version before does.
async fn insert_as_before(db: &Db, state: &UserState) {
    let mut tx = db.begin("test").await.unwrap();
    on_engine!(&mut tx, c => sqlx::query(
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
    tx.commit().await.unwrap();
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

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn a_person_is_found_under_any_spelling_of_the_name(db: TestDb) {
        let app = app(&db);
        let made = create(&app, draft("Ann.Example")).await.unwrap();
        let mut reader = db.reader().await.unwrap();
        let found = store::find_by_key(&mut reader, "ann.example").await.unwrap().unwrap();
        assert_eq!(found, made);
        assert_eq!(found.user_name.as_str(), "Ann.Example");
        assert_eq!(found.version, 1);
    }

    async fn every_change_raises_the_version_and_writes_its_event(db: TestDb) {
        let app = app(&db);
        let id = create(&app, draft("ann")).await.unwrap().id;
        let with = |active, name: &str| Draft { active: Some(active), ..draft(name) };
        for wanted in [with(true, "anna"), with(false, "anna"), with(true, "anna"), with(true, "ANNA")] {
            replace(&app, id, &IfMatch::Any, wanted).await.unwrap();
        }
        // What changes nothing is no change.
        replace(&app, id, &IfMatch::Any, with(true, "ANNA")).await.unwrap();
        delete(&app, id, &IfMatch::Any).await.unwrap();
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
        let id = create(&app, draft("ann")).await.unwrap().id;
        let first = IfMatch::OneOf(vec![1]);
        let mut tasks = JoinSet::new();
        for number in 0..6 {
            let (app, first) = (app.clone(), first.clone());
            tasks.spawn(async move { replace(&app, id, &first, draft(&format!("ann{number}"))).await });
        }
        let outcomes = tasks.join_all().await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        assert!(outcomes.iter().all(|o| matches!(o, Ok(_) | Err(PeopleError::Changed))));
        assert!(matches!(delete(&app, id, &first).await, Err(PeopleError::Changed)));
        assert_eq!(events_of(&db, id).await.len(), 2);
    }

    async fn raced_changes_without_a_condition_are_all_made_one_after_the_other(db: TestDb) {
        let app = app(&db);
        let id = create(&app, draft("ann")).await.unwrap().id;
        let mut tasks = JoinSet::new();
        for number in 0..6 {
            let app = app.clone();
            let patch = json!({"attributes": {format!("k{number}"): number}});
            let patch = Patch::from_json(patch).unwrap();
            tasks.spawn(async move { patch_own(&app, id, &IfMatch::Any, patch).await });
        }
        assert!(tasks.join_all().await.iter().all(Result::is_ok));
        let mut reader = db.reader().await.unwrap();
        let state = store::find(&mut reader, id).await.unwrap().unwrap();
        assert_eq!((state.version, state.attributes.len()), (7, 6));
    }

    async fn a_user_name_is_given_once_whatever_its_case(db: TestDb) {
        let app = app(&db);
        let mut tasks = JoinSet::new();
        for name in ["ann", "Ann", "ANN", "aNN", "ann", "anN"] {
            let app = app.clone();
            tasks.spawn(async move { create(&app, draft(name)).await });
        }
        let outcomes = tasks.join_all().await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        assert!(outcomes.iter().all(|o| matches!(o, Ok(_) | Err(PeopleError::NameTaken))));

        let other = create(&app, draft("bob")).await.unwrap().id;
        let refused = replace(&app, other, &IfMatch::Any, draft("aNn")).await;
        assert!(matches!(refused, Err(PeopleError::NameTaken)), "{refused:?}");
        assert_eq!(events_of(&db, other).await.len(), 1, "a refused change leaves no event");
    }

    async fn of_names_that_look_alike_one_is_given_out(db: TestDb) {
        // SB-49
        let app = app(&db);
        let mut tasks = JoinSet::new();
        // Latin, the same in Cyrillic letters, with digits, in capitals.
        for name in ["solo1", "ѕоӏо1", "solol", "s0lo1", "SOLO1", "solo1"] {
            let (app, draft) = (app.clone(), draft(name));
            tasks.spawn(async move { create(&app, draft).await });
        }
        let outcomes = tasks.join_all().await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
        assert!(outcomes.iter().all(|o| matches!(o, Ok(_) | Err(PeopleError::NameTaken))), "{outcomes:?}");

        let other = create(&app, draft("bob")).await.unwrap().id;
        let refused = replace(&app, other, &IfMatch::Any, draft("s0l0l")).await;
        assert!(matches!(refused, Err(PeopleError::NameTaken)), "{refused:?}");
        // One's own name may change into one that looks like it, and leaves the old one to nobody.
        replace(&app, other, &IfMatch::Any, draft("b0b")).await.unwrap();
        assert!(matches!(create(&app, draft("bob")).await, Err(PeopleError::NameTaken)));
        replace(&app, other, &IfMatch::Any, draft("robert")).await.unwrap();
        create(&app, draft("bob")).await.unwrap();
    }

    async fn names_that_mislead_are_refused_and_those_who_have_one_keep_it(db: TestDb) {
        // SB-49
        let app = app(&db);
        let refused = ["rооt", "root", "Admin", "r00t", "vestibule-admins", "Vestibu1e-Admins", "a<b>", "018f0000-0000-7000-8000-00000000a001"];
        for name in refused {
            let answer = create(&app, draft(name)).await;
            assert!(matches!(&answer, Err(PeopleError::Invalid(Invalid { field, .. })) if field == "user_name"), "{name}: {answer:?}");
        }
        let ann = create(&app, draft("ann")).await.unwrap().id;
        for name in refused {
            let answer = replace(&app, ann, &IfMatch::Any, draft(name)).await;
            assert!(matches!(&answer, Err(PeopleError::Invalid(Invalid { field, .. })) if field == "user_name"), "{name}: {answer:?}");
            // As the version before wrote it.
            give_name(&db, ann, name).await;
            let same = Draft { active: Some(false), ..draft(name) };
            let changed = replace(&app, ann, &IfMatch::Any, same).await.unwrap();
            assert_eq!((changed.user_name.as_str(), changed.active), (draft(name).user_name.as_str(), false));
            replace(&app, ann, &IfMatch::Any, Draft { active: Some(true), ..draft("ann") }).await.unwrap();
        }
        let mut tx = db.begin("test").await.unwrap();
        on_engine!(&mut tx, c => sqlx::query("INSERT INTO groups (id, name, version, created_at) VALUES ($1, 'Sales', 1, 0)")
            .bind(Uuid::from_u128(5)).execute(c).await.map(drop)).unwrap();
        tx.commit().await.unwrap();
        let answer = create(&app, draft("sales")).await;
        assert!(matches!(answer, Err(PeopleError::Invalid(_))), "{answer:?}");
    }

    async fn what_the_version_before_wrote_is_compared_too(db: TestDb) {
        // SB-49: it knows no skeletons.
        let app = app(&db);
        let names = ["ann", "solo", "s0lo", "bob"];
        let mut ids = Vec::new();
        for (name, number) in names.into_iter().zip(1..) {
            let state = draft(name).into_state(Uuid::from_u128(number), app.clock.now());
            insert_as_before(&db, &state).await;
            ids.push(state.id);
        }
        // Before the schedule came round.
        assert!(matches!(create(&app, draft("sol0")).await, Err(PeopleError::NameTaken)));
        create(&app, draft("zed")).await.unwrap();
        let known = ["ann", "solo", "", "bob", "zed"].map(|name| Some(name.to_owned()).filter(|name| !name.is_empty()));
        assert_eq!(skeletons_of(&db).await, known);
        // Both who collided are changed as ever.
        for (id, name) in [(ids[1], "solo"), (ids[2], "s0lo")] {
            let off = Draft { active: Some(false), ..draft(name) };
            assert!(!replace(&app, id, &IfMatch::Any, off).await.unwrap().active);
        }
        // A name that the version before changed: the old one is free, the new one is not.
        give_name(&db, ids[0], "cas").await;
        assert!(create(&app, draft("ca5")).await.is_ok(), "5 and s do not look alike");
        assert!(matches!(create(&app, draft("саѕ")).await, Err(PeopleError::NameTaken)), "in Cyrillic letters");
        create(&app, draft("ann")).await.unwrap();
    }

    async fn replicas_fill_in_what_is_missing_side_by_side(db: TestDb) {
        let app = app(&db);
        for number in 1_u128..=60 {
            // Every name twice, in letters that look alike.
            let name = format!("{}{}", if number % 2 == 0 { "solo" } else { "s0l0" }, number.div_ceil(2));
            insert_as_before(&db, &draft(&name).into_state(Uuid::from_u128(number), app.clock.now())).await;
        }
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

    async fn a_refused_change_writes_nothing(db: TestDb) {
        let app = app(&db);
        let id = create(&app, draft("ann")).await.unwrap().id;
        let bad = Draft { locale: Some("not a locale".to_owned()), ..draft("ann") };
        let refused = replace(&app, id, &IfMatch::Any, bad).await;
        assert!(matches!(refused, Err(PeopleError::Invalid(Invalid { ref field, .. })) if field == "locale"));
        let nobody = replace(&app, Uuid::from_u128(7), &IfMatch::Any, draft("x")).await;
        assert!(matches!(nobody, Err(PeopleError::NotFound)));
        assert_eq!(events_of(&db, id).await.len(), 1);
    }

    async fn a_deleted_person_leaves_the_id_and_nothing_else(db: TestDb) {
        let app = app(&db);
        let id = create(&app, draft("ann")).await.unwrap().id;
        delete(&app, id, &IfMatch::Any).await.unwrap();
        let mut reader = db.reader().await.unwrap();
        assert!(store::is_buried(&mut reader, id).await.unwrap());
        assert_eq!(store::find(&mut reader, id).await.unwrap(), None);
        assert!(matches!(delete(&app, id, &IfMatch::Any).await, Err(PeopleError::NotFound)));
        // The name is free again, for somebody else.
        assert_ne!(create(&app, draft("ann")).await.unwrap().id, id);
    }

    async fn an_attribute_from_before_its_name_was_guarded_hinders_nobody(db: TestDb) {
        // SB-35
        let app = app(&db);
        let id = create(&app, draft("ann")).await.unwrap().id;
        let put = |name: &str| Patch::from_json(json!({"attributes": {name: "x"}})).unwrap();
        let refused = patch_own(&app, id, &IfMatch::Any, put("USERNAME")).await;
        assert!(matches!(&refused, Err(PeopleError::Invalid(Invalid { field, .. })) if field == "attributes.USERNAME"), "{refused:?}");
        let mut tx = db.begin("test").await.unwrap();
        let mut state = store::lock(&mut tx, id).await.unwrap().unwrap();
        state.attributes.insert("USERNAME".to_owned(), json!("x"));
        state.version += 1;
        store::update(&mut tx, &state).await.unwrap();
        tx.commit().await.unwrap();
        let patch = Patch::from_json(json!({"locale": "fr"})).unwrap();
        let changed = patch_own(&app, id, &IfMatch::Any, patch).await.unwrap();
        assert_eq!(changed.attributes["USERNAME"], "x");
    }

    async fn a_deactivated_person_changes_nothing_of_themselves(db: TestDb) {
        // SB-15
        let app = app(&db);
        let id = create(&app, draft("ann")).await.unwrap().id;
        let off = Draft { active: Some(false), ..draft("ann") };
        replace(&app, id, &IfMatch::Any, off).await.unwrap();
        let patch = Patch::from_json(json!({"locale": "fr"})).unwrap();
        let refused = patch_own(&app, id, &IfMatch::Any, patch).await;
        assert!(matches!(refused, Err(PeopleError::NotFound)));
        // A replacement that does not say "active" wakes nobody.
        let silent = Draft { active: None, ..draft("ann2") };
        assert!(!replace(&app, id, &IfMatch::Any, silent).await.unwrap().active);
    }

    async fn whom_the_replaced_database_had_deleted_is_deleted_again(db: TestDb) {
        let app = app(&db);
        let (ann, eve) = (create(&app, draft("ann")).await.unwrap().id, create(&app, draft("eve")).await.unwrap().id);
        let now = app.clock.now();
        let noted = events::restored::Restoration { taken_at: now, restored_at: now, keep_sessions: false };
        let mut tx = db.begin("test").await.unwrap();
        events::restored::note_in(&mut tx, &noted).await.unwrap();
        events::restored::note_erased_in(&mut tx, &[eve]).await.unwrap();
        tx.commit().await.unwrap();
        for _ in 0..2 {
            heal(&app).await.unwrap();
            let mut reader = db.reader().await.unwrap();
            assert!(find(&mut reader, ann).await.unwrap().is_some());
            assert!(find(&mut reader, eve).await.unwrap().is_none() && is_buried(&mut reader, eve).await.unwrap());
        }
        let (last, _) = events_of(&db, eve).await.pop().unwrap();
        assert_eq!(last, "vestibule.user.deleted.v1");
    }

    async fn a_snapshot_tells_of_everybody_and_of_those_who_are_gone(db: TestDb) {
        let app = app(&db);
        for number in 0..4 {
            create(&app, draft(&format!("person{number}"))).await.unwrap();
        }
        let off = create(&app, draft("off")).await.unwrap().id;
        replace(&app, off, &IfMatch::Any, Draft { active: Some(false), ..draft("off") }).await.unwrap();
        let mut reader = db.reader().await.unwrap();
        let mut told = Vec::new();
        let mut place = None;
        let mut deleted = None;
        loop {
            let page = PeopleSnapshot.page(&mut reader, place.as_deref(), 2).await.unwrap();
            told.extend(page.states.into_iter().map(|state| (state.kind, state.aggregate_id, state.sequence)));
            if deleted.is_none() {
                // Somebody who was told of already is deleted between two pages.
                let id = told.iter().map(|(_, id, _)| *id).find(|id| *id != off).unwrap();
                delete(&app, id, &IfMatch::Any).await.unwrap();
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

#[test]
fn a_person_cannot_change_what_is_not_theirs_to_change() {
    // SB-35: mass assignment.
    let cases = [
        (json!({"active": true}), "active"),
        (json!({"user_name": "root"}), "user_name"),
        (json!({"groups": ["vestibule-admins"]}), "groups"),
        (json!({"version": 1}), "version"),
        (json!({"id": "018f"}), "id"),
        (json!({"created_at": "2020-01-01T00:00:00Z"}), "created_at"),
        (json!({"emails": []}), "emails"),
        (json!({"is_admin": true}), "is_admin"),
        (json!({"name": {"suffix": "III"}}), "name.suffix"),
        (
            json!({"attributes": {"roles": [{"value": "admin"}]}}),
            "attributes.roles",
        ),
        (
            json!({"attributes": {"Entitlements": []}}),
            "attributes.Entitlements",
        ),
        (json!({"attributes": {"URN:x": {}}}), "attributes.URN:x"),
        (json!({"attributes": 3}), "attributes"),
        (json!({"locale": 3}), "locale"),
        (json!([]), "(body)"),
    ];
    for (body, field) in cases {
        assert_eq!(Patch::from_json(body.clone()).unwrap_err().field, field, "{body}");
    }
}

fn state(attributes: Value) -> events::contract::UserState {
    let attributes: BTreeMap<String, Value> = serde_json::from_value(attributes).unwrap();
    let draft = Draft {
        attributes,
        ..draft("ann")
    };
    draft.into_state(Uuid::nil(), chassis::clock::Timestamp::from_secs(0))
}

#[test]
fn a_patch_is_merged_as_rfc_7396_says() {
    let mut ann = state(json!({"a": {"b": 1, "c": 2}, "d": 1, "gone": true}));
    ann.name.given_name = Some("Ann".to_owned());
    ann.locale = Some("en".to_owned());
    let patch = json!({
        "name": {"given_name": null, "family_name": "Example"},
        "locale": null,
        "attributes": {"a": {"b": null, "e": {"x": null, "y": 1}}, "d": [1], "gone": null},
    });
    Patch::from_json(patch).unwrap().apply(&mut ann).unwrap();
    assert_eq!(
        json!(ann.attributes),
        json!({"a": {"c": 2, "e": {"y": 1}}, "d": [1]})
    );
    assert_eq!(json!(ann.name), json!({"family_name": "Example"}));
    assert_eq!(ann.locale, None);
}

#[test]
fn every_limit_names_its_field() {
    let refused = |change: &dyn Fn(&mut events::contract::UserState)| {
        let mut ann = state(json!({}));
        change(&mut ann);
        check(&ann).unwrap_err().field
    };
    assert_eq!(
        refused(&|s| s.name.given_name = Some("x".repeat(257))),
        "name.given_name"
    );
    assert_eq!(
        refused(&|s| s.name.formatted = Some(String::new())),
        "name.formatted"
    );
    // SB-34
    assert_eq!(
        refused(&|s| s.name.family_name = Some("a\r\nBcc: all".to_owned())),
        "name.family_name"
    );
    assert_eq!(refused(&|s| s.locale = Some("x".repeat(36))), "locale");
    assert_eq!(
        refused(&|s| s.zoneinfo = Some("../../etc passwd".to_owned())),
        "zoneinfo"
    );
    let mail =
        |value: &str| serde_json::from_value::<events::contract::Email>(json!({"value": value})).unwrap();
    assert_eq!(
        refused(&|s| s.emails = vec![mail("a@b.example"); 2]),
        "emails[1].value"
    );
    assert_eq!(refused(&|s| s.emails = vec![mail("a@b.example"); 21]), "emails");
    let put = |name: &str, value: Value| {
        let one = (name.to_owned(), value);
        move |s: &mut events::contract::UserState| s.attributes.extend([one.clone()])
    };
    assert_eq!(refused(&put("big", "x".repeat(16 * 1024).into())), "attributes");
    assert_eq!(refused(&put("k", json!({"deep": ["a\u{7}"]}))), "attributes.k");
    let nested = |levels| (0..levels).fold(json!(1), |inner, _| json!([inner]));
    assert_eq!(refused(&put("k", nested(17))), "attributes.k");
    assert_eq!(check(&state(json!({"k": nested(16)}))), Ok(()));
    assert_eq!(refused(&put("displayName", json!(7))), "attributes.displayName");
    assert_eq!(refused(&put("", json!(7))), "attributes (a name)");
    // SB-35: where the field is empty, the attribute would stand in its place.
    let emails = json!([{"value": "root@b.example"}]);
    assert_eq!(refused(&put("emails", emails)), "attributes.emails");
    assert_eq!(refused(&put("timezone", json!("UTC"))), "attributes.timezone");
    // RFC 7643 §2.1: in any case.
    for name in ["USERNAME", "Emails", "TimeZone", "DISPLAYNAME", "Roles"] {
        assert_eq!(refused(&put(name, json!("x"))), format!("attributes.{name}"));
    }
}

#[test]
fn an_address_that_stays_keeps_its_proof() {
    let mut ann = state(json!({}));
    let mail = |value: &str, verified: bool| -> events::contract::Email {
        serde_json::from_value(json!({"value": value, "verified": verified})).unwrap()
    };
    ann.emails = vec![mail("old@b.example", true)];
    let wanted = Draft {
        emails: vec![mail("old@b.example", false), mail("new@b.example", true)],
        ..draft("ann")
    };
    wanted.replace(&mut ann).unwrap();
    let proofs: Vec<bool> = ann.emails.iter().map(|email| email.verified).collect();
    assert_eq!(proofs, [true, false], "a client of the directory proves nothing");
}
