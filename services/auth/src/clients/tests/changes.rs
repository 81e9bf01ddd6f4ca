//! Tests of changes of a client, and of its secrets.

use super::*;
use crate::clients::MAX_SECRETS;

const BASIC: AuthMethod = AuthMethod::ClientSecretBasic;

fn method(method: AuthMethod) -> ClientMetadata {
    ClientMetadata {
        token_endpoint_auth_method: method,
        ..web()
    }
}

async fn shop(app: &TestApp) -> String {
    let created = app
        .clients
        .create(Some("shop".parse().unwrap()), web())
        .await
        .unwrap();
    created.secret.unwrap().expose().to_owned()
}

async fn accepted(app: &TestApp, secret: &str) -> bool {
    let shop = app.clients.find("shop").await.unwrap().unwrap();
    shop.accepts(BASIC, Some(secret))
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn one_of_many_changes_of_a_version_is_made(db: TestDb) {
        let app = testing::app(&db).await;
        shop(&app).await;
        let changes = (0..8).map(async |index: usize| {
            let named = ClientMetadata { client_name: Some(format!("Shop {index}")), ..web() };
            app.clients.update("shop", Some(1), named, true).await
        });
        let outcomes = futures_util::future::join_all(changes).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        assert!(outcomes.iter().filter_map(|outcome| outcome.as_ref().err())
            .all(|error| matches!(error, ClientError::Changed | ClientError::Db(_))), "{outcomes:?}");
        assert_eq!(version(&app, "shop").await, Some(2));
        let events = app.events().await;
        assert_eq!(events.iter().filter(|kind| *kind == "vestibule.client.updated.v1").count(), 1);
    }

    async fn a_change_to_the_same_is_none(db: TestDb) {
        let app = testing::app(&db).await;
        shop(&app).await;
        let same = app.clients.update("shop", None, web(), true).await.unwrap().unwrap();
        assert_eq!((same.client.version, same.secret.is_none()), (1, true));
        assert!(app.clients.update("nobody", None, web(), true).await.unwrap().is_none());
    }

    async fn another_method_takes_the_secret_and_gives_a_new_one(db: TestDb) {
        // SB-28
        let app = testing::app(&db).await;
        let first = shop(&app).await;
        let public = app.clients.update("shop", Some(1), method(AuthMethod::None), true).await.unwrap().unwrap();
        assert!(public.secret.is_none() && public.client.secrets().is_empty());
        assert!(!accepted(&app, &first).await);
        let posting = app.clients.update("shop", Some(2), method(BASIC), true).await.unwrap().unwrap();
        let second = posting.secret.unwrap();
        assert!(!accepted(&app, &first).await, "the old secret does not come back");
        assert!(accepted(&app, second.expose()).await);
        let kept = app.clients.update("shop", None, method(AuthMethod::ClientSecretPost), true).await.unwrap().unwrap();
        assert!(kept.secret.is_none(), "the secret stays the same when it is sent in another way");
        assert!(kept.client.accepts(AuthMethod::ClientSecretPost, Some(second.expose())));
    }

    async fn two_secrets_are_good_until_one_is_deleted(db: TestDb) {
        let app = testing::app(&db).await;
        let old = shop(&app).await;
        app.wait(Duration::from_secs(60));
        let made = app.clients.add_secret("shop").await.unwrap().unwrap();
        let new = made.secret.expose().to_owned();
        assert!(accepted(&app, &old).await && accepted(&app, &new).await);
        assert!(matches!(app.clients.add_secret("shop").await, Err(ClientError::TooManySecrets)));
        let stored = app.clients.find_newest("shop").await.unwrap().unwrap();
        let ids: Vec<String> = stored.secrets().iter().map(ClientSecret::id).collect();
        assert_eq!((ids.len(), &ids[0]), (MAX_SECRETS, &made.stored.id()));
        assert!(ids.iter().all(|id| !old.contains(id) && !new.contains(id)));
        assert!(!app.clients.delete_secret("shop", "0000000000000000").await.unwrap());
        assert!(app.clients.delete_secret("shop", &ids[1]).await.unwrap());
        assert!(!accepted(&app, &old).await && accepted(&app, &new).await);
        assert!(matches!(app.clients.delete_secret("shop", &ids[0]).await, Err(ClientError::LastSecret)));
        assert_eq!(version(&app, "shop").await, Some(3));
    }

    async fn many_who_add_secrets_at_once_make_no_more_than_two(db: TestDb) {
        let app = testing::app(&db).await;
        shop(&app).await;
        let outcomes = futures_util::future::join_all((0..8).map(|_| app.clients.add_secret("shop"))).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        let stored = app.clients.find_newest("shop").await.unwrap().unwrap();
        assert_eq!(stored.secrets().len(), 2);
    }

    async fn a_replica_that_has_not_seen_a_change_issues_no_token_that_is_good_for_longer(db: TestDb) {
        // SB-47
        let (changing, other) = (testing::app(&db).await, testing::app(&db).await);
        let robot = |scope: &str| ClientMetadata {
            grant_types: [GrantType::ClientCredentials].into(),
            scope: scope.parse().unwrap(),
            ..ClientMetadata::default()
        };
        let issued = |app: &TestApp, client: &Client| {
            let token = app.tokens.issue_client_token(client, &Default::default(), &testing::NOTHING).unwrap();
            let issued_at = testing::claim(&token.access_token, "iat").as_i64().unwrap();
            (token.scope.to_string(), Timestamp::from_secs(issued_at))
        };
        changing.clients.create(Some("robot".parse().unwrap()), robot("one two")).await.unwrap();
        let created = changing.clients.find("robot").await.unwrap().unwrap();
        for step in ["change", "deletion"] {
            other.clients.find("robot").await.unwrap().unwrap();
            match step {
                "change" => drop(changing.clients.update("robot", None, robot("one"), true).await.unwrap()),
                _ => assert!(changing.clients.delete("robot").await.unwrap()),
            }
            changing.wait(Duration::from_secs(2));
            other.wait(Duration::from_secs(2));
            let stale = other.clients.find("robot").await.unwrap().unwrap();
            let (scope, issued_at) = issued(&other, &stale);
            let revocations = changing.grants.revocations(None).await.unwrap();
            let void_until = revocations.clients.iter().find(|client| client.client_id == "robot").unwrap().deleted_at;
            match step {
                "change" => {
                    assert_eq!((scope.as_str(), created.metadata.scope.to_string().as_str()), ("one two", "one two"));
                    assert!(issued_at <= void_until, "the other replica has not seen the change");
                    let newest = changing.clients.find("robot").await.unwrap().unwrap();
                    let (scope, issued_at) = issued(&changing, &newest);
                    assert_eq!(scope, "one");
                    assert!(issued_at > void_until, "a token by the client as it is now is good at once");
                }
                _ => assert!(issued_at <= void_until, "the other replica has not seen the deletion"),
            }
            changing.wait(Duration::from_secs(2));
            other.wait(Duration::from_secs(2));
        }
    }

    async fn tokens_of_a_client_of_the_configuration_are_void_when_something_is_taken_from_it(db: TestDb) {
        // SB-47
        let app = testing::app(&db).await;
        let scoped = |scope: &str| settings(&ROBOT.replace("users:read", scope));
        for (scope, voided) in [("one two", 0), ("one two three", 0), ("one", 1)] {
            app.bootstrap(&scoped(scope)).await.unwrap();
            assert_eq!(app.grants.revocations(None).await.unwrap().clients.len(), voided, "{scope}");
        }
    }

    async fn clients_of_the_configuration_and_without_secrets_are_left_alone(db: TestDb) {
        let app = testing::app(&db).await;
        app.bootstrap(&settings(ROBOT)).await.unwrap();
        assert!(matches!(app.clients.update("robot", None, web(), true).await, Err(ClientError::Configured)));
        assert!(matches!(app.clients.add_secret("robot").await, Err(ClientError::Configured)));
        app.clients.create(Some("spa".parse().unwrap()), method(AuthMethod::None)).await.unwrap();
        assert!(matches!(app.clients.add_secret("spa").await, Err(ClientError::NoSecrets)));
        assert!(app.clients.add_secret("nobody").await.unwrap().is_none());
        let bad = ClientMetadata { redirect_uris: Vec::new(), ..web() };
        assert!(matches!(app.clients.update("spa", None, bad, true).await, Err(ClientError::Invalid(_))));
    }
}
