//! Tests of software statements at the registration endpoint (RFC 7591 §2.3).

use std::time::Duration;

use chassis::clock::Clock;
use http::{Method, StatusCode};
use oidc::jose::{Algorithm, JwkSet, SigningKey};
use serde_json::json;

use super::register::{OPEN, shop, with};
use super::world::ISSUER;

#[test]
fn a_software_statement_of_an_issuer_of_the_configuration_is_accepted() {
    // RFC 7591 §2.3, §3.2.1
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let keys = JwkSet {
        keys: vec![key.public().clone()],
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("house.json");
    std::fs::write(&path, serde_json::to_string(&keys).unwrap()).unwrap();
    let issuer = (
        "REGISTRATION__SOFTWARE_STATEMENT_ISSUERS__HOUSE",
        path.to_str().unwrap(),
    );
    with(&[OPEN, issuer], async |world| {
        let mut body = shop();
        let signed = |issuer: &str| {
            let claims = json!({"iss": issuer, "client_name": "Certified", "scope": "openid admin",
                "exp": world.app.clock.now().as_secs() + 3600});
            json!(key.sign("JWT", &claims).unwrap())
        };
        body["software_statement"] = signed("house");
        let made = world.register("", &body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
        let made = made.json();
        assert_eq!(made["software_statement"], body["software_statement"]);
        assert_eq!(made["client_name"], "Certified", "it takes precedence");
        assert_eq!(
            made["scope"], "openid",
            "SB-48: nobody outside gives privileged scopes"
        );
        assert_eq!(made["redirect_uris"], body["redirect_uris"]);
        // RFC 7592 §2.1, §2.2: what the issuer has signed stays.
        let path = made["registration_client_uri"].as_str().unwrap();
        let path = path.strip_prefix(ISSUER).unwrap();
        let token = made["registration_access_token"].as_str().unwrap();
        let read = world.registration(Method::GET, path, token, None).await.json();
        assert_eq!(read["software_statement"], body["software_statement"]);
        let mut change = shop();
        change["client_id"] = made["client_id"].clone();
        change["client_name"] = json!("Another");
        change["redirect_uris"] = json!(["https://new.example.org/cb"]);
        world.app.wait(Duration::from_secs(7200));
        let changed = world.registration(Method::PUT, path, token, Some(&change)).await;
        assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
        let changed = changed.json();
        assert_eq!(changed["client_name"], "Certified");
        assert_eq!(
            changed["redirect_uris"], change["redirect_uris"],
            "nobody has signed these"
        );
        assert_eq!(changed["software_statement"], body["software_statement"]);
        change["software_statement"] = json!(
            key.sign("JWT", &json!({"iss": "house", "client_name": "Renamed"}))
                .unwrap()
        );
        let renamed = world.registration(Method::PUT, path, token, Some(&change)).await;
        assert_eq!(renamed.json()["client_name"], "Renamed");
        let read = world.registration(Method::GET, path, token, None).await.json();
        assert_eq!(read["software_statement"], change["software_statement"]);
        body["software_statement"] = signed("stranger");
        let refused = world.register("", &body).await;
        assert_eq!(
            (refused.status, refused.error().as_str()),
            (StatusCode::BAD_REQUEST, "unapproved_software_statement")
        );
    });
}
