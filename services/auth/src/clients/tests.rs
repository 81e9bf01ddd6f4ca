//! Tests of clients: registration, authentication, the configuration file and the cache.

mod addresses;
mod assertions;
mod changes;
mod registration;
mod statements;

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::testing::{self, TestApp};

fn web() -> ClientMetadata {
    ClientMetadata {
        redirect_uris: vec!["https://app.example.org/callback".parse().unwrap()],
        ..ClientMetadata::default()
    }
}

fn settings(text: &str) -> BTreeMap<String, ClientSettings> {
    toml::from_str(text).unwrap()
}

async fn version(app: &TestApp, id: &str) -> Option<i64> {
    app.wait(Duration::from_secs(3));
    app.clients.find(id).await.unwrap().map(|client| client.version)
}

const ROBOT: &str = r#"
    [robot]
    client_secret = "0123456789abcdef0123456789abcdef"
    grant_types = ["client_credentials"]
    scope = "users:read"
"#;

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn a_secret_is_told_once_and_stored_as_a_hash(db: TestDb) {
        // SB-28
        let app = testing::app(&db).await;
        let created = app.clients.create(None, web()).await.unwrap();
        let secret = created.secret.unwrap();
        let client = app.clients.find(created.client.id.as_str()).await.unwrap().unwrap();
        assert_eq!(client.secrets()[0].hash, secret.hash().as_bytes());
        assert!(client.accepts(AuthMethod::ClientSecretBasic, Some(secret.expose())));
        assert!(!client.accepts(AuthMethod::ClientSecretBasic, Some("guess")));
        assert!(!client.accepts(AuthMethod::None, None));
        assert!(!client.accepts(AuthMethod::ClientSecretBasic, None));
    }

    async fn a_client_is_held_to_the_method_that_it_is_registered_for(db: TestDb) {
        // SB-28
        let app = testing::app(&db).await;
        let all = [AuthMethod::ClientSecretBasic, AuthMethod::ClientSecretPost, AuthMethod::None];
        for registered in all {
            let wish = ClientMetadata { token_endpoint_auth_method: registered, ..web() };
            let created = app.clients.create(None, wish).await.unwrap();
            let secret = created.secret.as_ref().map(|secret| secret.expose());
            for method in all {
                assert_eq!(created.client.accepts(method, secret), method == registered, "{registered:?} {method:?}");
                assert!(!created.client.accepts(method, Some("guess")), "{registered:?} {method:?}");
            }
        }
        let configured = settings(&ROBOT.replace("grant_types", "token_endpoint_auth_method = \"client_secret_post\"\ngrant_types"));
        app.bootstrap(&configured).await.unwrap();
        let robot = app.clients.find("robot").await.unwrap().unwrap();
        assert!(robot.accepts(AuthMethod::ClientSecretPost, Some("0123456789abcdef0123456789abcdef")));
        assert!(!robot.accepts(AuthMethod::ClientSecretBasic, Some("0123456789abcdef0123456789abcdef")));
        let nothing_sent = settings(&ROBOT.replace("grant_types", "token_endpoint_auth_method = \"none\"\ngrant_types"));
        let refused = app.bootstrap(&nothing_sent).await.unwrap_err().to_string();
        assert!(refused.contains("clients.robot: token_endpoint_auth_method"), "{refused}");
    }

    async fn an_id_is_taken_once(db: TestDb) {
        let app = testing::app(&db).await;
        let id: ClientId = "web".parse().unwrap();
        let tries = (0..8).map(|_| app.clients.create(Some(id.clone()), web()));
        let outcomes = futures_util::future::join_all(tries).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        assert!(outcomes.iter().filter_map(|outcome| outcome.as_ref().err())
            .all(|error| matches!(error, ClientError::Taken)));
    }

    async fn another_replica_sees_a_change_within_five_seconds(db: TestDb) {
        let here = testing::app(&db).await;
        let there = testing::app(&db).await;
        here.clients.create(Some("web".parse().unwrap()), web()).await.unwrap();
        assert!(there.clients.find("web").await.unwrap().is_some());
        assert!(here.clients.delete("web").await.unwrap());
        assert!(here.clients.find("web").await.unwrap().is_none());
        assert!(there.clients.find("web").await.unwrap().is_some(), "from its cache");
        there.wait(Duration::from_secs(3));
        assert!(there.clients.find("web").await.unwrap().is_none());
    }

    async fn the_configuration_makes_changes_and_removes_its_clients(db: TestDb) {
        let app = testing::app(&db).await;
        app.bootstrap(&settings(ROBOT)).await.unwrap();
        app.bootstrap(&settings(ROBOT)).await.unwrap();
        assert_eq!(version(&app, "robot").await, Some(1), "nothing to change the second time");
        assert!(matches!(app.clients.delete("robot").await, Err(ClientError::Configured)));
        let more = ROBOT.replace("users:read", "users:write");
        app.bootstrap(&settings(&more)).await.unwrap();
        assert_eq!(version(&app, "robot").await, Some(2));
        app.bootstrap(&BTreeMap::new()).await.unwrap();
        assert_eq!(version(&app, "robot").await, None);
        assert!(version(&app, DIRECT_CLIENT).await.is_some());
        app.clients.create(Some("web".parse().unwrap()), web()).await.unwrap();
        app.bootstrap(&BTreeMap::new()).await.unwrap();
        assert!(version(&app, "web").await.is_some(), "an administrator's client stays");
        let short = ROBOT.replace("0123456789abcdef0123456789abcdef", "short");
        let error = app.bootstrap(&settings(&short)).await.unwrap_err().to_string();
        assert!(error.starts_with("clients.robot: client_secret:") && !error.contains("short"), "{error}");
    }

    async fn our_own_services_are_named_as_tokens_name_them(db: TestDb) {
        let app = testing::app(&db).await;
        let ours = app.issuer.audiences().last().unwrap().clone();
        let other_form = format!("{}/", ours.as_str().replace("https://", "HTTPS://"));
        let resource = format!("resource = \"{other_form}\"\naudiences = [\"{other_form}\", \"https://other.example/\"]");
        app.bootstrap(&settings(&format!("{ROBOT}\n{resource}"))).await.unwrap();
        let robot = app.clients.find("robot").await.unwrap().unwrap();
        assert_eq!(robot.metadata.resource.as_ref(), Some(&ours));
        let audiences: Vec<_> = robot.metadata.audiences.iter().map(|audience| audience.as_str()).collect();
        assert_eq!(audiences, [ours.as_str(), "https://other.example/"], "that of another stays as it is");
    }

    async fn a_member_of_a_later_release_concerns_its_client_alone(db: TestDb) {
        let app = testing::app(&db).await;
        app.bootstrap(&settings(ROBOT)).await.unwrap();
        for id in ["later", "web"] {
            app.clients.create(Some(id.parse().unwrap()), web()).await.unwrap();
        }
        app.wait(Duration::from_secs(3));
        let mut tx = db.begin("test").await.unwrap();
        let statement = chassis::sql!(&tx,
            sqlite: "UPDATE clients SET registration = json_set(registration, '$.only_at_night', json('true'))
                WHERE id IN ('later', 'robot')",
            postgres: "UPDATE clients SET registration = registration || '{\"only_at_night\": true}'
                WHERE id IN ('later', 'robot')",
        );
        chassis::on_engine!(&mut tx, c => sqlx::query(statement).execute(c).await.map(drop).unwrap());
        tx.commit().await.unwrap();
        assert!(app.clients.find("web").await.unwrap().is_some());
        for id in ["later", "robot"] {
            let error = app.clients.find(id).await.unwrap_err();
            let text = chassis::telemetry::error_text(&error);
            assert!(text.contains("later release"), "it may forbid what this release would do: {text}");
        }
        let listed = app.clients.list("", 10).await.unwrap();
        let listed: Vec<_> = listed.iter().map(|client| client.id.as_str()).collect();
        assert_eq!(listed, ["later", "robot", DIRECT_CLIENT, "web"]);
        app.bootstrap(&settings(ROBOT)).await.unwrap();
        assert_eq!(version(&app, "robot").await, Some(2), "the configuration says all about it");
        assert!(app.clients.delete("later").await.unwrap());
    }

    async fn a_value_of_a_later_release_concerns_its_client_alone(db: TestDb) {
        let app = testing::app(&db).await;
        app.bootstrap(&settings(ROBOT)).await.unwrap();
        app.clients.create(Some("later".parse().unwrap()), web()).await.unwrap();
        let mut tx = db.begin("test").await.unwrap();
        let statement = chassis::sql!(&tx,
            sqlite: "UPDATE clients SET registration = json_set(registration, '$.token_endpoint_auth_method', 'later_method')
                WHERE id IN ('later', 'robot')",
            postgres: "UPDATE clients SET registration = registration || '{\"token_endpoint_auth_method\": \"later_method\"}'
                WHERE id IN ('later', 'robot')",
        );
        chassis::on_engine!(&mut tx, c => sqlx::query(statement).execute(c).await.map(drop).unwrap());
        tx.commit().await.unwrap();
        app.wait(Duration::from_secs(3));
        assert!(app.clients.find("later").await.is_err(), "it authenticates in a way that this release does not know");
        let listed = app.clients.list("", 10).await.unwrap();
        let listed: Vec<_> = listed.iter().map(|client| client.id.as_str()).collect();
        assert_eq!(listed, ["later", "robot", DIRECT_CLIENT]);
        app.bootstrap(&settings(ROBOT)).await.unwrap();
        assert_eq!(version(&app, "robot").await, Some(2), "the configuration says all about it");
    }

    async fn keys_without_a_method_make_no_public_client(db: TestDb) {
        // SB-28
        let app = testing::app(&db).await;
        let spa = |more: &str| settings(&format!("[bank]\nredirect_uris = [\"https://bank.example/cb\"]\njwks_uri = \"https://bank.example/jwks\"\n{more}"));
        let refused = app.bootstrap(&spa("")).await.unwrap_err().to_string();
        assert!(refused.contains("clients.bank: token_endpoint_auth_method"), "{refused}");
        for (method, name) in [(AuthMethod::PrivateKeyJwt, "private_key_jwt"), (AuthMethod::None, "none")] {
            app.bootstrap(&spa(&format!("token_endpoint_auth_method = \"{name}\""))).await.unwrap();
            let bank = app.clients.find_newest("bank").await.unwrap().unwrap();
            assert_eq!(bank.metadata.token_endpoint_auth_method, method);
        }
    }

    async fn replicas_that_start_at_once_agree_on_the_clients(db: TestDb) {
        let app = testing::app(&db).await;
        let changed = ROBOT.replace("users:read", "users:write");
        for (wanted, robot) in [(ROBOT, Some(1)), (changed.as_str(), Some(2)), ("", None)] {
            let wanted = settings(wanted);
            let starts = futures_util::future::join_all((0..8).map(|_| app.bootstrap(&wanted))).await;
            assert!(starts.iter().all(Result::is_ok), "{starts:?}");
            assert_eq!(version(&app, "robot").await, robot, "written once");
        }
    }

    async fn clients_are_listed_page_by_page(db: TestDb) {
        let app = testing::app(&db).await;
        for id in ["a", "b", "c"] {
            app.clients.create(Some(id.parse().unwrap()), web()).await.unwrap();
        }
        let ids = |page: Vec<Client>| page.iter().map(|client| client.id.to_string()).collect::<Vec<_>>();
        assert_eq!(ids(app.clients.list("", 2).await.unwrap()), ["a", "b"]);
        assert_eq!(ids(app.clients.list("b", 2).await.unwrap()), ["c"]);
    }
}
