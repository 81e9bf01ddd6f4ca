//! Tests of `GET` and `PATCH /user`, with a token of the person's own.

use std::time::Duration;

use axum::body::Body;
use http::StatusCode;
use oidc::dpop::access_token_hash;
use oidc::jose::{Algorithm, SigningKey, certificate_thumbprint};
use scim::version::IfMatch;
use serde_json::json;
use testkit::eventually;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::app::SharedApp;
use crate::testing::{
    AUDIENCE, Caller, ISSUER, NOW, app, app_with, app_with_certificates, bound_token,
    certificate_bound_token, clients_token, desired_user, make_administrator, persons_token, requested,
    token, token_for,
};
use crate::user_created_waiters::UserCreatedWaiters;
use crate::users::DesiredState;

async fn person(app: &SharedApp, name: &str) -> (Uuid, Caller) {
    let id = app.users.create(desired_user(name)).await.unwrap().id;
    (id, Caller::with(app, persons_token(id)))
}

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn ann_reads_her_own_record_and_nobody_elses(db: TestDb) {
        // SB-35: rights over other people's records (ASVS 8.2).
        let app = app(&db);
        let (ann_id, ann) = person(&app, "ann").await;
        let (bob_id, _) = person(&app, "bob").await;
        for path in ["/user".to_owned(), format!("/user?id={bob_id}&sub={bob_id}")] {
            let answer = ann.get(&path).await;
            assert_eq!(answer.status, StatusCode::OK);
            assert_eq!(answer.body["id"], ann_id.to_string());
            assert_eq!(answer.header("etag"), "W/\"1\"");
            // SB-18
            assert_eq!(answer.header("cache-control"), "no-store");
        }
        for path in [format!("/scim/v2/Users/{bob_id}"), format!("/scim/v2/Users/{ann_id}"), "/scim/v2/Users".into()] {
            let answer = ann.get(&path).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
            assert_eq!(answer.body["schemas"][0], "urn:ietf:params:scim:api:messages:2.0:Error");
        }
        let bobs = format!("/scim/v2/Users/{bob_id}");
        for method in ["PUT", "DELETE"] {
            let body = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "mine"});
            assert_eq!(ann.json(method, &bobs, &body).await.status, StatusCode::FORBIDDEN, "{method}");
        }
    }

    async fn a_token_that_is_bound_to_a_key_needs_a_proof(db: TestDb) {
        // RFC 9449 §7.1, §9
        let app = app(&db);
        let (id, _) = person(&app, "ann").await;
        let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
        let token = bound_token(id, &key.public().thumbprint().unwrap());
        let bearer = Caller::with(&app, token.clone()).get("/user").await;
        assert_eq!(bearer.status, StatusCode::UNAUTHORIZED);
        assert!(bearer.header("www-authenticate").starts_with("DPoP error=\"invalid_token\""));
        let ask = async |jti: &str, nonce: &str| {
            let header = json!({"typ": "dpop+jwt", "alg": "EdDSA", "jwk": key.public()});
            let proof = key.sign_with_header(&header, &json!({
                "jti": jti, "htm": "GET", "htu": format!("{AUDIENCE}/user"), "iat": NOW.as_secs(), "nonce": nonce,
                "ath": access_token_hash(&token)
            })).unwrap();
            let authorization = format!("DPoP {token}");
            let headers = [("authorization", authorization.as_str()), ("dpop", proof.as_str())];
            Caller::anonymous(&app).send("GET", "/user", &headers, Body::empty()).await
        };
        let asked = ask("1", "").await;
        assert_eq!(asked.status, StatusCode::UNAUTHORIZED);
        assert!(asked.header("www-authenticate").contains("use_dpop_nonce"));
        let nonce = asked.header("dpop-nonce").to_owned();
        assert_eq!(ask("1", &nonce).await.body["id"], id.to_string());
        assert_eq!(ask("1", &nonce).await.status, StatusCode::UNAUTHORIZED, "a proof is good once");
        assert_eq!(ask("2", &nonce).await.status, StatusCode::OK);
        // RFC 9449 §7.1: what is no longer valid is answered with the scheme of the token.
        app.users.delete(id, &IfMatch::Any).await.unwrap();
        let gone = ask("3", &nonce).await;
        assert_eq!(gone.status, StatusCode::UNAUTHORIZED);
        assert!(gone.header("www-authenticate").starts_with("DPoP error=\"invalid_token\""), "{}", gone.header("www-authenticate"));
    }

    async fn a_token_that_is_bound_to_a_certificate_needs_it_and_the_metadata_say_if_it_can_come(db: TestDb) {
        // RFC 8705 §3, RFC 9728 §2
        for (app, can_come) in [(app(&db), false), (app_with_certificates(&db), true)] {
            let metadata = Caller::anonymous(&app).get("/.well-known/oauth-protected-resource").await;
            assert_eq!(metadata.body["tls_client_certificate_bound_access_tokens"], can_come);
        }
        let app = app_with_certificates(&db);
        let (id, _) = person(&app, "ann").await;
        let ann = Caller::with(&app, certificate_bound_token(id, &certificate_thumbprint(b"certificate")));
        // The headers are those that the server writes.
        for (certificate, status) in [
            (Some(":Y2VydGlmaWNhdGU=:"), StatusCode::OK),
            (Some(":b3RoZXI=:"), StatusCode::UNAUTHORIZED),
            (None, StatusCode::UNAUTHORIZED),
        ] {
            let headers: Vec<_> = certificate.map(|value| ("client-cert", value)).into_iter().collect();
            let answer = ann.send("GET", "/user", &headers, Body::empty()).await;
            assert_eq!(answer.status, status, "{certificate:?}");
        }
    }

    async fn a_token_is_needed_and_it_must_be_for_here_and_of_a_person(db: TestDb) {
        let app = app(&db);
        let (id, _) = person(&app, "ann").await;
        let anonymous = Caller::anonymous(&app).get("/user").await;
        assert_eq!(anonymous.status, StatusCode::UNAUTHORIZED);
        // RFC 9728 §5.1
        let metadata = format!("{AUDIENCE}/.well-known/oauth-protected-resource");
        let challenge = format!("Bearer realm=\"vestibule\", resource_metadata=\"{metadata}\"");
        assert_eq!(anonymous.header("www-authenticate"), challenge);
        let metadata = Caller::anonymous(&app).get("/.well-known/oauth-protected-resource").await;
        assert_eq!(metadata.status, StatusCode::OK);
        assert_eq!((metadata.body["resource"].as_str(), &metadata.body["authorization_servers"]), (Some(AUDIENCE), &json!([ISSUER])));
        assert_eq!(metadata.body["bearer_methods_supported"], json!(["header"]));
        assert!(metadata.body["scopes_supported"].as_array().unwrap().contains(&json!("users:read")));
        let elsewhere = token_for("http://other.example", &id.to_string(), "app", "openid");
        assert_eq!(Caller::with(&app, elsewhere).get("/user").await.status, StatusCode::UNAUTHORIZED);
        let without_openid = token(&id.to_string(), "app", "profile");
        assert_eq!(Caller::with(&app, without_openid).get("/user").await.status, StatusCode::FORBIDDEN);
        let machine = Caller::with(&app, clients_token("app", "openid"));
        assert_eq!(machine.get("/user").await.status, StatusCode::FORBIDDEN);
    }

    async fn ann_changes_what_is_hers_to_change(db: TestDb) {
        let app = app(&db);
        let (_, ann) = person(&app, "ann").await;
        let patch = json!({"name": {"given_name": "Ann"}, "locale": "fr", "attributes": {"theme": "dark"}});
        let merge_patch = [("content-type", "application/merge-patch+json"), ("if-match", "W/\"1\"")];
        let changed = ann.send("PATCH", "/user", &merge_patch, Body::from(patch.to_string())).await;
        assert_eq!(changed.status, StatusCode::OK, "{changed:?}");
        assert_eq!(changed.header("etag"), "W/\"2\"");
        let now = ann.get("/user").await;
        assert_eq!(now.body, changed.body);
        assert_eq!(now.body["name"], json!({"given_name": "Ann"}));
        assert_eq!(now.body["attributes"], json!({"theme": "dark"}));
        let stale = ann.json_if("PATCH", "/user", &json!({"locale": "en"}), "W/\"1\"").await;
        assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    }

    async fn a_number_is_kept_as_it_was_sent_or_refused(db: TestDb) {
        let app = app(&db);
        let (_, ann) = person(&app, "ann").await;
        for kept in ["9007199254740993", "-9223372036854775808", "18446744073709551615"] {
            let patch = format!(r#"{{"attributes":{{"badge":{kept}}}}}"#);
            let merge_patch = [("content-type", "application/merge-patch+json")];
            let changed = ann.send("PATCH", "/user", &merge_patch, Body::from(patch)).await;
            assert_eq!(changed.status, StatusCode::OK, "{changed:?}");
            let now = ann.get("/user").await;
            assert_eq!(now.body["attributes"]["badge"].to_string(), kept);
        }
        for rounded in ["18446744073709551616", "9007199254740993.0", "1e300"] {
            let patch = format!(r#"{{"attributes":{{"badge":{rounded}}}}}"#);
            let merge_patch = [("content-type", "application/merge-patch+json")];
            let refused = ann.send("PATCH", "/user", &merge_patch, Body::from(patch)).await;
            assert_eq!((refused.status, refused.field()), (StatusCode::BAD_REQUEST, "attributes.badge"));
        }
    }

    async fn ann_cannot_give_herself_more(db: TestDb) {
        // SB-35: mass assignment.
        let app = app(&db);
        let (_, ann) = person(&app, "ann").await;
        let before = ann.get("/user").await.body;
        for (patch, field) in [
            (json!({"locale": "fr", "active": true}), "active"),
            (json!({"groups": ["vestibule-admins"]}), "groups"),
            (json!({"user_name": "root"}), "user_name"),
            (json!({"version": 77}), "version"),
            (json!({"emails": [{"value": "a@b.example", "verified": true}]}), "emails"),
            (json!({"attributes": {"entitlements": [{"value": "all"}]}}), "attributes.entitlements"),
            (json!({"attributes": {"emails": [{"value": "root@b.example"}]}}), "attributes.emails"),
            (json!({"role": "admin"}), "role"),
            (json!({"locale": "x".repeat(100)}), "locale"),
        ] {
            let refused = ann.json("PATCH", "/user", &patch).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{patch}");
            assert_eq!(refused.field(), field, "{patch}");
        }
        assert_eq!(ann.get("/user").await.body, before, "nothing was changed");
    }

    async fn a_body_that_cannot_be_read_is_refused(db: TestDb) {
        // SB-42
        let app = app(&db);
        let (_, ann) = person(&app, "ann").await;
        let json = [("content-type", "application/json")];
        let huge = format!("{{\"attributes\":{{\"k\":\"{}\"}}}}", "x".repeat(300_000));
        for (headers, body, status) in [
            (&json[..], r#"{"locale":"fr","locale":"en"}"#, StatusCode::BAD_REQUEST),
            (&json[..], "{", StatusCode::BAD_REQUEST),
            (&json[..], huge.as_str(), StatusCode::PAYLOAD_TOO_LARGE),
            (&[("content-type", "text/plain")][..], "{}", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ] {
            let refused = ann.send("PATCH", "/user", headers, Body::from(body.to_owned())).await;
            assert_eq!(refused.status, status);
            assert_eq!(refused.header("content-type"), "application/problem+json");
        }
    }

    async fn a_person_who_is_switched_off_is_refused_at_once(db: TestDb) {
        // SB-15
        let app = app(&db);
        let (id, ann) = person(&app, "ann").await;
        make_administrator(&app, id).await;
        let administrator = Caller::with(&app, token(&id.to_string(), "cli", "users:read events:read"));
        for path in ["/scim/v2/Users", "/events", "/events/snapshot"] {
            assert_eq!(administrator.get(path).await.status, StatusCode::OK, "{path}");
        }
        let off = DesiredState { active: Some(false), ..desired_user("ann") };
        app.users.replace(id, &IfMatch::Any, off).await.unwrap();
        for (caller, path) in [
            (&ann, "/user"), (&administrator, "/scim/v2/Users"), (&administrator, "/events"), (&administrator, "/events/snapshot"),
        ] {
            let refused = caller.get(path).await;
            assert_eq!(refused.status, StatusCode::UNAUTHORIZED, "{path}");
            assert!(refused.header("www-authenticate").contains("invalid_token"));
        }
        assert_eq!(ann.json("PATCH", "/user", &json!({"locale": "fr"})).await.status, StatusCode::UNAUTHORIZED);
        app.users.delete(id, &IfMatch::Any).await.unwrap();
        assert_eq!(ann.get("/user").await.status, StatusCode::UNAUTHORIZED, "and without waiting");
        assert_eq!(administrator.get("/scim/v2/Users").await.status, StatusCode::UNAUTHORIZED);
    }

    async fn whoever_is_not_here_yet_is_waited_for(db: TestDb) {
        let app = app(&db);
        let mut early = JoinSet::new();
        for id in [1, 1, 2] {
            let caller = Caller::with(&app, persons_token(Uuid::from_u128(id)));
            early.spawn(async move { caller.get("/user").await.status });
        }
        eventually("three requests wait", async || (app.user_created_waiters.crowd() == 3).then_some(())).await;
        app.registrations.register(requested(2, "bob")).await.unwrap();
        assert_eq!(early.join_next().await.unwrap().unwrap(), StatusCode::OK);
        app.registrations.register(requested(1, "ann")).await.unwrap();
        assert_eq!(early.join_all().await, [StatusCode::OK, StatusCode::OK]);
        assert_eq!(app.user_created_waiters.crowd(), 0);
    }

    async fn whoever_does_not_come_is_asked_to_try_again(db: TestDb) {
        let app = app_with(&db, UserCreatedWaiters::new(Duration::from_millis(20), Duration::from_millis(5)));
        let nobody = Caller::with(&app, persons_token(Uuid::from_u128(1)));
        let answer = nobody.get("/user").await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.header("retry-after"), "1");
    }
}
