//! Tests of consents: what is stored, what a withdrawal ends, and races.

mod connections;

use std::time::Duration;

use chassis::clock::Clock;
use chassis::secret::Token;
use testkit::TestDb;

use super::*;
use crate::clients::{Client, ClientMetadata};
use crate::testing::{self, TestApp};
use crate::tokens::{CodeConsent, Grant, GrantError, NewCode};

const EVENTS: &str = "SELECT COUNT(*) FROM outbox WHERE type = 'vestibule.consent.granted.v1'";
const LIVE: &str = "SELECT COUNT(*) FROM grants WHERE revoked_at IS NULL";

/// A service with Ann and the client `shop` of another party.
async fn shop(db: &TestDb) -> (TestApp, Uuid) {
    let app = testing::app(db).await;
    let ann = app.person("ann").await;
    for id in ["shop", "other"] {
        let metadata = ClientMetadata {
            redirect_uris: vec!["https://shop.example/cb".parse().unwrap()],
            require_consent: true,
            ..ClientMetadata::default()
        };
        app.clients
            .create(Some(id.parse().unwrap()), metadata)
            .await
            .unwrap();
    }
    (app, ann)
}

async fn allow(app: &TestApp, subject: Uuid, client: &str, scope: &str) -> bool {
    let client = app.clients.find(client).await.unwrap().unwrap();
    let mut tx = app.db.begin("test").await.unwrap();
    let granted = grant(app, &mut tx, subject, &client, scope).await;
    tx.commit().await.unwrap();
    granted
}

async fn grant(app: &TestApp, tx: &mut Tx, subject: Uuid, client: &Client, scope: &str) -> bool {
    grant_at(app, tx, subject, client, (scope, &client.metadata.audiences)).await
}

async fn grant_at(
    app: &TestApp,
    tx: &mut Tx,
    subject: Uuid,
    client: &Client,
    (scope, audiences): (&str, &[Resource]),
) -> bool {
    let scope: Scope = scope.parse().unwrap();
    let allowance = Allowance {
        client: (client.id.as_str(), client.aggregate_id),
        audiences,
        scope: &scope,
        details: &AuthorizationDetails::default(),
    };
    let granted = app.consents.grant(tx, subject, allowance).await;
    granted.unwrap().is_some()
}

fn resources(uris: &[&str]) -> Vec<Resource> {
    uris.iter().map(|uri| Resource::parse(uri).unwrap()).collect()
}

/// Access that is written as `openid email at https://wiki.example`.
fn allowed(text: &str) -> AllowedAccess {
    let (scope, audiences) = text.split_once(" at ").unwrap_or((text, ""));
    AllowedAccess::parse(scope, audiences).unwrap()
}

fn access(app: &TestApp, subject: Uuid, scope: &str) -> Grant {
    Grant {
        subject,
        scope: scope.parse().unwrap(),
        audiences: Vec::new(),
        session_id: None,
        auth_time: app.clock.now(),
        amr: Vec::new(),
        nonce: None,
        details: Default::default(),
        confirmation: testing::NOTHING.clone(),
    }
}

/// A code for `scope`, decided by the stored consent `consent`, each perhaps at services.
async fn code(
    app: &TestApp,
    subject: Uuid,
    client: &Client,
    (scope, consent): (&str, &str),
) -> Result<Token, GrantError> {
    let new = NewCode {
        client,
        grant: access(app, subject, &allowed(scope).scope.to_string()),
        redirect_uri: "https://shop.example/cb".to_owned(),
        redirect_uri_sent: true,
        challenge: None,
        dpop_jkt: None,
        consent: Some(CodeConsent {
            stored: allowed(consent),
            needed: allowed(scope),
        }),
        code: None,
    };
    let mut tx = app.db.begin("test").await?;
    let code = app.tokens.issue_code(&mut tx, new).await?;
    tx.commit().await?;
    Ok(code)
}

async fn stored(app: &TestApp, subject: Uuid, client: &str) -> Option<String> {
    let mut reader = app.db.reader().await.unwrap();
    let consent = find(&mut reader, subject, client).await.unwrap();
    consent.map(|consent| consent.scope.to_string())
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn a_consent_is_for_one_client_and_grows(db: TestDb) {
        // SB-29
        let (app, ann) = shop(&db).await;
        assert_eq!(stored(&app, ann, "shop").await, None);
        assert!(allow(&app, ann, "shop", "openid email").await);
        assert!(allow(&app, ann, "shop", "openid profile").await);
        assert!(allow(&app, ann, "shop", "email").await, "nothing new");
        assert_eq!(stored(&app, ann, "shop").await.as_deref(), Some("openid email profile"));
        assert_eq!(stored(&app, ann, "other").await, None);
        assert_eq!(app.count(EVENTS).await, 2);
        assert!(!allow(&app, Uuid::from_u128(7), "shop", "openid").await, "nobody has this id");
    }

    async fn a_scope_is_allowed_for_the_services_that_it_was_shown_with(db: TestDb) {
        // SB-29, SB-48
        const WIKI: &str = "https://wiki.example";
        const BANK: &str = "https://bank.example";
        let (app, ann) = shop(&db).await;
        let shop = app.clients.find("shop").await.unwrap().unwrap();
        for (scope, at, allowed) in [
            ("openid payments", &[WIKI][..], "openid payments"),
            ("openid", &[WIKI, BANK], "openid"),
            ("email", &[BANK], "openid email"),
            ("openid", &[], "openid"),
            ("profile", &[], "openid profile"),
            ("email", &[WIKI], "email"),
        ] {
            let at = resources(at);
            let mut tx = app.db.begin("test").await.unwrap();
            assert!(grant_at(&app, &mut tx, ann, &shop, (scope, &at)).await);
            tx.commit().await.unwrap();
            let consent = find(&mut app.db.reader().await.unwrap(), ann, "shop").await.unwrap().unwrap();
            assert_eq!(consent.scope.to_string(), allowed, "{scope} at {at:?}");
            for (uris, is_for) in [(&[WIKI][..], at.contains(&resources(&[WIKI])[0])), (&[], at.is_empty())] {
                assert_eq!(consent.is_for(&resources(uris)), is_for, "{at:?} for {uris:?}");
            }
        }
        assert_eq!(app.count(EVENTS).await, 6);
        // SB-40: the events say at which services.
        let with_bank = "SELECT COUNT(*) FROM outbox
            WHERE type = 'vestibule.consent.granted.v1' AND CAST(payload AS TEXT) LIKE '%https://bank.example%'";
        assert_eq!(app.count(with_bank).await, 2);
    }

    async fn details_that_a_person_allows_are_recorded_each_time(db: TestDb) {
        // SB-40, SB-52
        let (app, ann) = shop(&db).await;
        let client = app.clients.find("shop").await.unwrap().unwrap();
        let details = AuthorizationDetails::parse(r#"[{"type":"payment","amount":5},{"type":"payment"}]"#).unwrap();
        let scope: Scope = "openid".parse().unwrap();
        for _ in 0..2 {
            let mut tx = app.db.begin("test").await.unwrap();
            let client = (client.id.as_str(), client.aggregate_id);
            let allowance = Allowance { client, audiences: &[], scope: &scope, details: &details };
            app.consents.grant(&mut tx, ann, allowance).await.unwrap();
            tx.commit().await.unwrap();
        }
        assert_eq!(app.count(EVENTS).await, 2);
        let mut reader = app.db.reader().await.unwrap();
        let stored: Vec<String> = chassis::on_engine!(&mut reader, c => sqlx::query_scalar(
            "SELECT CAST(payload AS TEXT) FROM outbox WHERE type = 'vestibule.consent.granted.v1'")
            .fetch_all(c).await.unwrap());
        for event in stored {
            let digest = details.sha256().unwrap();
            assert!(event.contains(&digest) && event.contains("payment"), "{event}");
        }
    }

    async fn a_withdrawal_ends_what_the_client_has_and_nothing_else(db: TestDb) {
        // SB-47
        let (app, ann) = shop(&db).await;
        let bob = app.person("bob").await;
        for (person, client) in [(ann, "shop"), (ann, "other"), (bob, "shop")] {
            allow(&app, person, client, "openid").await;
            testing::persons_token(&app, person, client, "openid offline_access").await;
        }
        assert_eq!(app.count(LIVE).await, 3);
        assert!(app.consents.withdraw(ann, "shop").await.unwrap());
        assert_eq!(app.count(LIVE).await, 2);
        assert_eq!(stored(&app, ann, "shop").await, None);
        assert!(stored(&app, ann, "other").await.is_some() && stored(&app, bob, "shop").await.is_some());
        assert_eq!(app.events().await.last().unwrap(), "vestibule.consent.withdrawn.v1");
        assert_eq!(app.grants.revocations(None).await.unwrap().grants.len(), 1, "resource servers hear of it");
        assert!(!app.consents.withdraw(ann, "shop").await.unwrap(), "there is nothing left");
        assert!(!app.consents.withdraw(Uuid::from_u128(7), "shop").await.unwrap());
    }

    async fn a_code_is_for_no_more_than_the_consent_of_that_moment(db: TestDb) {
        // SB-29
        let (app, ann) = shop(&db).await;
        let shop = app.clients.find("shop").await.unwrap().unwrap();
        allow(&app, ann, "shop", "openid email").await;
        let read = "openid email";
        assert!(code(&app, ann, &shop, ("openid email", read)).await.is_ok());
        // Between the read and the code she withdraws it in another tab, and allows less.
        app.consents.withdraw(ann, "shop").await.unwrap();
        assert!(code(&app, ann, &shop, ("openid email", read)).await.is_err(), "there is none");
        allow(&app, ann, "shop", "openid").await;
        assert!(code(&app, ann, &shop, ("openid email", read)).await.is_err(), "it covers less");
        assert!(code(&app, ann, &shop, ("openid", read)).await.is_ok(), "it covers this");
        allow(&app, ann, "shop", "openid profile").await;
        assert!(code(&app, ann, &shop, ("openid", "openid")).await.is_ok(), "it covers more by now");
    }

    async fn a_code_is_for_no_more_services_than_the_consent_of_that_moment(db: TestDb) {
        // SB-29, SB-48
        const WIKI: &str = "openid at https://wiki.example";
        const BOTH: &str = "openid at https://wiki.example https://bank.example";
        let (app, ann) = shop(&db).await;
        let shop = app.clients.find("shop").await.unwrap().unwrap();
        let consent = async |text: &str| {
            let AllowedAccess { scope, audiences } = allowed(text);
            let mut tx = app.db.begin("test").await.unwrap();
            assert!(grant_at(&app, &mut tx, ann, &shop, (&scope.to_string(), &audiences)).await);
            tx.commit().await.unwrap();
        };
        consent(BOTH).await;
        assert!(code(&app, ann, &shop, (BOTH, BOTH)).await.is_ok());
        // Between the read and the code she withdraws it in another tab, and allows the same scope for fewer services.
        app.consents.withdraw(ann, "shop").await.unwrap();
        consent(WIKI).await;
        assert!(code(&app, ann, &shop, (BOTH, BOTH)).await.is_err(), "it is not for the bank");
        assert!(code(&app, ann, &shop, ("openid", "openid")).await.is_err(), "it is not for the services of this server");
        assert!(code(&app, ann, &shop, (WIKI, BOTH)).await.is_ok(), "it is for this one");
        consent(BOTH).await;
        assert!(code(&app, ann, &shop, (WIKI, WIKI)).await.is_ok(), "it is for more by now");
        // A release before wrote no services.
        app.run("UPDATE consents SET audiences = NULL").await;
        assert!(code(&app, ann, &shop, ("openid", "openid")).await.is_ok());
        assert!(code(&app, ann, &shop, (WIKI, WIKI)).await.is_err());
    }

    async fn a_code_that_expires_while_it_is_redeemed_leaves_no_grant_after_a_withdrawal(db: TestDb) {
        // SB-47
        let (app, ann) = shop(&db).await;
        let shop = app.clients.find("shop").await.unwrap().unwrap();
        allow(&app, ann, "shop", "openid").await;
        let code = code(&app, ann, &shop, ("openid", "openid")).await.unwrap();
        let mut tx = db.begin("redeem").await.unwrap();
        let now = app.clock.now();
        let used = grants::consume_code(&mut tx, &code.hash(), "shop", Uuid::from_u128(1), now).await.unwrap();
        assert!(used.is_some());
        app.tokens.issue(&mut tx, &shop, access(&app, ann, "openid")).await.unwrap();
        app.wait(Duration::from_secs(61));
        let redeemed = async {
            db.wait_for_lock_waiter().await;
            tx.commit().await.unwrap();
        };
        let (withdrawn, ()) = tokio::join!(app.consents.withdraw(ann, "shop"), redeemed);
        assert!(withdrawn.unwrap());
        assert_eq!(app.count(LIVE).await, 0);
    }

    async fn nothing_is_stored_for_a_client_that_was_deleted(db: TestDb) {
        // SB-29: another replica knows the client for three seconds more, and a later one may have its id.
        let (app, ann) = shop(&db).await;
        let known = app.clients.find("shop").await.unwrap().unwrap();
        let metadata = known.metadata.clone();
        assert!(app.clients.delete("shop").await.unwrap());
        for later in [false, true] {
            if later {
                app.clients.create(Some(known.id.clone()), metadata.clone()).await.unwrap();
            }
            let mut tx = db.begin("test").await.unwrap();
            assert!(!grant(&app, &mut tx, ann, &known, "openid").await);
            tx.commit().await.unwrap();
            assert!(code(&app, ann, &known, ("openid", "openid")).await.is_err());
            assert_eq!(stored(&app, ann, "shop").await, None);
        }
    }

    async fn a_consent_and_the_deletion_of_its_client_at_once_leave_no_consent(db: TestDb) {
        // SB-29
        let (app, ann) = shop(&db).await;
        let shop = app.clients.find("shop").await.unwrap().unwrap();
        let mut tx = db.begin("test").await.unwrap();
        assert!(grant(&app, &mut tx, ann, &shop, "openid").await);
        let allowed = async {
            db.wait_for_lock_waiter().await;
            tx.commit().await.unwrap();
        };
        let (deleted, ()) = tokio::join!(app.clients.delete("shop"), allowed);
        assert!(deleted.unwrap());
        assert_eq!(stored(&app, ann, "shop").await, None);
    }

    async fn fifty_consents_at_once_are_one(db: TestDb) {
        // SB-29
        let (app, ann) = shop(&db).await;
        let all = (0..50).map(|number| {
            let scope = if number % 2 == 0 { "openid email" } else { "openid profile" };
            allow(&app, ann, "shop", scope)
        });
        assert!(futures_util::future::join_all(all).await.into_iter().all(|granted| granted));
        let scope: Scope = stored(&app, ann, "shop").await.unwrap().parse().unwrap();
        assert!(scope.covers(&"openid email profile".parse().unwrap()), "{scope}");
        assert_eq!(app.count(EVENTS).await, 2, "one for each scope that was more than before");
    }

    async fn consents_and_withdrawals_at_once_leave_no_grant_without_a_consent(db: TestDb) {
        // SB-47
        let (app, ann) = shop(&db).await;
        let all = (0..50).map(|number| {
            let app = &app;
            async move {
                if number % 2 == 0 {
                    allow(app, ann, "shop", "openid").await;
                } else {
                    app.consents.withdraw(ann, "shop").await.unwrap();
                }
            }
        });
        futures_util::future::join_all(all).await;
        app.consents.withdraw(ann, "shop").await.unwrap();
        assert_eq!((stored(&app, ann, "shop").await, app.count(LIVE).await), (None, 0));
        let granted = app.count(EVENTS).await;
        let withdrawn = app.count("SELECT COUNT(*) FROM outbox WHERE type = 'vestibule.consent.withdrawn.v1'").await;
        assert_eq!(granted, withdrawn, "each consent was withdrawn once");
    }

    async fn consents_go_with_their_client_and_their_person(db: TestDb) {
        let (app, ann) = shop(&db).await;
        let bob = app.person("bob").await;
        for (person, client) in [(ann, "shop"), (ann, "other"), (bob, "other")] {
            allow(&app, person, client, "openid").await;
        }
        assert!(app.clients.delete("shop").await.unwrap());
        assert_eq!(stored(&app, ann, "shop").await, None, "a later client of this id is another one");
        let mut tx = db.begin("test").await.unwrap();
        app.provisioning.erase(&mut tx, ann).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(app.count("SELECT COUNT(*) FROM consents").await, 1);
        assert!(stored(&app, bob, "other").await.is_some());
    }

    async fn a_restored_database_asks_everybody_again(db: TestDb) {
        let (app, ann) = shop(&db).await;
        allow(&app, ann, "shop", "openid").await;
        let mut tx = db.begin("test").await.unwrap();
        app.consents.after_restore(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(stored(&app, ann, "shop").await, None);
        assert_eq!(app.events().await.last().unwrap(), "vestibule.consent.withdrawn.v1");
    }
}
