//! Tests of clients that register themselves: races for what there is once, and the end of those that are not used.

use std::net::IpAddr;

use oidc::registration::RegistrationRequest;
use serde_json::{Value, json};
use testkit::TestDb;

use super::*;
use crate::clients::{NewInitialToken, RegisterClientError, RegisteredClient};

const ADDRESS: &str = "192.0.2.1";

fn body(more: &Value) -> RegistrationRequest {
    let mut body = json!({"redirect_uris": ["https://shop.example/cb"]});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    RegistrationRequest::parse(body.to_string().as_bytes()).unwrap()
}

async fn open(db: &TestDb, more: &[(&str, &str)]) -> TestApp {
    let settings = [&[("REGISTRATION__CLIENTS", "open")], more].concat();
    testing::app_set(db, &settings).await
}

async fn register(
    app: &TestApp,
    token: Option<&str>,
    address: &str,
) -> Result<RegisteredClient, RegisterClientError> {
    let ip: IpAddr = address.parse().unwrap();
    app.client_registration
        .register(&body(&json!({})), token, Some(ip))
        .await
}

async fn initial_token(app: &TestApp, uses: u32) -> String {
    let new = NewInitialToken {
        name: "Developers".to_owned(),
        uses,
        hours: 1,
    };
    let (_, token) = app.client_registration.create_initial_token(new).await.unwrap();
    token.expose().to_owned()
}

fn successes<T, E>(outcomes: &[Result<T, E>]) -> usize {
    outcomes.iter().filter(|outcome| outcome.is_ok()).count()
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn of_many_registrations_at_once_as_many_succeed_as_an_initial_access_token_has_uses(db: TestDb) {
        // SB-29
        let app = open(&db, &[]).await;
        let token = initial_token(&app, 2).await;
        let tries = (0..8).map(|_| register(&app, Some(&token), ADDRESS));
        let outcomes = futures_util::future::join_all(tries).await;
        assert_eq!(successes(&outcomes), 2, "{outcomes:?}");
        assert_eq!(app.client_registration.initial_tokens().await.unwrap()[0].uses, 2);
        assert_eq!(app.count("SELECT COUNT(*) FROM client_registrations WHERE initial_token_id IS NOT NULL").await, 2);
    }

    async fn of_many_registrations_at_once_as_many_succeed_as_the_source_has_left(db: TestDb) {
        // SB-43
        let app = open(&db, &[("REGISTRATION__CLIENTS_HOURLY_PER_SOURCE", "2")]).await;
        let outcomes = futures_util::future::join_all((0..8).map(|_| register(&app, None, ADDRESS))).await;
        assert_eq!(successes(&outcomes), 2, "{outcomes:?}");
        let limited = register(&app, None, ADDRESS).await.unwrap_err();
        assert!(matches!(limited, RegisterClientError::TooMany { .. }), "{limited:?}");
        assert!(register(&app, None, "198.51.100.1").await.is_ok(), "another source");
    }

    async fn of_many_registrations_at_once_as_many_succeed_as_there_may_be_clients(db: TestDb) {
        let app = open(&db, &[("REGISTRATION__CLIENTS_IN_ALL", "2")]).await;
        let addresses: Vec<String> = (1..9).map(|index| format!("192.0.2.{index}")).collect();
        let tries = addresses.iter().map(|address| register(&app, None, address));
        let outcomes = futures_util::future::join_all(tries).await;
        assert_eq!(successes(&outcomes), 2, "{outcomes:?}");
        assert!(matches!(register(&app, None, "198.51.100.1").await, Err(RegisterClientError::Full)));
        let token = initial_token(&app, 1).await;
        assert!(register(&app, Some(&token), "198.51.100.1").await.is_ok(), "an initial access token is the way past the limit");
    }

    async fn a_busy_source_leaves_a_part_of_the_total_quota_to_others(db: TestDb) {
        // SB-43
        let app = open(&db, &[("REGISTRATION__CLIENTS_HOURLY", "8")]).await;
        for _ in 0..6 {
            register(&app, None, ADDRESS).await.unwrap();
        }
        assert!(matches!(register(&app, None, ADDRESS).await, Err(RegisterClientError::TooMany { .. })));
        assert!(register(&app, None, "198.51.100.1").await.is_ok());
    }

    async fn one_of_many_changes_of_a_registration_is_made(db: TestDb) {
        // RFC 7592 §2.2
        let app = open(&db, &[]).await;
        let registered = register(&app, None, ADDRESS).await.unwrap();
        let (id, token) = (registered.client.id.to_string(), registered.registration_token.expose().to_owned());
        let changes = (0..6).map(async |index: usize| {
            let registered = app.client_registration.authorize(&id, Some(&token)).await.unwrap();
            let change = body(&json!({"client_id": id, "client_name": format!("Shop {index}")}));
            app.client_registration.update(registered, &change).await
        });
        let outcomes = futures_util::future::join_all(changes).await;
        let made = i64::try_from(successes(&outcomes)).unwrap();
        let stored = app.clients.find_newest(&id).await.unwrap().unwrap();
        assert!(made >= 1, "{outcomes:?}");
        assert_eq!(stored.version, 1 + made, "no change is lost");
    }

    async fn of_two_who_delete_the_two_secrets_of_a_client_one_succeeds(db: TestDb) {
        let app = testing::app(&db).await;
        app.clients.create(Some("shop".parse().unwrap()), web()).await.unwrap();
        app.clients.add_secret("shop").await.unwrap().unwrap();
        let stored = app.clients.find_newest("shop").await.unwrap().unwrap();
        let ids: Vec<String> = stored.secrets().iter().map(ClientSecret::id).collect();
        let outcomes = futures_util::future::join_all(ids.iter().map(|id| app.clients.delete_secret("shop", id))).await;
        assert_eq!(outcomes.iter().filter(|outcome| matches!(outcome, Ok(true))).count(), 1, "{outcomes:?}");
        let stored = app.clients.find_newest("shop").await.unwrap().unwrap();
        assert_eq!(stored.secrets().len(), 1);
    }

    async fn a_client_is_deleted_once(db: TestDb) {
        let app = testing::app(&db).await;
        app.clients.create(Some("shop".parse().unwrap()), web()).await.unwrap();
        let outcomes = futures_util::future::join_all((0..6).map(|_| app.clients.delete("shop"))).await;
        assert_eq!(outcomes.iter().filter(|outcome| matches!(outcome, Ok(true))).count(), 1, "{outcomes:?}");
        let events = app.events().await;
        assert_eq!(events.iter().filter(|kind| *kind == "vestibule.client.deleted.v1").count(), 1);
    }

    async fn clients_that_nobody_used_for_a_month_are_deleted(db: TestDb) {
        // SB-43
        let app = open(&db, &[]).await;
        let ann = app.person("ann").await;
        let initial = initial_token(&app, 1).await;
        let (unused, used) = (register(&app, None, ADDRESS).await.unwrap(), register(&app, None, ADDRESS).await.unwrap());
        let with_token = register(&app, Some(&initial), ADDRESS).await.unwrap();
        let managed = register(&app, None, ADDRESS).await.unwrap();
        app.clients.update(managed.client.id.as_str(), None, web(), true).await.unwrap();
        app.clients.create(Some("shop".parse().unwrap()), web()).await.unwrap();
        testing::persons_token(&app, ann, used.client.id.as_str(), "openid").await;
        let stored = async |client: &str| app.clients.find_newest(client).await.unwrap().is_some();
        app.wait(Duration::from_secs(30 * 24 * 3600 - 60));
        app.sweeper.sweep().await.unwrap();
        assert!(stored(unused.client.id.as_str()).await);
        app.wait(Duration::from_secs(120));
        let both = futures_util::future::join(app.sweeper.sweep(), app.sweeper.sweep()).await;
        assert!(both.0.is_ok() || both.1.is_ok(), "{both:?}");
        assert!(!stored(unused.client.id.as_str()).await);
        for kept in [used.client.id.as_str(), with_token.client.id.as_str(), managed.client.id.as_str(), "shop"] {
            assert!(stored(kept).await, "{kept}");
        }
        let events = app.events().await;
        assert_eq!(events.iter().filter(|kind| *kind == "vestibule.client.deleted.v1").count(), 1);
    }

    async fn a_client_that_an_administrator_takes_over_meanwhile_is_not_swept(db: TestDb) {
        let app = open(&db, &[]).await;
        for round in 0..15 {
            let client = register(&app, None, ADDRESS).await.unwrap().client;
            app.wait(Duration::from_secs(31 * 24 * 3600));
            let (changed, swept) = tokio::join!(
                app.clients.update(client.id.as_str(), Some(client.version), web(), true),
                app.client_registration.sweep_unused(),
            );
            // On SQLite one of them may find the writer taken for too long.
            let _ = swept;
            let is_changed = matches!(changed, Ok(Some(_)));
            let newest = app.clients.find_newest(client.id.as_str()).await.unwrap();
            assert_eq!(newest.is_some_and(|client| client.origin == Origin::Administrator), is_changed, "{round}");
        }
    }

    async fn an_administrator_who_changes_a_registered_client_takes_it_over(db: TestDb) {
        // SB-29
        let app = open(&db, &[]).await;
        let registered = register(&app, None, ADDRESS).await.unwrap();
        let (id, token) = (registered.client.id.to_string(), registered.registration_token.expose().to_owned());
        let before = app.client_registration.authorize(&id, Some(&token)).await.unwrap();
        let less = ClientMetadata { scope: "openid".parse().unwrap(), ..web() };
        let changed = app.clients.update(&id, None, less, true).await.unwrap().unwrap();
        assert_eq!(changed.client.origin, Origin::Administrator);
        let change = body(&json!({"client_id": id, "scope": "openid email"}));
        let late = app.client_registration.update(before, &change).await;
        assert!(matches!(late, Err(RegisterClientError::Client(ClientError::Changed))), "{late:?}");
        let refused = app.client_registration.authorize(&id, Some(&token)).await;
        assert!(matches!(refused, Err(RegisterClientError::Refused(_))), "{refused:?}");
        let stored = app.clients.find_newest(&id).await.unwrap().unwrap();
        assert_eq!(stored.metadata.scope.to_string(), "openid");
    }
}
