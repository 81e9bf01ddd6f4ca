//! Tests of provisioning clients over HTTP: the routes that accept their tokens, and the responses that have one.

use axum::body::Body;
use chassis::routes::Permission;
use http::StatusCode;
use serde_json::{Value, json};

use crate::app::SharedApp;
use crate::routes;
use crate::testing::{Caller, app, app_without_auth, clients_token};

const PATH: &str = "/admin/v1/provisioning-clients";
const ALL: [&str; 4] = ["users:read", "users:write", "groups:read", "groups:write"];

fn admin(app: &SharedApp) -> Caller {
    Caller::with(app, clients_token("cli", "admin"))
}

/// A new client with its token.
async fn create(app: &SharedApp, name: &str, scopes: &[&str]) -> Value {
    let request = json!({ "name": name, "scopes": scopes });
    let made = admin(app).json("POST", PATH, &request).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    assert_eq!(made.header("cache-control"), "no-store");
    assert_eq!(
        made.header("location"),
        format!("{PATH}/{}", made.body["id"].as_str().unwrap())
    );
    made.body
}

fn token_of(client: &Value) -> String {
    client["token"].as_str().unwrap().to_owned()
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn a_token_is_accepted_by_scim_alone(db: TestDb) {
        let app = app(&db);
        let client = Caller::with(&app, token_of(&create(&app, "Entra ID", &ALL).await));
        let mut accepted = Vec::new();
        for route in routes::all().iter() {
            let id = "0199c1a4-6a5e-7cc3-b1a0-0c4a64b0a1d2";
            let path = route.path.replace("{id}", id).replace("{token}", id).replace("{event}", id);
            let status = client.send(route.method.as_str(), &path, &[], Body::empty()).await.status;
            let at = format!("{} {path}: {status}", route.method);
            let scopes = match route.permission {
                Permission::Public(_) => continue,
                Permission::Scope(scope) => vec![scope],
                Permission::AnyScope(scopes) => scopes.to_vec(),
                _ => Vec::new(),
            };
            match route.path.starts_with("/scim/v2") && scopes.iter().any(|scope| ALL.contains(scope)) {
                true => {
                    assert!(![StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status), "{at}");
                    accepted.push(at);
                }
                false => assert_eq!(status, StatusCode::UNAUTHORIZED, "{at}"),
            }
        }
        assert!(accepted.len() >= 11, "{accepted:?}");
    }

    async fn a_token_allows_its_scopes_and_no_more(db: TestDb) {
        let app = app(&db);
        let reader = Caller::with(&app, token_of(&create(&app, "Reader", &["users:read"]).await));
        assert_eq!(reader.get("/scim/v2/Users").await.status, StatusCode::OK);
        let refused = reader.get("/scim/v2/Groups").await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        assert!(refused.header("www-authenticate").contains(r#"scope="groups:read""#));
        let ann = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "ann" });
        assert_eq!(reader.json("POST", "/scim/v2/Users", &ann).await.status, StatusCode::FORBIDDEN);
        assert_eq!(reader.get("/scim/v2/Users").await.body["totalResults"], 0);
    }

    async fn a_token_is_shown_once_and_rotates(db: TestDb) {
        let (app, admin) = (app(&db), admin(&app(&db)));
        let made = create(&app, "Okta", &ALL).await;
        let (first, path) = (token_of(&made), format!("{PATH}/{}", made["id"].as_str().unwrap()));
        assert!(first.starts_with("vestibule_scim_") && first.ends_with(made["tokens"][0]["ending"].as_str().unwrap()));
        let issued = admin.json("POST", &format!("{path}/tokens"), &json!({ "expires_in_days": 30 })).await;
        assert_eq!((issued.status, issued.header("cache-control")), (StatusCode::CREATED, "no-store"));
        let second = token_of(&issued.body);
        let third = admin.send("POST", &format!("{path}/tokens"), &[], Body::empty()).await;
        assert_eq!(third.status, StatusCode::CONFLICT, "{}", third.body);
        for shown in [admin.get(PATH).await, admin.get(&path).await, admin.json("PATCH", &path, &json!({ "name": "Okta 2" })).await] {
            let text = shown.body.to_string();
            assert!(shown.status == StatusCode::OK && !text.contains(&first) && !text.contains(&second) && !text.contains("hash"), "{text}");
        }
        let status = async |token: &str| Caller::with(&app, token.to_owned()).get("/scim/v2/Users").await.status;
        assert_eq!((status(&first).await, status(&second).await), (StatusCode::OK, StatusCode::OK));
        // It is bound to no key, so that it is no token of the scheme DPoP.
        let authorization = format!("DPoP {first}");
        let headers = [("authorization", authorization.as_str())];
        let refused = Caller::anonymous(&app).send("GET", "/scim/v2/Users", &headers, Body::empty()).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
        let old = format!("{path}/tokens/{}", made["tokens"][0]["id"].as_str().unwrap());
        assert_eq!(admin.send("DELETE", &old, &[], Body::empty()).await.status, StatusCode::NO_CONTENT);
        assert_eq!(admin.send("DELETE", &old, &[], Body::empty()).await.status, StatusCode::NOT_FOUND);
        assert_eq!((status(&first).await, status(&second).await), (StatusCode::UNAUTHORIZED, StatusCode::OK));
        assert_eq!(admin.send("DELETE", &path, &[], Body::empty()).await.status, StatusCode::NO_CONTENT);
        let refused = Caller::with(&app, second).get("/scim/v2/Users").await;
        assert_eq!((refused.status, refused.body["schemas"][0].as_str()), (StatusCode::UNAUTHORIZED, Some("urn:ietf:params:scim:api:messages:2.0:Error")));
        assert!(refused.header("www-authenticate").contains("invalid_token"));
    }

    async fn a_client_provisions_while_auth_is_away(db: TestDb) {
        let made = create(&app(&db), "Entra ID", &ALL).await;
        let app = app_without_auth(&db);
        assert_eq!(Caller::with(&app, token_of(&made)).get("/scim/v2/Users").await.status, StatusCode::OK);
        let other = Caller::with(&app, clients_token("cli", "users:read")).get("/scim/v2/Users").await;
        assert_eq!(other.status, StatusCode::SERVICE_UNAVAILABLE);
    }
}
