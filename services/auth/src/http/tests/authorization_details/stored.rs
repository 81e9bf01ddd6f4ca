//! Tests of authorization details in the database: what was granted is read back as it was, on both engines.

use super::*;

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn details_are_stored_as_they_were_granted(db: TestDb) {
        let world = World::on(db, &OPEN_TYPE).await;
        let secret = world.client("payer", payer).await.unwrap();
        let basic = basic("payer", &secret);
        let cookie = world.cookie().await;
        let request = |details: &'static str| [("client_id", "payer"), ("authorization_details", details)];
        let hidden = world.authorize(&cookie, &request(r#"[{"type":"payment","note":["a\u0000b"]}]"#)).await;
        assert_eq!(hidden.query()["error"], "invalid_authorization_details");
        // A part of the grant is asked for in the text of the request.
        const TEXT: &str = r#"{"type":"payment","note":[{"z":1e16,"a":[0.1,-0,1e300],"text":"'\"\\ \u00e9 DROP TABLE"}]}"#;
        const WITH_ANOTHER: &str = concat!(r#"[{"type":"payment","note":[]},"#,
            r#"{"type":"payment","note":[{"z":1e16,"a":[0.1,-0,1e300],"text":"'\"\\ \u00e9 DROP TABLE"}]}]"#);
        let part = format!("[{TEXT}]");
        let expected: Value = serde_json::from_str(&part).unwrap();
        let code = world.code(&cookie, &request(WITH_ANOTHER)).await;
        let form = [&exchange(&code)[..], &[("authorization_details", part.as_str())]].concat();
        let tokens = world.as_payer(&secret, &form).await;
        assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.body);
        let tokens = tokens.json();
        assert_eq!(tokens["authorization_details"], expected);
        assert_eq!(payload(&tokens["access_token"])["authorization_details"], expected);
        let refresh = tokens["refresh_token"].as_str().unwrap();
        let refresh = [("grant_type", "refresh_token"), ("refresh_token", refresh), ("authorization_details", &part)];
        let refreshed = world.as_payer(&secret, &refresh).await.json();
        assert_eq!(refreshed["authorization_details"], expected, "{refreshed}");
        let ask = [("token", refreshed["refresh_token"].as_str().unwrap())];
        let facts = world.post("/oauth2/introspect", &[(AUTHORIZATION.as_str(), &basic)], &ask).await.json();
        assert_eq!(facts["authorization_details"], serde_json::from_str::<Value>(WITH_ANOTHER).unwrap());
    }

    async fn details_are_in_the_personal_data_as_they_were_allowed(db: TestDb) {
        let world = World::on(db, &OPEN_TYPE).await;
        let secret = world.client("payer", payer).await.unwrap();
        const DETAILS: &str = r#"[{"type":"payment","note":[{"z":1e16,"a":0.1}]}]"#;
        let code = world.code(&world.cookie().await, &[("client_id", "payer"), ("authorization_details", DETAILS)]).await;
        assert_eq!(world.as_payer(&secret, &exchange(&code)).await.status, StatusCode::OK);
        let data = crate::personal_data::find(&world.app.db, world.ann).await.unwrap();
        let data = serde_json::to_value(data).unwrap();
        let stored = data["grants"][0]["details"]["authorization_details"].to_string();
        assert_eq!(stored, serde_json::from_str::<Value>(DETAILS).unwrap().to_string(), "{data}");
    }

    async fn details_of_the_release_before_are_read(db: TestDb) {
        let world = World::on(db, &OPEN_TYPE).await;
        let secret = world.client("payer", payer).await.unwrap();
        const DETAILS: &str = r#"[{"type":"payment","note":[5]}]"#;
        let code = world.code(&world.cookie().await, &[("client_id", "payer"), ("authorization_details", DETAILS)]).await;
        let mut tx = world.app.db.begin("test").await.unwrap();
        chassis::on_engine!(&mut tx, c => sqlx::query("UPDATE code_details SET details_text = NULL").execute(c).await.map(drop).unwrap());
        tx.commit().await.unwrap();
        let tokens = world.as_payer(&secret, &exchange(&code)).await.json();
        assert_eq!(tokens["authorization_details"], serde_json::from_str::<Value>(DETAILS).unwrap(), "{tokens}");
    }
}
