//! Tests of dynamic client registration (RFC 7591) and its management (RFC 7592).

use axum::body::Body;
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};

use super::world::{ISSUER, TestResponse, World, basic, exchange};

pub(super) const OPEN: (&str, &str) = ("REGISTRATION__CLIENTS", "open");
pub(super) const TOKEN: (&str, &str) = ("REGISTRATION__CLIENTS", "token");
/// Clients that register themselves are of the house.
const TRUSTED: (&str, &str) = ("REGISTRATION__REQUIRE_CONSENT", "false");

pub(super) fn shop() -> Value {
    json!({"redirect_uris": ["https://shop.example/cb"], "client_name": "Shop", "hobby": "chess"})
}

impl World {
    pub(super) async fn registration(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: Option<&Value>,
    ) -> TestResponse {
        let mut request = Request::builder().method(method).uri(path);
        if !token.is_empty() {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let body = match body {
            Some(body) => {
                request = request.header(CONTENT_TYPE, "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        self.send(request.body(body).unwrap()).await
    }

    pub(super) async fn register(&self, token: &str, body: &Value) -> TestResponse {
        self.registration(Method::POST, "/oauth2/register", token, Some(body))
            .await
    }
}

pub(super) fn with(settings: &[(&str, &str)], story: impl AsyncFnOnce(World)) {
    testkit::block_on(async { story(World::with(settings).await).await });
}

#[test]
fn nobody_registers_a_client_unless_the_operator_allows_it() {
    // SB-29
    with(&[], async |world| {
        let answer = world.register("", &shop()).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        let metadata = world.get("/.well-known/openid-configuration", &[]).await.json();
        assert!(metadata.get("registration_endpoint").is_none());
    });
}

#[test]
fn a_client_registers_itself_and_gets_tokens() {
    with(&[OPEN, TRUSTED], async |world| {
        let metadata = world.get("/.well-known/openid-configuration", &[]).await.json();
        assert_eq!(
            metadata["registration_endpoint"],
            format!("{ISSUER}/oauth2/register")
        );
        let body =
            json!({"redirect_uris": ["https://app.example.org/callback?tenant=1"], "scope": "openid admin"});
        let made = world.register("", &body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
        assert_eq!(made.header(CACHE_CONTROL), "no-store");
        let told = made.json();
        assert_eq!(
            (&told["client_secret_expires_at"], &told["response_types"]),
            (&json!(0), &json!(["code"]))
        );
        assert_eq!(told["scope"], "openid", "SB-48");
        let (id, secret) = (
            told["client_id"].as_str().unwrap(),
            told["client_secret"].as_str().unwrap(),
        );
        assert_eq!(
            told["registration_client_uri"],
            format!("{ISSUER}/oauth2/register/{id}")
        );
        let cookie = world.cookie().await;
        let code = world
            .code(&cookie, &[("client_id", id), ("scope", "openid")])
            .await;
        let header = basic(id, secret);
        let tokens = world
            .post(
                "/oauth2/token",
                &[(AUTHORIZATION.as_str(), &header)],
                &exchange(&code),
            )
            .await;
        assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.body);
        assert!(
            world
                .app
                .events()
                .await
                .contains(&"vestibule.client.created.v1".to_owned())
        );
    });
}

#[test]
fn a_registration_is_read_changed_and_deleted_with_its_own_token() {
    // RFC 7592
    with(&[OPEN], async |world| {
        let told = world.register("", &shop()).await.json();
        let other = world.register("", &shop()).await.json();
        let token = told["registration_access_token"].as_str().unwrap();
        let path = told["registration_client_uri"]
            .as_str()
            .unwrap()
            .strip_prefix(ISSUER)
            .unwrap();
        let read = world.registration(Method::GET, path, token, None).await;
        assert_eq!(read.status, StatusCode::OK, "{}", read.body);
        assert_eq!(
            (
                &read.json()["client_name"],
                &read.json()["registration_access_token"]
            ),
            (&json!("Shop"), &json!(token))
        );
        assert!(
            read.json().get("client_secret").is_none(),
            "SB-28: only its hash is known"
        );
        for wrong in ["", "guess", other["registration_access_token"].as_str().unwrap()] {
            let refused = world.registration(Method::GET, path, wrong, None).await;
            assert_eq!(
                (refused.status, refused.error().as_str()),
                (StatusCode::UNAUTHORIZED, "invalid_token")
            );
            assert_eq!(
                refused.header(WWW_AUTHENTICATE).contains("invalid_token"),
                !wrong.is_empty()
            );
        }
        for unknown in ["/oauth2/register/web", "/oauth2/register/nobody"] {
            assert_eq!(
                world.registration(Method::GET, unknown, token, None).await.status,
                StatusCode::UNAUTHORIZED
            );
        }
        let id = told["client_id"].as_str().unwrap();
        let mut change = json!({"client_id": id, "redirect_uris": ["https://shop.example/new"]});
        let changed = world.registration(Method::PUT, path, token, Some(&change)).await;
        assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
        assert_eq!(
            changed.json()["redirect_uris"],
            json!(["https://shop.example/new"])
        );
        assert!(
            changed.json().get("client_name").is_none(),
            "what is left out is deleted"
        );
        change["client_secret"] = json!("chosen");
        let chosen = world.registration(Method::PUT, path, token, Some(&change)).await;
        assert_eq!(
            (chosen.status, chosen.error().as_str()),
            (StatusCode::BAD_REQUEST, "invalid_request")
        );
        let gone = world.registration(Method::DELETE, path, token, None).await;
        assert_eq!(gone.status, StatusCode::NO_CONTENT);
        assert_eq!(
            world.registration(Method::GET, path, token, None).await.status,
            StatusCode::UNAUTHORIZED
        );
    });
}

#[test]
fn the_installation_decides_whether_pkce_is_needed() {
    // SB-22
    for (setting, method, required) in [
        ("true", "client_secret_basic", true),
        ("false", "client_secret_basic", false),
        ("false", "none", true),
    ] {
        with(
            &[OPEN, TRUSTED, ("REGISTRATION__REQUIRE_PKCE", setting)],
            async |world| {
                let body = json!({
                    "redirect_uris": ["https://app.example.org/callback?tenant=1"], "require_pkce": !required,
                    "token_endpoint_auth_method": method,
                });
                let told = world.register("", &body).await.json();
                let (id, cookie) = (told["client_id"].as_str().unwrap(), world.cookie().await);
                let without = [
                    ("client_id", id),
                    ("code_challenge", ""),
                    ("code_challenge_method", ""),
                ];
                let answer = world.authorize(&cookie, &without).await.query();
                assert_eq!(
                    answer.contains_key("error"),
                    required,
                    "{setting} {method}: {answer:?}"
                );
            },
        );
    }
}

#[test]
fn people_are_asked_before_a_client_that_registered_itself_gets_access() {
    // SB-29
    with(&[OPEN], async |world| {
        let body =
            json!({"redirect_uris": ["https://app.example.org/callback?tenant=1"], "require_consent": false});
        let told = world.register("", &body).await.json();
        let (id, cookie) = (told["client_id"].as_str().unwrap(), world.cookie().await);
        let answer = world.authorize(&cookie, &[("client_id", id)]).await;
        assert!(answer.location().starts_with("/consent?authorization_request="));
    });
}

#[test]
fn exceptions_for_addresses_are_not_for_clients_that_register_themselves() {
    // SB-32
    with(&[OPEN, super::assertions::LOCAL[0]], async |world| {
        let inside = json!("https://127.0.0.1:9999/inside");
        for (member, value) in [
            ("jwks_uri", inside.clone()),
            ("backchannel_logout_uri", inside.clone()),
            ("logo_uri", inside.clone()),
            ("sector_identifier_uri", inside.clone()),
            ("request_uris", json!([inside])),
            ("logo_uri", json!("http://shop.example/logo.png")),
        ] {
            let mut body = shop();
            body[member] = value;
            let answer = world.register("", &body).await;
            assert_eq!(
                answer.error(),
                "invalid_client_metadata",
                "{member}: {}",
                answer.body
            );
            assert!(answer.body.contains(member), "{}", answer.body);
        }
    });
}

#[test]
fn bad_registrations_get_the_errors_of_the_standard() {
    with(&[OPEN], async |world| {
        for (body, error) in [
            (
                json!({"redirect_uris": ["http://app.example/cb"]}),
                "invalid_redirect_uri",
            ),
            (json!({"redirect_uris": []}), "invalid_redirect_uri"),
            (
                json!({"redirect_uris": ["https://a.example/"], "token_endpoint_auth_method": "client_secret_jwt"}),
                "invalid_client_metadata",
            ),
            (
                json!({"redirect_uris": ["https://a.example/"], "response_types": ["id_token"]}),
                "invalid_client_metadata",
            ),
            (
                json!({"redirect_uris": ["https://a.example/"], "software_statement": "a.b.c"}),
                "invalid_software_statement",
            ),
            (json!([]), "invalid_client_metadata"),
        ] {
            let answer = world.register("", &body).await;
            assert_eq!(
                (answer.status, answer.error().as_str()),
                (StatusCode::BAD_REQUEST, error),
                "{body}: {}",
                answer.body
            );
            assert_eq!(answer.header(CACHE_CONTROL), "no-store");
        }
        let form = world
            .post(
                "/oauth2/register",
                &[],
                &[("redirect_uris", "https://a.example/")],
            )
            .await;
        assert_eq!(form.error(), "invalid_client_metadata");
    });
}
