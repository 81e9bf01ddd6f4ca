//! Tests of indexed values: their keys, and rows that another version left incomplete.

use chassis::on_engine;
use chassis::shutdown::Shutdown;
use scim::filter::{Comparison, Filter};
use scim::schema::Registry;
use scim::version::IfMatch;
use serde_json::json;

use super::store as values;
use super::*;
use crate::testing::{app, desired_user};
use crate::users::total;

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
        let without_time = |rows: Vec<Row>| -> Vec<Row> { rows.into_iter().filter(|row| row.0 != "meta.lastModified").collect() };
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

    async fn an_attribute_that_is_indexed_later_is_filled_in(db: TestDb) {
        let app = app(&db);
        app.users.note_indexed_attributes().await.unwrap();
        app.users.note_indexed_attributes().await.unwrap();
        let mut ann = desired_user("ann");
        let urn = scim::schema::CONFIGURED_USER;
        ann.attributes.insert(urn.to_owned(), json!({"badge": "A7"}));
        let id = app.users.create(ann).await.unwrap().id;
        let config = serde_json::from_value(json!({"attributes": [{"name": "badge", "uniqueness": "server"}]})).unwrap();
        let changed = crate::testing::app_with_attributes(&db, &config);
        assert!(!values::any_missing(&mut db.reader().await.unwrap()).await.unwrap());
        changed.users.note_indexed_attributes().await.unwrap();
        assert!(changed.users.complete_values().await.unwrap());
        assert!(rows(&db, id).await.contains(&(format!("{urn}:badge"), "a7".to_owned())));
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
