//! Tests of `/admin/v1/users/{id}/credentials` and `/admin/v1/users/credentials`.

use std::sync::Arc;

use age_format::Recipient;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::world::{World, stories};
use crate::credential_export::{CredentialExport, ExportError};
use crate::credential_import::MAX_BATCH;
use crate::testing::PASSWORD;

// bcrypt 5.0.0 (Python)
const BCRYPT: &str = "$2b$04$5ujii9zMrP9QrISEOLTmUeE3aj7HB56COPvabyGOHWml9Pmr64LNS";
const BATCH: &str = "/admin/v1/users/credentials";
// Keys of age-keygen 1.1.1
const RECIPIENT: &str = "age1j6w7s3mmqp0zw34wl96kh4paw6ezqw290wgey3yradffms8lpvhsuhd0s3";
const KEY: &str = "AGE-SECRET-KEY-1WEWK3N8RNPJ72A0ND3ASF9CZW36MQ3G30SU0F8WFMMQYZZ2MG7XS9ZR0VC";

stories! {
    async fn an_administrator_gives_a_person_the_password_of_another_system(world) {
        let admin = world.admin("admin").await;
        let path = format!("/admin/v1/users/{}/credentials", world.ann);
        let body = |hash: &str| Some(json!({ "password_hash": hash }));
        let answer = world.call(Method::PUT, &path, &admin, body(BCRYPT)).await;
        assert_eq!((answer.status, answer.body.as_str()), (StatusCode::NO_CONTENT, ""));
        let tokens = world.authenticate(&json!({ "username": "ann", "password": PASSWORD })).await;
        assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.body);

        let costly = BCRYPT.replace("$04$", "$20$");
        for (hash, detail) in [
            (costly.as_str(), "bcrypt: the cost is above 14, the most that is accepted"),
            ("gorse-tin-vivid", "its scheme is not known"),
            (&BCRYPT[..59], "bcrypt: the hash is wrong: expected 31 characters of bcrypt's base64"),
        ] {
            let answer = world.call(Method::PUT, &path, &admin, body(hash)).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.body);
            assert_eq!(answer.json()["errors"], json!([{ "field": "password_hash", "detail": detail }]));
            assert!(!answer.body.contains("5ujii9") && !answer.body.contains("gorse"), "{}", answer.body);
        }
        let nobody = "/admin/v1/users/018f7c3e-0000-7000-8000-000000000000/credentials";
        let answer = world.call(Method::PUT, nobody, &admin, body(BCRYPT)).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
    }

    async fn each_row_of_a_batch_has_a_result(world) {
        let admin = world.admin("admin").await;
        let rows = json!([
            { "id": world.ann, "password_hash": BCRYPT },
            { "id": BCRYPT, "password_hash": BCRYPT },
            { "id": "018f7c3e-0000-7000-8000-000000000000", "password_hash": &BCRYPT[..59] },
        ]);
        let batch = Some(json!({ "credentials": rows, "replace": true }));
        let answer = world.call(Method::POST, BATCH, &admin, batch).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        assert_eq!(answer.json(), json!({
            "imported": 1, "unchanged": 0, "rejected": 2,
            "results": [
                { "status": "imported" },
                { "status": "rejected", "field": "id", "detail": "it is not a UUID" },
                { "status": "rejected", "field": "password_hash",
                  "detail": "bcrypt: the hash is wrong: expected 31 characters of bcrypt's base64" },
            ],
        }));
        assert!(!answer.body.contains("5ujii9"), "{}", answer.body);
    }

    async fn a_batch_has_a_limit_of_rows(world) {
        let admin = world.admin("admin").await;
        let row = json!({ "id": "x", "password_hash": "y" });
        let batch = |count| Some(json!({ "credentials": vec![&row; count] }));
        let answer = world.call(Method::POST, BATCH, &admin, batch(MAX_BATCH)).await;
        assert_eq!((answer.status, &answer.json()["rejected"]), (StatusCode::OK, &Value::from(MAX_BATCH)));
        let answer = world.call(Method::POST, BATCH, &admin, batch(MAX_BATCH + 1)).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(answer.json()["errors"][0]["field"], "credentials");
        let answer = world.call(Method::POST, BATCH, &admin, batch(0)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    }

    async fn nobody_else_imports(world) {
        let guest = world.admin("users:write").await;
        let one = format!("/admin/v1/users/{}/credentials", world.ann);
        let body = json!({ "password_hash": BCRYPT });
        let batch = json!({ "credentials": [{ "id": world.ann, "password_hash": BCRYPT }], "replace": true });
        for (method, path, body) in [(Method::PUT, one.as_str(), body), (Method::POST, BATCH, batch)] {
            let answer = world.call(method.clone(), path, &guest, Some(body.clone())).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN);
            let answer = world.call(method, path, "Bearer x", Some(body)).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        }
        assert!(world.app.events().await.iter().all(|kind| kind != "vestibule.credential.added.v1"));
    }
}

fn decrypted(text: &str) -> String {
    let plain = age_format::decrypt_text(&[KEY.parse().unwrap()], text).unwrap();
    String::from_utf8(plain.to_vec()).unwrap()
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn hashes_come_in_pages_in_the_order_of_the_accounts(db: TestDb) {
        let app = crate::testing::app(&db).await;
        let mut people = Vec::new();
        for name in ["ann", "bob", "cas"] {
            people.push(app.person(name).await);
        }
        people.sort_unstable();
        let export = |recipients: &[Recipient]| CredentialExport::new(db.clone(), Arc::clone(&app.random), recipients);
        let refused = export(&[]).page(uuid::Uuid::nil(), 2).await;
        assert!(matches!(refused, Err(ExportError::NoRecipient)), "{refused:?}");
        let export = export(&[RECIPIENT.parse().unwrap()]);
        let page = export.page(uuid::Uuid::nil(), 2).await.unwrap();
        let ids: Vec<uuid::Uuid> = page.iter().map(|found| found.account).collect();
        assert_eq!(ids, people[..2]);
        let rest = export.page(people[1], 2).await.unwrap();
        assert_eq!((rest.len(), rest[0].account), (1, people[2]));
        assert!(!format!("{page:?}").contains("argon2"), "{page:?}");
        assert!(decrypted(&page[0].hash).starts_with("$argon2id$"));
    }
}

// SB-52
#[tokio::test]
async fn hashes_are_exported_to_the_recipients_of_the_configuration_alone() {
    let closed = World::new().await;
    let admin = closed.admin("admin").await;
    let answer = closed.call(Method::GET, BATCH, &admin, None).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    let kind = answer.json()["type"].as_str().unwrap().to_owned();
    assert!(kind.ends_with("credential-export-disabled"), "{kind}");
    let open = World::with(&[("PASSWORDS__EXPORT_RECIPIENTS", RECIPIENT)]).await;
    let admin = open.admin("admin").await;
    let answer = open
        .call(Method::GET, &format!("{BATCH}?limit=1"), &admin, None)
        .await;
    let page = answer.json();
    assert_eq!(page["credentials"][0]["id"], json!(open.ann), "{page}");
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert!(!page.to_string().contains("$argon2id$"), "{page}");
    let encrypted = page["credentials"][0]["encrypted_password_hash"].as_str();
    assert!(decrypted(encrypted.unwrap()).starts_with("$argon2id$"));
    let next = format!("{BATCH}?after={}", page["next"].as_str().unwrap());
    let last = open.call(Method::GET, &next, &admin, None).await.json();
    assert_eq!(last, json!({"credentials": []}));
    let wrong = open
        .call(Method::GET, &format!("{BATCH}?limit=0"), &admin, None)
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let other = World::with(&[("PASSWORDS__EXPORT_RECIPIENTS", RECIPIENT)]).await;
    let guest = other.admin("users:read").await;
    for path in [BATCH.to_owned(), format!("/admin/v1/users/{}/data", other.ann)] {
        let refused = other.call(Method::GET, &path, &guest, None).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
    }
    let data = open
        .call(
            Method::GET,
            &format!("/admin/v1/users/{}/data", open.ann),
            &admin,
            None,
        )
        .await;
    assert_eq!(
        (data.status, &data.json()["subject"]["user_name"]),
        (StatusCode::OK, &json!("ann"))
    );
}
