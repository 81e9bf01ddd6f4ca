//! Tests of what a text finds, and in which order, on both engines.

use chassis::db::count_statements;
use chassis::on_engine;
use serde_json::json;

use super::super::*;
use crate::app::SharedApp;
use crate::authority::Authority;
use crate::testing::{app, desired_user};

/// User name, given name, family name and address.
const PEOPLE: [(&str, &str, &str, &str); 12] = [
    ("aarcher", "Ann", "Archer", "ann.archer@example.com"),
    ("anna1990", "Anna", "Baker", "anna@shop.example"),
    ("jmueller", "José", "Müller", "jose.mueller@example.com"),
    ("muller", "Ann-Sophie", "Moeller", "as@example.org"),
    ("schwarz", "Arnold", "Schwarzenegger", "arnold@example.org"),
    ("obrien", "Conan", "O'Brien", "conan@example.org"),
    ("garcia", "Maria del Carmen", "Garcia Lopez", "carmen@example.org"),
    ("cooper7", "Archer", "Cooper", "cooper7@example.org"),
    ("smith", "John", "Smith", "smith@example.org"),
    ("smyth", "Jon", "Smyth", "smyth@example.org"),
    ("elkin", "Пётр", "Ёлкин", "elkin@example.org"),
    ("yamada", "太郎", "山田", "yamada@example.org"),
];

async fn people(app: &SharedApp) {
    for (user_name, given, family, address) in PEOPLE {
        let mut user = desired_user(user_name);
        user.name.given_name = Some(given.to_owned());
        user.name.family_name = Some(family.to_owned());
        user.emails = serde_json::from_value(json!([{ "value": address }])).unwrap();
        app.users.create(user).await.unwrap();
    }
}

async fn part(app: &SharedApp, text: &str, part: Part) -> TextResults {
    let text = SearchText::parse(text).unwrap();
    app.users
        .search_text(&text, part, &Authority::EVERYBODY)
        .await
        .unwrap()
}

/// User names and kinds.
async fn found(app: &SharedApp, text: &str) -> Vec<(String, MatchKind)> {
    let results = part(app, text, Part { after: 0, limit: 20 }).await;
    let users = results.users.into_iter();
    users
        .map(|(user, kind)| (user.user_name.as_str().to_owned(), kind))
        .collect()
}

async fn names(app: &SharedApp, text: &str) -> Vec<String> {
    found(app, text).await.into_iter().map(|(name, _)| name).collect()
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn somebody_is_found_by_what_an_administrator_remembers(db: TestDb) {
        let app = app(&db);
        people(&app).await;
        for (text, expected) in [
            // Whole words, in any order, without accents and case.
            ("jose MULLER", "jmueller"), ("müller jose", "jmueller"), ("o brien conan", "obrien"), ("o'brien", "obrien"),
            ("carmen garcia", "garcia"), ("lopez maria", "garcia"), ("del lopez", "garcia"), ("елкин", "elkin"), ("山田", "yamada"),
            // Beginnings.
            ("schwarz", "schwarz"), ("arn schw", "schwarz"), ("schw arn", "schwarz"), ("Пёт ёлк", "elkin"),
            // User names and addresses, and parts of them.
            ("jmueller", "jmueller"), ("anna@shop.example", "anna1990"), ("jose.mue", "jmueller"), ("anna1", "anna1990"),
            ("@shop", "anna1990"), ("shop.ex", "anna1990"), ("archer@exam", "aarcher"), ("cooper7@", "cooper7"),
            // Typos.
            ("schwarzeneger", "schwarz"), ("schwarznegger", "schwarz"), ("schwrazenegger", "schwarz"), ("shcwarzeneger", "schwarz"),
            ("arnlod schwarzeneger", "schwarz"), ("schwarzenger", "schwarz"), ("mraia garca", "garcia"), ("conan obrein", "obrien"),
            ("cooprr7", "cooper7"), ("jose.muellr@example.com", "jmueller"), ("елкн", "elkin"), ("shwarzen", "schwarz"),
        ] {
            let names = names(&app, text).await;
            assert_eq!(names.first().map_or("", String::as_str), expected, "{text}: {names:?}");
        }
        for nobody in ["zebra", "ann cooper smith", "jose.mueller@example.net", "xx", "%", "_nn", "a*"] {
            if let Ok(text) = SearchText::parse(nobody) {
                let results = app.users.search_text(&text, Part { after: 0, limit: 20 }, &Authority::EVERYBODY).await.unwrap();
                let exact: Vec<_> = results.users.iter().filter(|(_, kind)| *kind == MatchKind::Exact).collect();
                assert!(exact.is_empty(), "{nobody}: {exact:?}");
            }
        }
    }

    async fn exact_matches_come_before_beginnings_and_those_before_typos(db: TestDb) {
        let app = app(&db);
        people(&app).await;
        assert_eq!(found(&app, "ann").await, [
            ("aarcher".to_owned(), MatchKind::Exact), ("muller".to_owned(), MatchKind::Exact), ("anna1990".to_owned(), MatchKind::Prefix),
        ]);
        // The user name is a whole match, the family name a word.
        assert_eq!(names(&app, "muller").await, ["muller", "jmueller"]);
        assert_eq!(found(&app, "smith").await, [("smith".to_owned(), MatchKind::Exact), ("smyth".to_owned(), MatchKind::Fuzzy)]);
        assert_eq!(names(&app, "archer").await, ["aarcher", "cooper7"]);
        assert_eq!(names(&app, "john smith").await, ["smith", "smyth"]);
        let user = app.users.create(desired_user("zoe")).await.unwrap();
        assert_eq!(found(&app, &user.id.to_string()).await, [("zoe".to_owned(), MatchKind::Exact)]);
        let beginning: String = user.id.to_string().chars().take(20).collect();
        assert!(found(&app, &beginning).await.contains(&("zoe".to_owned(), MatchKind::Prefix)));
    }

    async fn a_search_follows_changes_and_finds_nothing_of_the_deleted(db: TestDb) {
        let app = app(&db);
        let any = scim::version::IfMatch::Any;
        let mut ann = desired_user("ann");
        ann.name.family_name = Some("Archer".to_owned());
        let id = app.users.create(ann.clone()).await.unwrap().id;
        ann.name.family_name = Some("Baker".to_owned());
        app.users.replace(id, &any, ann).await.unwrap();
        assert_eq!(names(&app, "archer").await, Vec::<String>::new());
        assert_eq!(names(&app, "baker").await, ["ann"]);
        app.users.delete(id, &any).await.unwrap();
        assert_eq!(names(&app, "baker").await, Vec::<String>::new());
        let mut reader = db.reader().await.unwrap();
        let left: i64 = on_engine!(&mut reader, c => sqlx::query_scalar("SELECT count(*) FROM user_values").fetch_one(c).await.unwrap());
        assert_eq!(left, 0);
    }

    async fn attributes_of_the_configuration_are_not_searched(db: TestDb) {
        let app = app(&db);
        let mut ann = desired_user("ann");
        ann.attributes.insert("nickName".to_owned(), json!("Sparrow"));
        ann.attributes.insert("badge".to_owned(), json!("sparrow"));
        app.users.create(ann).await.unwrap();
        assert_eq!(names(&app, "sparrow").await, Vec::<String>::new());
    }

    async fn those_written_by_the_version_before_are_found(db: TestDb) {
        let app = app(&db);
        let mut ann = desired_user("ann");
        ann.name.family_name = Some("Archer".to_owned());
        app.users.create(ann).await.unwrap();
        let mut tx = db.begin("test").await.unwrap();
        for statement in ["DELETE FROM user_values", "DELETE FROM user_indexed", "UPDATE people SET values_version = NULL"] {
            on_engine!(&mut tx, c => sqlx::query(statement).execute(c).await.unwrap().rows_affected());
        }
        tx.commit().await.unwrap();
        assert_eq!(names(&app, "acrher").await, ["ann"]);
    }

    async fn every_page_is_part_of_the_same_sequence_and_has_few_statements(db: TestDb) {
        let app = app(&db);
        for number in 0..60 {
            let mut user = desired_user(&format!("person{number:02}"));
            let (given, family) = (["Ann", "Anna", "Anne"][number % 3], ["Archer", "Acher", "Archerson"][number / 3 % 3]);
            user.name.given_name = Some(given.to_owned());
            user.name.family_name = Some(family.to_owned());
            app.users.create(user).await.unwrap();
        }
        for text in ["ann", "archer", "ann archer", "person", "archr"] {
            let all = part(&app, text, Part { after: 0, limit: 100 }).await;
            assert!(!all.more && all.users.len() > 10, "{text}");
            let kinds: Vec<MatchKind> = all.users.iter().map(|(_, kind)| *kind).collect();
            assert!(kinds.is_sorted(), "{text}: {kinds:?}");
            let mut paged = Vec::new();
            loop {
                let (page, statements) = count_statements(part(&app, text, Part { after: paged.len(), limit: 7 })).await;
                assert!(statements < 120, "{text}: {statements}");
                paged.extend(page.users);
                if !page.more {
                    break;
                }
            }
            let ids = |users: &[(UserState, MatchKind)]| Vec::from_iter(users.iter().map(|(user, kind)| (user.id, *kind)));
            assert_eq!(ids(&paged), ids(&all.users), "{text}");
        }
    }

    async fn a_word_with_a_typo_is_found_beside_many_that_begin_nearly_as_it_does(db: TestDb) {
        let app = app(&db);
        let longer = |beginning: &str| Vec::from_iter(('a'..='u').map(|letter| format!("{beginning}{letter}")));
        let others = [longer("Adare"), longer("Adore")].concat();
        for given in others.iter().map(String::as_str).chain(["André"]) {
            let mut user = desired_user(&format!("user{given}").replace('é', "e"));
            user.name.given_name = Some(given.to_owned());
            user.name.family_name = Some("Zhang".to_owned());
            app.users.create(user).await.unwrap();
        }
        assert_eq!(names(&app, "adnré zhnag").await.first().map(String::as_str), Some("userAndre"));
        assert_eq!(names(&app, "adnré").await.first().map(String::as_str), Some("userAndre"));
        assert_eq!(names(&app, "adnré zhnag").await.len(), 20);
    }

    async fn a_word_of_a_user_name_is_found_beside_a_name_that_many_have(db: TestDb) {
        let app = app(&db);
        let mut ann = desired_user("finch7");
        ann.name.given_name = Some("Zoe".to_owned());
        ann.name.family_name = Some("Archer".to_owned());
        app.users.create(ann).await.unwrap();
        let other = app.users.create(desired_user("other")).await.unwrap().id;
        let mut tx = db.begin("test").await.unwrap();
        for number in 0..=MOST_RESULTS {
            let insert = "INSERT INTO user_values (attribute, value_key, user_id) VALUES ('word', $1, $2)";
            let key = format!("archer a{number}");
            on_engine!(&mut tx, c => sqlx::query(insert).bind(&key).bind(other).execute(c).await.unwrap().rows_affected());
        }
        tx.commit().await.unwrap();
        for text in ["archer finch", "finch archer", "archer fin", "archer fnich", "acrher finch"] {
            assert_eq!(names(&app, text).await, ["finch7"], "{text}");
        }
    }
}
