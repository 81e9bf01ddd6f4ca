//! Tests of clients that declarative files manage.

use chassis::db::Db;
use serde_json::json;

use super::*;
use crate::testing::{self, TestApp};

const SECRET: &str = "a secret that somebody else has made up";

fn file(name: &str) -> FileName {
    name.parse().unwrap()
}

fn wanted(name: &str) -> WantedClient {
    WantedClient {
        managed_by: file("default"),
        owner: Some(file("default")),
        metadata: ClientMetadata {
            client_name: Some(name.to_owned()),
            redirect_uris: vec!["https://app.example.org/callback".parse().unwrap()],
            ..ClientMetadata::default()
        },
        secret: None,
    }
}

fn with_secret(name: &str, secret: &str) -> WantedClient {
    WantedClient {
        secret: Some(secret.to_owned().into()),
        ..wanted(name)
    }
}

async fn apply(
    app: &TestApp,
    expected: Expected,
    wanted: WantedClient,
) -> Result<CreatedClient, ClientError> {
    app.clients.apply("shop".parse().unwrap(), expected, wanted).await
}

/// The client as another file wants it, which so far is managed by `owner`.
fn taken_from(owner: Option<&str>, name: &str) -> WantedClient {
    WantedClient {
        managed_by: file(name),
        owner: owner.map(file),
        ..wanted("Shop")
    }
}

async fn end(app: &TestApp, name: &str, version: i64, ending: Ending) -> Result<bool, ClientError> {
    app.clients
        .end_management("shop", &file(name), version, ending)
        .await
}

async fn app(db: &Db) -> TestApp {
    let app = testing::app(db).await;
    apply(&app, Expected::Absent, wanted("Shop")).await.unwrap();
    app
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn a_client_is_made_changed_and_deleted_with_its_mark(db: TestDb) {
        let app = testing::app(&db).await;
        let made = apply(&app, Expected::Absent, wanted("Shop")).await.unwrap();
        assert!(made.secret.is_some(), "nobody gave it a secret");
        let again = apply(&app, Expected::Absent, wanted("Shop")).await;
        assert!(matches!(again, Err(ClientError::Taken)), "{again:?}");
        let same = apply(&app, Expected::Version(1), wanted("Shop")).await.unwrap();
        assert_eq!((same.client.version, same.secret.is_none()), (1, true));
        let changed = apply(&app, Expected::Version(1), wanted("Store")).await.unwrap();
        assert_eq!((changed.client.version, changed.secret.is_none()), (2, true));
        let marks = app.clients.list_managed("", 10).await.unwrap();
        assert_eq!((marks.len(), marks[0].id.as_str(), marks[0].managed_by.as_str()), (1, "shop", "default"));
        assert_eq!(marks[0].settings["client_name"], json!("Store"));
        assert!(app.clients.list_managed("shop", 10).await.unwrap().is_empty());
        // A change by hand leaves the mark as it was: the difference is the drift.
        app.clients.update("shop", None, wanted("By hand").metadata, true).await.unwrap();
        assert_eq!(app.clients.list_managed("", 10).await.unwrap()[0].settings["client_name"], json!("Store"));
        assert!(!end(&app, "other", 3, Ending::Delete).await.unwrap(), "another file's");
        let stale = end(&app, "default", 2, Ending::Delete).await;
        assert!(matches!(stale, Err(ClientError::Changed)), "{stale:?}");
        assert!(end(&app, "default", 3, Ending::Delete).await.unwrap());
        assert!(app.clients.find_newest("shop").await.unwrap().is_none());
        assert!(app.clients.list_managed("", 10).await.unwrap().is_empty());
    }

    async fn what_people_made_is_not_deleted_and_can_be_taken_over(db: TestDb) {
        let app = testing::app(&db).await;
        let shop = app.clients.create(Some("shop".parse().unwrap()), wanted("Shop").metadata).await.unwrap();
        assert!(!end(&app, "default", 1, Ending::Delete).await.unwrap());
        let taken = apply(&app, Expected::Version(1), taken_from(None, "default")).await.unwrap();
        assert_eq!((taken.client.version, taken.secret.is_none()), (1, true));
        assert!(taken.client.accepts(crate::clients::AuthMethod::ClientSecretBasic, shop.secret.as_ref().map(|secret| secret.expose())));
        // What a file took over is released, and never deleted.
        assert!(!app.clients.list_managed("", 10).await.unwrap()[0].made);
        assert_eq!(apply(&app, Expected::Version(1), wanted("Store")).await.unwrap().client.version, 2);
        assert!(!end(&app, "default", 2, Ending::Delete).await.unwrap());
        assert!(!end(&app, "other", 2, Ending::Release).await.unwrap());
        assert!(end(&app, "default", 2, Ending::Release).await.unwrap());
        assert!(app.clients.find_newest("shop").await.unwrap().is_some());
        assert!(app.clients.list_managed("", 10).await.unwrap().is_empty());
        assert!(app.clients.delete("shop").await.unwrap());
        // A deletion by hand takes the mark along, so that the next client of this id is nobody's.
        apply(&app, Expected::Absent, wanted("Shop")).await.unwrap();
        assert!(app.clients.delete("shop").await.unwrap());
        app.clients.create(Some("shop".parse().unwrap()), wanted("Shop").metadata).await.unwrap();
        assert!(app.clients.list_managed("", 10).await.unwrap().is_empty());
    }

    async fn what_another_file_made_is_not_deleted(db: TestDb) {
        let app = app(&db).await;
        assert!(app.clients.list_managed("", 10).await.unwrap()[0].made);
        apply(&app, Expected::Version(1), taken_from(Some("default"), "team")).await.unwrap();
        assert!(!end(&app, "team", 1, Ending::Delete).await.unwrap(), "it was taken over");
        apply(&app, Expected::Version(1), taken_from(Some("team"), "default")).await.unwrap();
        assert!(!end(&app, "default", 1, Ending::Delete).await.unwrap(), "the other file may have changed it since");
    }

    async fn a_change_names_the_file_that_manages_the_client(db: TestDb) {
        let app = app(&db).await;
        let unmarked = apply(&app, Expected::Version(1), taken_from(None, "team")).await;
        assert!(matches!(unmarked, Err(ClientError::Changed)), "{unmarked:?}");
        // The other file takes it over with the settings that it has, so the version stays.
        let taken = apply(&app, Expected::Version(1), taken_from(Some("default"), "team")).await.unwrap();
        assert_eq!(taken.client.version, 1);
        let changed = apply(&app, Expected::Version(1), wanted("Store")).await;
        assert!(matches!(changed, Err(ClientError::Changed)), "{changed:?}");
        let now = app.clients.find_newest("shop").await.unwrap().unwrap();
        assert_eq!((now.version, now.display_name()), (1, "Shop"), "nothing of it is written");
        assert_eq!(app.clients.list_managed("", 1).await.unwrap()[0].managed_by, "team");
    }

    async fn a_deletion_and_an_adoption_are_not_both_made(db: TestDb) {
        let app = app(&db).await;
        for round in 0..8 {
            let (adopted, deleted) = tokio::join!(
                apply(&app, Expected::Version(1), taken_from(Some("default"), "team")),
                end(&app, "default", 1, Ending::Delete),
            );
            assert_ne!(adopted.is_ok(), matches!(deleted, Ok(true)), "{round}: {adopted:?} {deleted:?}");
            assert_eq!(app.clients.find_newest("shop").await.unwrap().is_some(), adopted.is_ok());
            app.clients.delete("shop").await.unwrap();
            apply(&app, Expected::Absent, wanted("Shop")).await.unwrap();
        }
    }

    async fn a_given_secret_is_the_newest_of_two(db: TestDb) {
        // SB-28
        let app = testing::app(&db).await;
        let made = apply(&app, Expected::Absent, with_secret("Shop", SECRET)).await.unwrap();
        assert!(made.secret.is_none(), "it is known already");
        let accepts = async |secret: &str| {
            let shop = app.clients.find_newest("shop").await.unwrap().unwrap();
            shop.accepts(crate::clients::AuthMethod::ClientSecretBasic, Some(secret))
        };
        assert!(accepts(SECRET).await);
        assert_eq!(apply(&app, Expected::Version(1), with_secret("Shop", SECRET)).await.unwrap().client.version, 1);
        let second = SECRET.replace("made", "built");
        assert_eq!(apply(&app, Expected::Version(1), with_secret("Shop", &second)).await.unwrap().client.version, 2);
        assert!(accepts(SECRET).await && accepts(&second).await);
        let third = SECRET.replace("made", "thought");
        apply(&app, Expected::Version(2), with_secret("Shop", &third)).await.unwrap();
        assert!(!accepts(SECRET).await, "of the two before, the newest stays");
        assert!(accepts(&second).await && accepts(&third).await);
        for bad in ["short", &"x".repeat(257), "a secret with an ümlaut that is long enough"] {
            let refused = apply(&app, Expected::Version(3), with_secret("Shop", bad)).await;
            assert!(matches!(refused, Err(ClientError::Invalid(InvalidMetadata { field: "client_secret", .. }))), "{bad}");
        }
        let public = WantedClient {
            metadata: ClientMetadata {
                token_endpoint_auth_method: crate::clients::AuthMethod::None,
                ..wanted("Shop").metadata
            },
            ..with_secret("Shop", SECRET)
        };
        let refused = apply(&app, Expected::Version(3), public).await;
        assert!(matches!(refused, Err(ClientError::Invalid(InvalidMetadata { field: "client_secret", .. }))));
    }

    async fn one_of_many_changes_of_a_version_is_made(db: TestDb) {
        let app = app(&db).await;
        let by_file = (0..4).map(|index| apply(&app, Expected::Version(1), wanted(&format!("File {index}"))));
        let by_hand = (0..4).map(async |index| {
            let metadata = wanted(&format!("Hand {index}")).metadata;
            app.clients.update("shop", Some(1), metadata, true).await.map(Option::unwrap)
        });
        let (by_file, by_hand) = tokio::join!(futures_util::future::join_all(by_file), futures_util::future::join_all(by_hand));
        let made: Vec<String> = by_file.into_iter().chain(by_hand).flatten()
            .map(|made| made.client.display_name().to_owned()).collect();
        assert_eq!(made.len(), 1, "{made:?}");
        let now = app.clients.find_newest("shop").await.unwrap().unwrap();
        assert_eq!((now.version, now.display_name()), (2, made[0].as_str()));
        // The mark tells what the file wrote, if it was the faster one or not.
        let mark = &app.clients.list_managed("", 1).await.unwrap()[0];
        let by_file = made[0].starts_with("File");
        assert_eq!(mark.settings["client_name"] == json!(made[0]), by_file);
    }

    async fn a_deletion_and_a_change_of_one_version_are_not_both_made(db: TestDb) {
        let app = app(&db).await;
        for round in 0..8 {
            let version = app.clients.find_newest("shop").await.unwrap().unwrap().version;
            let (changed, deleted) = tokio::join!(
                app.clients.update("shop", Some(version), wanted(&format!("Hand {round}")).metadata, true),
                end(&app, "default", version, Ending::Delete),
            );
            let changed = matches!(changed, Ok(Some(_)));
            assert_ne!(changed, matches!(deleted, Ok(true)), "{deleted:?}");
            if !changed {
                apply(&app, Expected::Absent, wanted("Shop")).await.unwrap();
            }
        }
    }

    async fn clients_of_the_configuration_are_left_alone(db: TestDb) {
        let app = testing::app(&db).await;
        let robot = "[shop]\nclient_secret = \"0123456789abcdef0123456789abcdef\"\ngrant_types = [\"client_credentials\"]";
        app.bootstrap(&toml::from_str(robot).unwrap()).await.unwrap();
        let refused = apply(&app, Expected::Version(1), wanted("Shop")).await;
        assert!(matches!(refused, Err(ClientError::Configured)), "{refused:?}");
        assert!(app.clients.list_managed("", 10).await.unwrap().is_empty());
    }
}
