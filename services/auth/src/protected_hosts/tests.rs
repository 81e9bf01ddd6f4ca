//! Tests of the registration of protected hosts.

use super::*;
use crate::testing;

fn settings(name: &str) -> HostSettings {
    HostSettings {
        name: name.to_owned(),
        rules: AccessRules {
            groups: vec!["staff".to_owned()],
            ..AccessRules::default()
        },
    }
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn a_host_is_registered_changed_and_deleted(db: TestDb) {
        let app = testing::app(&db).await;
        let hosts = &app.protected_hosts;
        let origin = Origin::parse("wiki.example.org").unwrap();
        assert!(hosts.find(&origin).await.unwrap().is_none());
        hosts.create(origin.clone(), settings("Wiki")).await.unwrap();
        let again = hosts.create(origin.clone(), settings("Wiki")).await;
        assert!(matches!(again, Err(ProtectedHostError::Taken)), "{again:?}");
        hosts.create(Origin::parse("app.example.org:8443").unwrap(), settings("App")).await.unwrap();
        let listed = hosts.list("", 10).await.unwrap();
        let listed: Vec<String> = listed.iter().map(|host| host.origin.to_string()).collect();
        assert_eq!(listed, ["https://app.example.org:8443", "https://wiki.example.org"]);
        assert_eq!(hosts.list("app.example.org:8443", 1).await.unwrap().len(), 1);
        assert_eq!(hosts.find(&origin).await.unwrap().unwrap().settings.name, "Wiki");
        // The scheme is a part of the host.
        assert!(hosts.find(&Origin::from_parts("http", "wiki.example.org").unwrap()).await.unwrap().is_none());
        let changed = hosts.replace("wiki.example.org", settings("Handbook")).await.unwrap().unwrap();
        assert_eq!((changed.version, changed.settings.name.as_str()), (2, "Handbook"));
        assert_eq!(hosts.find(&origin).await.unwrap().unwrap().settings.name, "Handbook");
        assert!(hosts.replace("nobody.example.org", settings("X")).await.unwrap().is_none());
        assert!(hosts.delete("wiki.example.org").await.unwrap());
        assert!(!hosts.delete("wiki.example.org").await.unwrap());
        assert!(hosts.find(&origin).await.unwrap().is_none());
    }

    async fn what_another_replica_changes_is_seen_within_two_seconds(db: TestDb) {
        let app = testing::app(&db).await;
        let other = testing::app(&db).await;
        let origin = Origin::parse("wiki.example.org").unwrap();
        app.protected_hosts.create(origin.clone(), settings("Wiki")).await.unwrap();
        assert!(app.protected_hosts.find(&origin).await.unwrap().is_some());
        other.protected_hosts.delete("wiki.example.org").await.unwrap();
        app.wait(std::time::Duration::from_secs(2));
        assert!(app.protected_hosts.find(&origin).await.unwrap().is_none());
    }

    // SB-51
    async fn the_host_of_this_service_cannot_be_protected(db: TestDb) {
        let app = testing::app(&db).await;
        for host in ["id.example.org", "ID.example.org:8443"] {
            let refused = app.protected_hosts.create(Origin::parse(host).unwrap(), settings("Wiki")).await;
            assert!(matches!(refused, Err(ProtectedHostError::Issuer)), "{host}: {refused:?}");
        }
        for name in ["", " ", "a\nb", &"x".repeat(101)] {
            let refused = app.protected_hosts.create(Origin::parse("a.example").unwrap(), settings(name)).await;
            assert!(matches!(refused, Err(ProtectedHostError::Name)), "{name:?}");
        }
        let mut rules = settings("Wiki");
        rules.rules.groups.clear();
        let refused = app.protected_hosts.create(Origin::parse("a.example").unwrap(), rules).await;
        assert!(matches!(refused, Err(ProtectedHostError::Rules(_))), "{refused:?}");
    }
}
