//! Tests of what strangers cannot do at the registration endpoint (SB-29, SB-43).

use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::register::{OPEN, TOKEN, shop, with};
use super::world::{CALLBACK, ISSUER, World};

fn path_of(registered: &Value) -> String {
    let uri = registered["registration_client_uri"].as_str().unwrap();
    uri.strip_prefix(ISSUER).unwrap().to_owned()
}

fn token_of(registered: &Value) -> &str {
    registered["registration_access_token"].as_str().unwrap()
}

async fn keys(world: &World) -> i64 {
    world.app.count("SELECT COUNT(*) FROM further_signing_keys").await
}

#[test]
fn no_key_is_made_for_somebody_who_may_not_register() {
    let mut wish = shop();
    wish["id_token_signed_response_alg"] = json!("PS256");
    with(&[TOKEN], async |world| {
        let before = keys(&world).await;
        assert_eq!(world.register("guess", &wish).await.error(), "invalid_token");
        assert_eq!(keys(&world).await, before);
    });
    with(
        &[OPEN, ("REGISTRATION__CLIENTS_HOURLY_PER_SOURCE", "1")],
        async |world| {
            world.register("", &shop()).await;
            let before = keys(&world).await;
            let limited = world.register("", &wish).await;
            assert_eq!(limited.status, StatusCode::TOO_MANY_REQUESTS);
            assert_eq!(keys(&world).await, before);
            assert_eq!(world.register("guess", &wish).await.error(), "invalid_token");
            assert_eq!(keys(&world).await, before);
        },
    );
}

#[test]
fn many_registrations_at_once_make_each_key_once() {
    with(&[OPEN], async |world| {
        let mut wish = shop();
        wish["id_token_signed_response_alg"] = json!("EdDSA");
        let before = keys(&world).await;
        let tries = futures_util::future::join_all((0..4).map(|_| world.register("", &wish))).await;
        assert!(tries.iter().all(|answer| answer.status == StatusCode::CREATED));
        assert_eq!(keys(&world).await, before + 1);
    });
}

#[test]
fn a_registration_is_changed_so_often_in_an_hour() {
    with(&[OPEN], async |world| {
        let registered = world.register("", &shop()).await.json();
        let mut change = shop();
        change["client_id"] = registered["client_id"].clone();
        let mut made = 0;
        let limited = loop {
            change["client_name"] = json!(format!("Shop {made}"));
            let answer = world
                .registration(
                    Method::PUT,
                    &path_of(&registered),
                    token_of(&registered),
                    Some(&change),
                )
                .await;
            if answer.status != StatusCode::OK {
                break answer;
            }
            made += 1;
        };
        assert_eq!((made, limited.status), (20, StatusCode::TOO_MANY_REQUESTS));
        assert_eq!(limited.header(RETRY_AFTER), "3600");
        let read = world
            .registration(Method::GET, &path_of(&registered), token_of(&registered), None)
            .await;
        assert_eq!(read.status, StatusCode::OK);
    });
}

#[test]
fn an_address_inside_is_not_registered_and_the_answer_tells_nothing_about_it() {
    // SB-32
    with(&[OPEN], async |world| {
        let answers = [
            "https://10.1.2.3/jwks",
            "https://nobody.invalid/jwks",
            "http://192.0.2.1/jwks",
        ]
        .map(|url| {
            let mut wish = shop();
            wish["jwks_uri"] = json!(url);
            wish
        });
        let mut bodies = Vec::new();
        for wish in &answers {
            let refused = world.register("", wish).await;
            assert_eq!(refused.error(), "invalid_client_metadata", "{wish}");
            bodies.push(refused.body);
        }
        assert!(
            bodies
                .iter()
                .all(|body| *body == bodies[0] && body.contains("jwks_uri")),
            "{bodies:?}"
        );
    });
}

#[test]
fn a_stranger_has_hosts_looked_up_a_number_of_times_in_an_hour() {
    // SB-43: nothing is registered, so the quota of registrations is not used up
    with(
        &[OPEN, ("REGISTRATION__CLIENTS_HOURLY_PER_SOURCE", "1")],
        async |world| {
            let mut wish = shop();
            wish["request_uris"] = json!(["https://victim.invalid/", "https://127.0.0.1/"]);
            for _ in 0..2 {
                assert_eq!(world.register("", &wish).await.error(), "invalid_client_metadata");
            }
            let limited = world.register("", &wish).await;
            assert_eq!(limited.status, StatusCode::TOO_MANY_REQUESTS);
            let registered = world.register("", &shop()).await;
            assert_eq!(registered.status, StatusCode::CREATED, "{}", registered.body);
        },
    );
}

#[test]
fn a_request_without_a_token_is_told_of_no_error() {
    // RFC 6750 §3.1
    with(&[TOKEN], async |world| {
        for (token, challenge) in [("", "Bearer"), ("guess", r#"Bearer error="invalid_token""#)] {
            let refused = world.register(token, &shop()).await;
            assert_eq!(
                (refused.status, refused.header(WWW_AUTHENTICATE)),
                (StatusCode::UNAUTHORIZED, challenge)
            );
        }
    });
}

#[test]
fn nothing_is_managed_while_registration_is_off() {
    with(&[], async |world| {
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let answer = world
                .registration(method.clone(), "/oauth2/register/web", "guess", Some(&shop()))
                .await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method}");
        }
    });
}

#[test]
fn people_are_asked_before_a_client_that_registered_itself_gets_access() {
    // SB-29
    with(&[OPEN], async |world| {
        let mut wish = shop();
        (wish["redirect_uris"], wish["require_consent"]) = (json!([CALLBACK]), json!(false));
        let registered = world.register("", &wish).await.json();
        let (id, cookie) = (registered["client_id"].as_str().unwrap(), world.cookie().await);
        let asked = world.authorize(&cookie, &[("client_id", id)]).await;
        assert!(asked.location().starts_with("/consent?"), "{}", asked.location());
        let silent = world
            .authorize(&cookie, &[("client_id", id), ("prompt", "none")])
            .await;
        assert_eq!(silent.query()["error"], "consent_required");
        let mut change = wish;
        change["client_id"] = json!(id);
        let changed = world
            .registration(
                Method::PUT,
                &path_of(&registered),
                token_of(&registered),
                Some(&change),
            )
            .await;
        assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
        let asked = world.authorize(&cookie, &[("client_id", id)]).await;
        assert!(asked.location().starts_with("/consent?"), "{}", asked.location());
    });
}
