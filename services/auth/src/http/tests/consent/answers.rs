//! Tests of the answers to a saved authorization request: one code for each request, and no more than the page showed.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use http::header::AUTHORIZATION;

use super::super::world::basic;
use super::*;

const CONSENTS: &str = "SELECT COUNT(*) FROM consents";
const GRANTED: &str = "SELECT COUNT(*) FROM outbox WHERE type = 'vestibule.consent.granted.v1'";
const KEY: &str = "Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=";

testkit::on_both_engines! {
    migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];

    async fn sixteen_answers_at_once_give_one_code(db: TestDb) {
        // SB-21
        let world = World::on(db, &[]).await;
        let secret = world.shop().await;
        let cookie = world.cookie().await;
        let visit = world.visit(&cookie, &[]).await;
        let page = world.open(&visit).await;
        let submit = async || world.submit(&visit, &page, "allow", &[]).await;
        let answers = join_all((0..16).map(|_| submit())).await;
        let codes: BTreeSet<String> = answers.iter().map(|answer| answer.query()["code"].clone()).collect();
        assert_eq!(codes.len(), 1, "{codes:?}");
        assert_eq!((world.app.count(CODES).await, world.app.count(GRANTED).await), (1, 1));
        let code = codes.first().unwrap();
        let basic = basic("shop", &secret);
        let headers = [(AUTHORIZATION.as_str(), basic.as_str())];
        let tokens = world.post("/oauth2/token", &headers, &exchange(code)).await;
        assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.body);
        let late = submit().await;
        assert_eq!((late.status, late.location()), (StatusCode::BAD_REQUEST, ""), "the code was used");
        assert!(late.body.contains("was used before"), "{}", late.body);
        let tokens = tokens.json();
        let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
        let refreshed = world.post("/oauth2/token", &headers, &refresh).await;
        assert_eq!(refreshed.status, StatusCode::OK, "nothing was revoked: {}", refreshed.body);
        assert_eq!(world.app.count(CODES).await, 1);
    }

    async fn a_request_has_a_code_for_one_session(db: TestDb) {
        // SB-21
        let world = World::on(db, &[]).await;
        let asked = world.authorize("", &[]).await;
        let back = asked.query()["return_to"].clone();
        let come = async |session: &str| {
            let cookies = format!("{session}; {}", asked.cookie());
            world.get(&back, &[(COOKIE.as_str(), &cookies)]).await
        };
        let first = world.cookie().await;
        let code = come(&first).await.query()["code"].clone();
        assert_eq!(come(&first).await.query()["code"], code, "a double click on the sign-in page");
        let other = come(&world.cookie().await).await;
        assert_eq!((other.status, other.location()), (StatusCode::BAD_REQUEST, ""));
        assert_eq!(world.app.count(CODES).await, 1);
        // A code that has expired is not told again, and there is no other.
        world.app.wait(Duration::from_secs(59));
        world.app.run("UPDATE authorization_codes SET expires_at = 1").await;
        assert_eq!(come(&first).await.status, StatusCode::BAD_REQUEST);
        assert_eq!(world.app.count(CODES).await, 1);
    }

    async fn a_request_has_one_code_while_the_encryption_key_changes(db: TestDb) {
        // SB-36
        let world = World::on(db, &[("ENCRYPTION__KEYS__K2", KEY)]).await;
        world.shop().await;
        let cookie = world.cookie().await;
        let visit = world.visit(&cookie, &[]).await;
        let page = world.open(&visit).await;
        let first = world.submit(&visit, &page, "allow", &[]).await;
        let world = world.restarted(&[("ENCRYPTION__KEYS__K2", KEY), ("ENCRYPTION__ACTIVE", "k2")]).await;
        assert_eq!(world.open(&visit).await.query()["code"], first.query()["code"]);
        assert_eq!(world.app.count(CODES).await, 1);
    }

    async fn a_page_that_showed_one_service_stores_nothing_for_two(db: TestDb) {
        // SB-29, SB-48
        let [wiki, bank] = ["https://wiki.example", "https://bank.example"];
        let world = World::on(db, &[]).await;
        world.client("shop", |client| {
            client.require_consent = true;
            client.audiences = vec![Resource::parse(wiki).unwrap()];
        }).await;
        let cookie = world.cookie().await;
        let at_wiki = [("resource", wiki)];
        let (open, answered) = (world.visit(&cookie, &at_wiki).await, world.visit(&cookie, &at_wiki).await);
        let page = world.open(&open).await;
        assert!(world.answer(&answered, "allow", &[]).await.query().contains_key("code"));
        let admin = world.admin("admin").await;
        let more = json!({"redirect_uris": [CALLBACK], "require_consent": true, "audiences": [wiki, bank]});
        let changed = world.call(Method::PUT, "/admin/v1/clients/shop", &admin, Some(more)).await;
        assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
        // What was allowed in the other tab suffices for this request. What this page showed does not suffice for a consent.
        let answer = world.submit(&open, &page, "allow", &[]).await;
        assert!(answer.location().starts_with("/consent?"), "{}", answer.location());
        assert_eq!((world.app.count(CONSENTS).await, world.app.count(GRANTED).await), (1, 1));
        let silent = async |resource: &str| {
            let request = [("client_id", "shop"), ("prompt", "none"), ("resource", resource)];
            world.authorize(&cookie, &request).await.query()
        };
        assert_eq!(silent(bank).await["error"], "consent_required");
        assert!(silent(wiki).await.contains_key("code"));
        assert!(world.open(&open).await.query().contains_key("code"), "the request goes on by what was allowed");
    }
}
