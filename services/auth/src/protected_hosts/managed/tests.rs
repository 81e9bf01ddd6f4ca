//! Tests of protected hosts that declarative files manage.

use forward_auth::AccessRules;

use super::*;
use crate::testing::{self, TestApp};

fn file(name: &str) -> FileName {
    name.parse().unwrap()
}

fn wanted(host: &str, name: &str) -> WantedHost {
    WantedHost {
        managed_by: file("default"),
        owner: Some(file("default")),
        origin: Origin::parse(host).unwrap(),
        settings: HostSettings {
            name: name.to_owned(),
            rules: AccessRules {
                everybody: true,
                ..AccessRules::default()
            },
        },
    }
}

async fn apply(app: &TestApp, expected: Expected, name: &str) -> Result<ProtectedHost, ProtectedHostError> {
    app.protected_hosts
        .apply(expected, wanted("wiki.example.org", name))
        .await
}

fn taken_from(owner: Option<&str>, name: &str) -> WantedHost {
    WantedHost {
        managed_by: file(name),
        owner: owner.map(file),
        ..wanted("wiki.example.org", "Wiki")
    }
}

async fn end(app: &TestApp, name: &str, version: i64, ending: Ending) -> Result<bool, ProtectedHostError> {
    let hosts = &app.protected_hosts;
    hosts
        .end_management("wiki.example.org", &file(name), version, ending)
        .await
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn a_host_is_made_changed_and_deleted_with_its_mark(db: TestDb) {
        let app = testing::app(&db).await;
        let hosts = &app.protected_hosts;
        assert_eq!(apply(&app, Expected::Absent, "Wiki").await.unwrap().version, 1);
        let again = apply(&app, Expected::Absent, "Wiki").await;
        assert!(matches!(again, Err(ProtectedHostError::Taken)), "{again:?}");
        assert_eq!(apply(&app, Expected::Version(1), "Wiki").await.unwrap().version, 1, "it is the same");
        assert_eq!(apply(&app, Expected::Version(1), "Handbook").await.unwrap().version, 2);
        let stale = apply(&app, Expected::Version(1), "Wiki").await;
        assert!(matches!(stale, Err(ProtectedHostError::Changed)), "{stale:?}");
        let marks = hosts.list_managed("", 10).await.unwrap();
        assert_eq!((marks.len(), marks[0].id.as_str(), &marks[0].settings["name"]), (1, "wiki.example.org", &"Handbook".into()));
        assert!(!end(&app, "other", 2, Ending::Delete).await.unwrap(), "another file's");
        let stale = end(&app, "default", 1, Ending::Delete).await;
        assert!(matches!(stale, Err(ProtectedHostError::Changed)), "{stale:?}");
        assert!(end(&app, "default", 2, Ending::Delete).await.unwrap());
        assert!(hosts.find_by_name("wiki.example.org").await.unwrap().is_none());
        assert!(hosts.list_managed("", 10).await.unwrap().is_empty());
    }

    async fn what_people_made_is_not_deleted_and_can_be_taken_over(db: TestDb) {
        let app = testing::app(&db).await;
        let hosts = &app.protected_hosts;
        let WantedHost { origin, settings, .. } = wanted("wiki.example.org", "Wiki");
        hosts.create(origin, settings).await.unwrap();
        assert!(!end(&app, "default", 1, Ending::Delete).await.unwrap());
        let adopted = hosts.apply(Expected::Version(1), taken_from(None, "default")).await.unwrap();
        assert_eq!(adopted.version, 1);
        // What a file took over is released, and never deleted.
        assert!(!end(&app, "default", 1, Ending::Delete).await.unwrap());
        assert!(!end(&app, "other", 1, Ending::Release).await.unwrap());
        assert!(end(&app, "default", 1, Ending::Release).await.unwrap());
        assert!(hosts.find_by_name("wiki.example.org").await.unwrap().is_some());
        assert!(hosts.list_managed("", 10).await.unwrap().is_empty());
    }

    async fn a_change_names_the_file_that_manages_the_host(db: TestDb) {
        let app = testing::app(&db).await;
        let hosts = &app.protected_hosts;
        apply(&app, Expected::Absent, "Wiki").await.unwrap();
        hosts.apply(Expected::Version(1), taken_from(Some("default"), "team")).await.unwrap();
        let changed = apply(&app, Expected::Version(1), "Handbook").await;
        assert!(matches!(changed, Err(ProtectedHostError::Changed)), "{changed:?}");
        let unmarked = hosts.apply(Expected::Version(1), taken_from(None, "default")).await;
        assert!(matches!(unmarked, Err(ProtectedHostError::Changed)), "{unmarked:?}");
        assert!(!end(&app, "team", 1, Ending::Delete).await.unwrap(), "another file made it");
        let now = hosts.find_by_name("wiki.example.org").await.unwrap().unwrap();
        assert_eq!((now.version, now.settings.name.as_str()), (1, "Wiki"), "nothing of it is written");
    }

    async fn a_deletion_and_an_adoption_are_not_both_made(db: TestDb) {
        let app = testing::app(&db).await;
        let hosts = &app.protected_hosts;
        for round in 0..8 {
            apply(&app, Expected::Absent, "Wiki").await.unwrap();
            let (adopted, deleted) = tokio::join!(
                hosts.apply(Expected::Version(1), taken_from(Some("default"), "team")),
                end(&app, "default", 1, Ending::Delete),
            );
            assert_ne!(adopted.is_ok(), matches!(deleted, Ok(true)), "{round}: {adopted:?} {deleted:?}");
            let is_there = hosts.find_by_name("wiki.example.org").await.unwrap().is_some();
            assert_eq!(is_there, adopted.is_ok());
            hosts.delete("wiki.example.org").await.unwrap();
        }
    }

    async fn the_scheme_of_a_host_does_not_change(db: TestDb) {
        let app = testing::app(&db).await;
        let hosts = &app.protected_hosts;
        hosts.apply(Expected::Absent, wanted("http://localhost:8080", "Wiki")).await.unwrap();
        let refused = hosts.apply(Expected::Version(1), wanted("https://localhost:8080", "Wiki")).await;
        assert!(matches!(refused, Err(ProtectedHostError::Scheme)), "{refused:?}");
        let own = hosts.apply(Expected::Absent, wanted("id.example.org", "Wiki")).await;
        assert!(matches!(own, Err(ProtectedHostError::Issuer)), "{own:?}");
    }

    async fn one_of_many_changes_of_a_version_is_made(db: TestDb) {
        let app = testing::app(&db).await;
        apply(&app, Expected::Absent, "Wiki").await.unwrap();
        let names: Vec<String> = (0..8).map(|index| format!("Wiki {index}")).collect();
        let changes = names.iter().map(|name| apply(&app, Expected::Version(1), name));
        let outcomes = futures_util::future::join_all(changes).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        let now = app.protected_hosts.find_by_name("wiki.example.org").await.unwrap().unwrap();
        assert_eq!(now.version, 2);
    }
}
