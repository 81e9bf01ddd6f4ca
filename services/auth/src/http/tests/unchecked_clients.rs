//! Tests of links to this server that name a client which registered itself: they lead nobody away at once, except with `prompt=none`
//! (RFC 9700 §4.11.2).

use http::StatusCode;
use http::header::COOKIE;
use serde_json::json;

use super::register::{OPEN, with};
use super::request_objects;
use super::world::{CALLBACK, TestResponse, World, encode};

const BYE: &str = "https://phish.example:8443/bye";

/// A client that registered itself.
async fn unchecked(world: &World) -> String {
    let body = json!({
        "redirect_uris": [CALLBACK], "post_logout_redirect_uris": [BYE], "scope": "openid", "token_endpoint_auth_method": "none",
    });
    let made = world.register("", &body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    made.json()["client_id"].as_str().unwrap().to_owned()
}

async fn leave(world: &World, cookie: &str, client: &str, uri: &str) -> TestResponse {
    let query = [("client_id", client), ("post_logout_redirect_uri", uri)];
    let path = format!("/oauth2/logout?{}", encode(&query));
    world.get(&path, &[(COOKIE.as_str(), cookie)]).await
}

#[test]
fn an_error_of_a_request_is_answered_to_people_who_have_signed_in() {
    // SB-20
    with(&[OPEN], async |world| {
        let id = unchecked(&world).await;
        let invalid = [("client_id", id.as_str()), ("response_type", "token")];
        let away = world.authorize("", &invalid).await;
        assert_eq!(away.status, StatusCode::SEE_OTHER);
        assert!(
            away.location().starts_with("/login?return_to="),
            "{}",
            away.location()
        );
        let back = away.query().remove("return_to").unwrap();
        let cookie = world.cookie().await;
        let answer = world.get(&back, &[(COOKIE.as_str(), &cookie)]).await;
        assert!(answer.location().starts_with(CALLBACK), "{}", answer.location());
        assert_eq!(answer.query()["error"], "unsupported_response_type");
        let ended = "__Host-vestibule=ended";
        assert!(
            world
                .authorize(ended, &invalid)
                .await
                .location()
                .starts_with("/login?")
        );
        let object = [("client_id", id.as_str()), ("request", "x.y.z")];
        assert!(
            world
                .authorize("", &object)
                .await
                .location()
                .starts_with("/login?")
        );
        let filler = "x".repeat(5000);
        let long = [
            ("client_id", id.as_str()),
            ("response_type", "token"),
            ("hobby", &filler),
        ];
        assert_eq!(world.authorize("", &long).await.status, StatusCode::BAD_REQUEST);

        // OpenID Connect Core §3.1.2.1: a silent request shows no page.
        let silent = [invalid[0], invalid[1], ("prompt", "none")];
        assert!(world.authorize("", &silent).await.query().contains_key("error"));
        // Somebody has vouched for the others.
        let known = world.authorize("", &invalid[1..]).await;
        assert_eq!(known.query()["error"], "unsupported_response_type");
    });
}

#[test]
fn a_request_is_silent_if_its_request_object_says_so() {
    // RFC 9101 §6.3
    with(&[OPEN], async |world| {
        let key = request_objects::key();
        let keys = request_objects::set(&key);
        world.signer(|client| client.jwks = Some(keys)).await;
        let registered = "UPDATE clients SET origin = 'registration' WHERE id = 'signer'";
        world.app.run(registered).await;
        for (prompt, around, is_silent) in [
            (json!(null), &[("prompt", "none")][..], false),
            (json!("none"), &[], true),
        ] {
            let invalid = json!({"response_type": "token", "prompt": prompt});
            let answer = world.send_object("", &world.object(&key, &invalid), around).await;
            let location = answer.location();
            assert_eq!(location.starts_with(CALLBACK), is_silent, "{location}");
            assert_eq!(location.starts_with("/login?"), !is_silent, "{location}");
        }
    });
}

#[test]
fn a_sign_out_that_ends_nothing_names_the_site_that_it_leads_to() {
    // SB-20
    with(&[OPEN], async |world| {
        let id = unchecked(&world).await;
        let page = leave(&world, "", &id, BYE).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.location());
        for text in [
            format!("href=\"{BYE}\""),
            "Continue to phish.example:8443".to_owned(),
        ] {
            assert!(page.body.contains(&text), "{text}: {}", page.body);
        }
        assert!(!page.body.contains("http-equiv=\"refresh\""), "{}", page.body);
        let known = "https://app.example.org/bye";
        assert_eq!(leave(&world, "", "web", known).await.location(), known);
    });
}
