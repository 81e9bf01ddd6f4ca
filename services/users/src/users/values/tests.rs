//! Tests of indexed values: their keys, and rows that another version left incomplete.

use chassis::on_engine;
use chassis::shutdown::Shutdown;
use scim::filter::{Comparison, Filter};
use scim::schema::{Accessor, Registry, ResourceType};
use scim::version::IfMatch;
use serde_json::json;
use testkit::TestDb;
use uuid::Uuid;

use super::store as values;
use super::*;
use crate::app::SharedApp;
use crate::authority::Authority;
use crate::testing::{app, app_with_attributes, app_with_grace_and_attributes, desired_user};
use crate::users::{Search, SearchError, Start, total};

/// Checks that the index has the values of every document and no others.
pub(crate) async fn assert_index_agrees(db: &TestDb, users: &ResourceType) {
    const DOCUMENTS: &str = "SELECT id, CAST(document AS TEXT) FROM people";
    const ROWS: &str = "SELECT user_id, attribute, value_key FROM user_values";
    let mut reader = db.reader().await.unwrap();
    let documents: Vec<(Uuid, String)> =
        on_engine!(&mut reader, c => sqlx::query_as(DOCUMENTS).fetch_all(c).await.unwrap());
    let rows: Vec<(Uuid, String, String)> =
        on_engine!(&mut reader, c => sqlx::query_as(ROWS).fetch_all(c).await.unwrap());
    let indexed = IndexedAttributes::new(users);
    let expected: BTreeSet<(Uuid, Row)> = documents
        .iter()
        .flat_map(|(id, document)| {
            let state = serde_json::from_str(document).unwrap();
            let rows = indexed.rows_of(&state, users);
            rows.into_iter().map(|row| (*id, row))
        })
        .collect();
    let rows: BTreeSet<(Uuid, Row)> = rows
        .into_iter()
        .map(|(id, name, key)| (id, (name, key)))
        .collect();
    assert!(!rows.is_empty());
    assert_eq!(rows, expected);
}

#[test]
fn keys_have_the_order_of_their_values() {
    let numbers = [i64::MIN, -7, -1, 0, 1, 9, 10, i64::MAX];
    assert!(numbers.map(integer_key).is_sorted());
    assert_eq!(user_name_key("ANN"), "ann");
    assert_eq!(shorten(&"é".repeat(300)).chars().count(), MAX_KEY_CHARS);
}

#[test]
fn a_range_has_what_its_comparison_matches_and_nothing_else() {
    let users = Registry::standard().users();
    let indexed = IndexedAttributes::new(users);
    let values = ["a", "ab", "abc", "b", "ba"];
    for (operator, matching) in [
        ("eq \"AB\"", &["ab"][..]),
        ("sw \"ab\"", &["ab", "abc"]),
        ("gt \"ab\"", &["abc", "b", "ba"]),
        ("ge \"ab\"", &["ab", "abc", "b", "ba"]),
        ("lt \"ab\"", &["a"]),
        ("le \"ab\"", &["a", "ab"]),
    ] {
        let Filter::Compare(comparison) =
            Filter::parse(&format!("displayName {operator}"), &[users]).unwrap()
        else {
            panic!("a comparison");
        };
        let range = indexed.range(&comparison).unwrap();
        let found: Vec<&str> = values.into_iter().filter(|value| range.has(value)).collect();
        assert_eq!((found.as_slice(), range.exact), (matching, true), "{operator}");
    }
    let long = "x".repeat(MAX_KEY_CHARS + 1);
    let compared = |text: &str| -> Comparison {
        match Filter::parse(text, &[users]).unwrap() {
            Filter::Compare(comparison) => comparison,
            _ => panic!("a comparison"),
        }
    };
    let range = indexed
        .range(&compared(&format!("displayName eq \"{long}\"")))
        .unwrap();
    assert!(!range.exact && range.has(shorten(&long)));
    for unserved in [
        "displayName co \"a\"",
        "displayName ew \"a\"",
        "displayName ne \"a\"",
        "title eq \"a\"",
    ] {
        assert_eq!(indexed.range(&compared(unserved)), None, "{unserved}");
    }
}

async fn rows(db: &chassis::db::Db, id: contract::UserId) -> Vec<Row> {
    const ROWS: &str =
        "SELECT attribute, value_key FROM user_values WHERE user_id = $1 ORDER BY attribute, value_key";
    let mut reader = db.reader().await.unwrap();
    on_engine!(&mut reader, c => sqlx::query_as(ROWS).bind(id).fetch_all(c).await.unwrap())
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn the_rows_follow_the_user(db: TestDb) {
        let app = app(&db);
        let mut ann = desired_user("Ann");
        ann.name.family_name = Some("Archer".to_owned());
        ann.attributes.insert("externalId".to_owned(), json!("HR-7"));
        ann.emails = serde_json::from_value(json!([{"value": "Ann@example.com"}, {"value": "ann@example.org"}])).unwrap();
        let id = app.users.create(ann.clone()).await.unwrap().id;
        let named = |name: &str, key: &str| (name.to_owned(), key.to_owned());
        let others = |row: &Row| row.0 != "meta.lastModified" && row.0 != words::WORDS;
        let without_time = |rows: Vec<Row>| -> Vec<Row> { rows.into_iter().filter(others).collect() };
        let words = async || rows(&db, id).await.into_iter().filter(|row| row.0 == words::WORDS).map(|row| row.1).collect::<Vec<_>>();
        assert_eq!(words().await, ["@example.com", "@example.org", "ann ", "archer "]);
        assert_eq!(without_time(rows(&db, id).await), [
            named("emails.value", "ann@example.com"), named("emails.value", "ann@example.org"), named("externalId", "HR-7"),
            named("name.familyName", "archer"), named("userName", "ann"),
        ]);
        ann.user_name = "Anna".parse().unwrap();
        ann.emails.pop();
        app.users.replace(id, &IfMatch::Any, ann).await.unwrap();
        assert_eq!(without_time(rows(&db, id).await), [
            named("emails.value", "ann@example.com"), named("externalId", "HR-7"), named("name.familyName", "archer"),
            named("userName", "anna"),
        ]);
        assert_eq!(words().await, ["@example.com", "ann ", "anna ", "archer "]);
        app.users.delete(id, &IfMatch::Any).await.unwrap();
        assert_eq!(rows(&db, id).await, []);
    }

    async fn what_the_version_before_wrote_is_filled_in(db: TestDb) {
        let app = app(&db);
        let ann = app.users.create(desired_user("ann")).await.unwrap();
        let bob = app.users.create(desired_user("bob")).await.unwrap();
        // That version renames ann, and knows of no values and no total.
        let renamed = json!({"user_name": "zoe", "version": 2});
        let mut document = serde_json::to_value(&ann).unwrap();
        document.as_object_mut().unwrap().extend(renamed.as_object().unwrap().clone());
        let mut tx = db.begin("test").await.unwrap();
        on_engine!(&mut tx, c => sqlx::query("UPDATE people SET user_name_key = 'zoe', version = 2, document = $2 WHERE id = $1")
            .bind(ann.id).bind(sqlx::types::Json(&document)).execute(c).await.unwrap().rows_affected());
        on_engine!(&mut tx, c => sqlx::query("DELETE FROM people WHERE id = $1").bind(bob.id).execute(c).await.unwrap().rows_affected());
        tx.commit().await.unwrap();
        assert_eq!(rows(&db, bob.id).await, [], "the rows of a deleted user are deleted");
        // A change beside it does not make the rest look complete.
        let patch = crate::users::Patch::from_json(json!({"locale": "fr"}), app.registry.users()).unwrap();
        app.users.patch_own(ann.id, &IfMatch::Any, patch).await.unwrap();
        assert!(values::any_missing(&mut db.reader().await.unwrap()).await.unwrap());
        app.users.fill_values(&Shutdown::new()).await.unwrap();
        assert!(!values::any_missing(&mut db.reader().await.unwrap()).await.unwrap());
        let names: Vec<String> = rows(&db, ann.id).await.into_iter().filter(|row| row.0 == "userName").map(|row| row.1).collect();
        assert_eq!(names, ["zoe"]);
        assert_eq!(total::read(&mut db.reader().await.unwrap()).await.unwrap(), 1);
    }

    async fn an_attribute_that_is_indexed_later_is_filled_in_while_others_are_searched(db: TestDb) {
        let of = |indexed: bool| serde_json::from_value(json!({"attributes": [
            {"name": "badge", "indexed": indexed}, {"name": "tags", "multi_valued": true, "indexed": indexed},
        ]})).unwrap();
        let urn = scim::schema::CONFIGURED_USER;
        let person = |number: u8| {
            let mut person = desired_user(&format!("person{number}"));
            person.attributes.insert(urn.to_owned(), json!({"badge": format!("B{number}"), "tags": ["all", format!("t{number}")]}));
            person
        };
        let before = app_with_attributes(&db, &of(false));
        before.users.note_indexed_attributes().await.unwrap();
        before.users.note_indexed_attributes().await.unwrap();
        for number in 0..5 {
            before.users.create(person(number)).await.unwrap();
        }
        let (after, clock) = app_with_grace_and_attributes(&db, 0, &of(true));
        after.users.note_indexed_attributes().await.unwrap();
        let found = async |app: &SharedApp, limit: usize, filter: &str| {
            let mut users = app.users.clone();
            users.search_limit = limit;
            let search = Search {
                client: None,
                authority: Authority::EVERYBODY,
                filter: Some(Filter::parse(filter, &[app.registry.users()]).unwrap()),
                sort: None,
                start: Start::Offset(0),
                count: 10,
            };
            let page = users.search(&search, Accessor::Client).await;
            page.map(|page| page.users.iter().map(|user| user.user_name.as_str().to_owned()).collect::<Vec<_>>())
        };
        let badge = |number: u8| format!("{urn}:badge eq \"b{number}\"");
        // A search that needs the index waits, one of a few users compares them, and the others are served.
        assert!(matches!(found(&after, 2, &badge(3)).await, Err(SearchError::IndexIncomplete)));
        assert_eq!(found(&after, 20, &badge(3)).await.unwrap(), ["person3"]);
        assert_eq!(found(&after, 2, "userName sw \"person3\"").await.unwrap(), ["person3"]);
        assert!(matches!(found(&before, 2, &badge(3)).await, Err(SearchError::Refused(_))));
        after.users.create(person(5)).await.unwrap();
        after.users.fill_values(&Shutdown::new()).await.unwrap();
        for number in [3, 5] {
            assert_eq!(found(&after, 2, &badge(number)).await.unwrap(), [format!("person{number}")]);
        }
        assert_eq!(found(&after, 2, &format!("{urn}:tags eq \"t4\"")).await.unwrap(), ["person4"]);
        assert_index_agrees(&db, after.registry.users()).await;
        // A replica that has the former configuration writes a user after that.
        before.users.create(person(6)).await.unwrap();
        assert_eq!(found(&after, 2, &badge(6)).await.unwrap(), Vec::<String>::new());
        clock.advance(std::time::Duration::from_secs(601));
        after.users.fill_values(&Shutdown::new()).await.unwrap();
        assert_eq!(found(&after, 2, &badge(6)).await.unwrap(), ["person6"]);
        assert_index_agrees(&db, after.registry.users()).await;
        // The marks are taken away, and a user is changed before they are there again.
        before.users.note_indexed_attributes().await.unwrap();
        before.users.fill_values(&Shutdown::new()).await.unwrap();
        assert_index_agrees(&db, before.registry.users()).await;
        let id = before.users.create(person(7)).await.unwrap().id;
        before.users.replace(id, &IfMatch::Any, person(8)).await.unwrap();
        after.users.note_indexed_attributes().await.unwrap();
        assert!(matches!(found(&after, 2, &badge(8)).await, Err(SearchError::IndexIncomplete)));
        after.users.fill_values(&Shutdown::new()).await.unwrap();
        assert_eq!(found(&after, 2, &badge(8)).await.unwrap(), ["person8"]);
        assert_index_agrees(&db, after.registry.users()).await;
    }

    async fn the_total_is_right_while_many_are_added_and_it_is_folded(db: TestDb) {
        let app = app(&db);
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..8 {
            let app = app.clone();
            tasks.spawn(async move {
                let id = app.users.create(desired_user(&format!("person{number}"))).await.unwrap().id;
                app.users.fold_total().await.unwrap();
                if number % 2 == 0 {
                    app.users.delete(id, &IfMatch::Any).await.unwrap();
                    app.users.recount().await.unwrap();
                }
            });
        }
        tasks.join_all().await;
        assert_eq!(total::read(&mut db.reader().await.unwrap()).await.unwrap(), 4);
        app.users.fold_total().await.unwrap();
        assert_eq!(total::read(&mut db.reader().await.unwrap()).await.unwrap(), 4);
    }
}
