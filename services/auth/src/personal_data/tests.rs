//! Tests of the collection of what is known of one person.

use oidc::resource::Resource;
use serde_json::{Value, json};

use super::*;
use crate::clients::ClientMetadata;
use crate::consents::Allowance;
use crate::testing::{self, TestApp};

async fn of(app: &TestApp, id: Uuid) -> Option<Value> {
    let data = find(&app.db, id).await.unwrap();
    data.map(|data| serde_json::to_value(data).unwrap())
}

/// Stores that a person allows the client `shop`, which is made, access at two services.
async fn allow_shop(app: &TestApp, person: Uuid) {
    let id = Some("shop".parse().unwrap());
    let metadata = ClientMetadata {
        redirect_uris: vec!["https://shop.example/cb".parse().unwrap()],
        ..ClientMetadata::default()
    };
    let client = app.clients.create(id, metadata).await.unwrap().client;
    let audiences = ["https://wiki.example", "https://bank.example"].map(|uri| Resource::parse(uri).unwrap());
    let mut tx = app.db.begin("test").await.unwrap();
    let allowance = Allowance {
        client: ("shop", client.aggregate_id),
        audiences: &audiences,
        scope: &"openid".parse().unwrap(),
        details: &Default::default(),
    };
    assert!(
        app.consents
            .grant(&mut tx, person, allowance)
            .await
            .unwrap()
            .is_some()
    );
    tx.commit().await.unwrap();
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn a_person_gets_what_is_known_of_them_and_no_secret(db: TestDb) {
        let app = testing::app(&db).await;
        let (ann, bob) = (app.person("ann").await, app.person("bob").await);
        let started = app.start(&app.sign_in("ann", testing::PASSWORD).await.unwrap()).await.unwrap();
        app.start(&app.sign_in("bob", testing::PASSWORD).await.unwrap()).await.unwrap();
        assert!(app.sign_in("ann", "gorse-tin-wrong").await.is_err());
        allow_shop(&app, ann).await;
        testing::persons_token(&app, ann, "shop", "openid").await;
        let data = of(&app, ann).await.unwrap();
        assert_eq!(data["subject"]["user_name"], "ann");
        assert_eq!(data["credentials"], json!([{
            "kind": "password", "scheme": "argon2", "changed_at": data["credentials"][0]["changed_at"],
        }]));
        assert_eq!(data["sessions"].as_array().unwrap().len(), 1);
        assert_eq!(data["consents"][0]["audiences"], "https://wiki.example https://bank.example");
        assert_eq!(data["grants"][0]["audiences"], json!(app.issuer.audiences()));
        assert!(data["sessions"][0]["client_ip"].is_string());
        assert_eq!(data["failed_sign_ins"][0]["failures"], 1, "{data}");
        let text = data.to_string();
        for secret in ["$argon2", &bob.to_string(), started.token.expose()] {
            assert!(!text.contains(secret), "{text}");
        }
    }

    async fn nothing_is_known_of_nobody_and_the_erasure_of_the_erased(db: TestDb) {
        let app = testing::app(&db).await;
        let ann = app.person("ann").await;
        assert_eq!(of(&app, Uuid::from_u128(7)).await, None);
        let mut tx = db.begin("test").await.unwrap();
        app.provisioning.erase(&mut tx, ann).await.unwrap();
        tx.commit().await.unwrap();
        let data = of(&app, ann).await.unwrap();
        assert!(data["erased_at"].is_string());
        assert_eq!((&data["subject"], &data["account"]), (&Value::Null, &Value::Null));
    }
}
