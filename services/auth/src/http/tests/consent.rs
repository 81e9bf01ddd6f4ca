//! Tests of the consent page (OpenID Connect Core §3.1.2.4, RFC 8252 §8.6).

mod answers;
mod resources;

use std::time::Duration;

use http::header::{CONTENT_SECURITY_POLICY, COOKIE};
use http::{Method, StatusCode};
use oidc::resource::Resource;
use serde_json::json;

use super::world::{CALLBACK, ISSUER, TestResponse, World, exchange, stories};
use crate::clients::AuthMethod;

const CODES: &str = "SELECT COUNT(*) FROM authorization_codes";

/// A browser in which Ann has signed in, on its way to the application `shop` of another party.
struct Visit {
    cookies: String,
    page: String,
}

impl World {
    async fn shop(&self) -> String {
        let secret = self.client("shop", |client| {
            client.require_consent = true;
            client.client_name = Some("The <b>shop</b>".to_owned());
        });
        secret.await.unwrap()
    }

    /// An authorization request of `shop`, which leads to the consent page.
    async fn visit(&self, cookie: &str, change: &[(&str, &str)]) -> Visit {
        let mut all = vec![("client_id", "shop")];
        all.extend(change);
        let answer = self.authorize(cookie, &all).await;
        let page = answer.location().to_owned();
        assert!(page.starts_with("/consent?authorization_request="), "{page}");
        Visit {
            cookies: format!("{cookie}; {}", answer.cookie()),
            page,
        }
    }

    async fn open(&self, visit: &Visit) -> TestResponse {
        self.get(&visit.page, &[(COOKIE.as_str(), &visit.cookies)]).await
    }

    /// The answer on the page, with the fields of the form and `change`.
    async fn answer(&self, visit: &Visit, answer: &str, change: &[(&str, &str)]) -> TestResponse {
        let page = self.open(visit).await;
        self.submit(visit, &page, answer, change).await
    }

    /// The answer on a page that was opened before.
    async fn submit(
        &self,
        visit: &Visit,
        page: &TestResponse,
        answer: &str,
        change: &[(&str, &str)],
    ) -> TestResponse {
        let mut form: Vec<(&str, &str)> = ["csrf", "authorization_request", "scope", "audiences"]
            .map(|name| (name, hidden(&page.body, name)))
            .to_vec();
        form.push(("answer", answer));
        for (name, value) in change {
            form.retain(|(known, _)| known != name);
            form.push((name, value));
        }
        let headers = [(COOKIE.as_str(), visit.cookies.as_str()), ("origin", ISSUER)];
        self.post("/consent", &headers, &form).await
    }
}

/// The value of a hidden field.
pub(super) fn hidden<'a>(page: &'a str, name: &str) -> &'a str {
    let start = format!("name=\"{name}\" value=\"");
    let Some((_, rest)) = page.split_once(&start) else {
        panic!("{name}: {page}")
    };
    rest.split('"').next().unwrap()
}

stories! {
    async fn ann_is_asked_once_and_the_shop_gets_what_she_allowed(world) {
        // SB-29
        world.shop().await;
        let cookie = world.cookie().await;
        let visit = world.visit(&cookie, &[]).await;
        let page = world.open(&visit).await;
        assert_eq!(page.status, StatusCode::OK);
        for text in ["The &#60;b&#62;shop&#60;/b&#62;", "at app.example.org", "See your e-mail address", "ann"] {
            assert!(page.body.contains(text), "{text}: {}", page.body);
        }
        let policy = page.header(CONTENT_SECURITY_POLICY);
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        let done = world.answer(&visit, "allow", &[]).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER);
        let query = done.query();
        assert!(query.contains_key("code") && query["state"] == "s t&te", "{}", done.location());
        let next = world.authorize(&cookie, &[("client_id", "shop"), ("prompt", "none")]).await;
        assert!(next.query().contains_key("code"), "{}", next.location());
        let more = world.visit(&cookie, &[("scope", "openid groups")]).await;
        assert!(world.open(&more).await.body.contains("which groups"));
    }

    async fn a_consent_is_for_the_services_that_the_page_named(world) {
        // SB-29, SB-48
        let [wiki, bank] = ["https://wiki.example", "https://bank.example"];
        world.client("shop", |client| {
            client.require_consent = true;
            client.audiences = vec![Resource::parse(wiki).unwrap()];
        }).await;
        let cookie = world.cookie().await;
        let visit = world.visit(&cookie, &[]).await;
        let page = world.open(&visit).await.body;
        assert!(page.contains(wiki) && !page.contains(bank), "{page}");
        world.answer(&visit, "allow", &[]).await;
        let silent = async |resource: &str| {
            let request = [("client_id", "shop"), ("prompt", "none"), ("resource", resource)];
            world.authorize(&cookie, &request).await.query()
        };
        assert!(silent(wiki).await.contains_key("code"));
        let admin = world.admin("admin").await;
        let more = json!({"redirect_uris": [CALLBACK], "require_consent": true, "audiences": [wiki, bank]});
        let changed = world.call(Method::PUT, "/admin/v1/clients/shop", &admin, Some(more)).await;
        assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
        assert!(silent(wiki).await.contains_key("code"));
        assert_eq!(silent(bank).await["error"], "consent_required");
        let visit = world.visit(&cookie, &[("resource", bank)]).await;
        assert!(world.open(&visit).await.body.contains(bank));
        world.answer(&visit, "allow", &[]).await;
        assert!(silent(bank).await.contains_key("code") && silent("").await.contains_key("code"));
    }

    async fn a_service_that_is_added_while_the_page_is_open_is_shown_first(world) {
        // SB-29, SB-48
        let [wiki, bank] = ["https://wiki.example", "https://bank.example"];
        world.client("shop", |client| {
            client.require_consent = true;
            client.audiences = vec![Resource::parse(wiki).unwrap()];
        }).await;
        let cookie = world.cookie().await;
        let admin = world.admin("admin").await;
        // The last has no audiences: its tokens are for the services of this server.
        for audiences in [&[wiki, bank][..], &[]] {
            let visit = world.visit(&cookie, &[]).await;
            let page = world.open(&visit).await;
            let body = json!({"redirect_uris": [CALLBACK], "require_consent": true, "audiences": audiences});
            let changed = world.call(Method::PUT, "/admin/v1/clients/shop", &admin, Some(body)).await;
            assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
            let answer = world.submit(&visit, &page, "allow", &[]).await;
            assert!(answer.location().starts_with("/consent?"), "{}", answer.location());
            assert_eq!(world.app.count("SELECT COUNT(*) FROM consents").await, 0);
        }
        let visit = world.visit(&cookie, &[]).await;
        let page = world.open(&visit).await;
        let invalid = [("audiences", "a b")];
        assert!(world.submit(&visit, &page, "allow", &invalid).await.location().starts_with("/consent?"));
        assert!(world.submit(&visit, &page, "allow", &[]).await.query().contains_key("code"));
    }

    async fn a_consent_for_other_services_carries_nothing_over(world) {
        // SB-29, SB-48: what was allowed at the wiki was not shown for the bank, nor for the services of this server.
        let [wiki, bank] = ["https://wiki.example", "https://bank.example"];
        world.client("shop", |client| {
            client.require_consent = true;
            client.audiences = vec![Resource::parse(wiki).unwrap()];
        }).await;
        let cookie = world.cookie().await;
        let visit = world.visit(&cookie, &[("scope", "openid email")]).await;
        world.answer(&visit, "allow", &[]).await;
        let admin = world.admin("admin").await;
        let register = async |audiences: &[&str]| {
            let body = json!({"redirect_uris": [CALLBACK], "require_consent": true, "audiences": audiences});
            let changed = world.call(Method::PUT, "/admin/v1/clients/shop", &admin, Some(body)).await;
            assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
        };
        let silent = async |scope: &str, resource: &[(&str, &str)]| {
            let mut request = vec![("client_id", "shop"), ("prompt", "none"), ("scope", scope)];
            request.extend(resource);
            world.authorize(&cookie, &request).await.query()
        };
        assert!(silent("openid email", &[]).await.contains_key("code"));
        register(&[]).await;
        assert_eq!(silent("openid email", &[]).await["error"], "consent_required");
        register(&[wiki, bank]).await;
        let at_bank = [("resource", bank)];
        let visit = world.visit(&cookie, &[("scope", "openid"), at_bank[0]]).await;
        assert!(!world.open(&visit).await.body.contains("e-mail"));
        world.answer(&visit, "allow", &[]).await;
        assert!(silent("openid", &at_bank).await.contains_key("code"));
        assert_eq!(silent("openid email", &at_bank).await["error"], "consent_required");
    }

    async fn the_page_leads_to_the_pages_of_the_application_about_itself(world) {
        // RFC 7591 §2, §5
        world.client("shop", |client| {
            client.require_consent = true;
            client.policy_uri = Some("https://shop.example/privacy?a=\"b\"".parse().unwrap());
            client.tos_uri = Some("https://shop.example/terms".parse().unwrap());
        }).await;
        let visit = world.visit(&world.cookie().await, &[]).await;
        let page = world.open(&visit).await.body;
        for text in [
            "<a href=\"https://shop.example/privacy?a=%22b%22\" rel=\"noopener noreferrer\" target=\"_blank\">Privacy policy</a> (shop.example)",
            "<a href=\"https://shop.example/terms\" rel=\"noopener noreferrer\" target=\"_blank\">Terms of service</a> (shop.example)",
        ] {
            assert!(page.contains(text), "{text}: {page}");
        }
        assert!(!page.contains("Home page"), "{page}");
    }

    async fn nobody_is_led_to_another_site_than_that_of_an_application_that_registered_itself(world) {
        // RFC 7591 §5
        let site = CALLBACK.split('/').take(3).collect::<Vec<_>>().join("/");
        let shop = world.client("shop", |client| {
            client.require_consent = true;
            client.client_uri = Some(format!("{site}:8443/").parse().unwrap());
            client.policy_uri = Some("https://login-vestibule.example/signin".parse().unwrap());
        }).await;
        assert!(shop.is_some());
        world.app.run("UPDATE clients SET origin = 'registration' WHERE id = 'shop'").await;
        let visit = world.visit(&world.cookie().await, &[]).await;
        let page = world.open(&visit).await.body;
        let host = site.strip_prefix("https://").unwrap();
        assert!(page.contains(&format!(">Home page</a> ({host}:8443)")), "{page}");
        assert!(page.contains("Privacy policy: https://login-vestibule.example/signin (not linked"), "{page}");
        assert!(!page.contains("href=\"https://login-vestibule"), "{page}");
    }

    async fn an_application_of_the_house_asks_nobody(world) {
        let cookie = world.cookie().await;
        assert!(world.authorize(&cookie, &[]).await.query().contains_key("code"));
        assert_eq!(world.app.count("SELECT COUNT(*) FROM consents").await, 0);
    }

    async fn who_denies_sends_the_application_away(world) {
        world.shop().await;
        let cookie = world.cookie().await;
        let visit = world.visit(&cookie, &[]).await;
        let denied = world.answer(&visit, "deny", &[]).await;
        let query = denied.query();
        assert_eq!((query["error"].as_str(), query["state"].as_str()), ("access_denied", "s t&te"));
        assert_eq!(query["iss"], ISSUER);
        assert_eq!(world.app.count(CODES).await, 0);
        world.visit(&cookie, &[]).await;
    }

    async fn without_a_consent_prompt_none_fails_and_prompt_consent_asks_always(world) {
        world.shop().await;
        let cookie = world.cookie().await;
        let silent = world.authorize(&cookie, &[("client_id", "shop"), ("prompt", "none")]).await;
        assert_eq!(silent.query()["error"], "consent_required");
        let visit = world.visit(&cookie, &[]).await;
        world.answer(&visit, "allow", &[]).await;
        let again = world.visit(&cookie, &[("prompt", "consent")]).await;
        assert!(world.answer(&again, "allow", &[]).await.query().contains_key("code"));
        let house = world.authorize(&cookie, &[("prompt", "consent")]).await;
        assert!(house.location().starts_with("/consent?"), "{}", house.location());
    }

    async fn a_program_on_the_device_always_shows_itself(world) {
        // SB-29: RFC 8252 §8.6
        world.client("phone", |client| {
            client.token_endpoint_auth_method = AuthMethod::None;
            client.redirect_uris = vec!["http://127.0.0.1/cb".parse().unwrap()];
        }).await;
        let cookie = world.cookie().await;
        let request = [("client_id", "phone"), ("redirect_uri", "http://127.0.0.1:4711/cb")];
        for _ in 0..2 {
            let visit = world.visit(&cookie, &request).await;
            assert!(world.open(&visit).await.body.contains("on this device"));
            assert!(world.answer(&visit, "allow", &[]).await.query().contains_key("code"));
        }
    }

    async fn a_form_of_another_site_allows_nothing(world) {
        // SB-16
        world.shop().await;
        let cookie = world.cookie().await;
        let visit = world.visit(&cookie, &[]).await;
        let page = world.open(&visit).await;
        let form = |csrf| [
            ("csrf", csrf),
            ("authorization_request", hidden(&page.body, "authorization_request")),
            ("scope", hidden(&page.body, "scope")),
            ("answer", "allow"),
        ];
        let good = hidden(&page.body, "csrf");
        let foreign = [(COOKIE.as_str(), visit.cookies.as_str()), ("origin", "https://evil.example")];
        let answer = world.post("/consent", &foreign, &form(good)).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        let ours = [(COOKIE.as_str(), visit.cookies.as_str()), ("origin", ISSUER)];
        let answer = world.post("/consent", &ours, &form("forged")).await;
        assert!(answer.location().starts_with("/consent?"), "the page is shown again: {}", answer.location());
        // The same form in a browser with another session.
        let other = format!("{}; {}", world.cookie().await, visit.cookies.split("; ").nth(1).unwrap());
        let answer = world.post("/consent", &[(COOKIE.as_str(), &other), ("origin", ISSUER)], &form(good)).await;
        assert!(answer.location().starts_with("/consent?"), "{}", answer.location());
        assert_eq!(world.app.count(CODES).await + world.app.count("SELECT COUNT(*) FROM consents").await, 0);
    }

    async fn what_the_page_did_not_show_is_not_allowed(world) {
        world.shop().await;
        let cookie = world.cookie().await;
        let visit = world.visit(&cookie, &[]).await;
        let answer = world.answer(&visit, "allow", &[("scope", "openid")]).await;
        assert!(answer.location().starts_with("/consent?"), "{}", answer.location());
        assert_eq!(world.app.count("SELECT COUNT(*) FROM consents").await, 0);
    }

    async fn a_double_click_gets_the_same_code_and_one_consent(world) {
        world.shop().await;
        let cookie = world.cookie().await;
        let visit = world.visit(&cookie, &[]).await;
        let page = world.open(&visit).await;
        let submit = async || world.submit(&visit, &page, "allow", &[]).await;
        let (first, second) = tokio::join!(submit(), submit());
        assert_eq!(first.query()["code"], second.query()["code"]);
        let granted = "SELECT COUNT(*) FROM outbox WHERE type = 'vestibule.consent.granted.v1'";
        assert_eq!(world.app.count(granted).await, 1);
    }

    async fn a_request_that_is_over_or_another_browsers_is_not_shown(world) {
        // SB-51
        world.shop().await;
        let cookie = world.cookie().await;
        let visit = world.visit(&cookie, &[]).await;
        let elsewhere = Visit { cookies: world.cookie().await, page: visit.page.clone() };
        assert_eq!(world.open(&elsewhere).await.status, StatusCode::BAD_REQUEST);
        let signed_out = Visit {
            cookies: visit.cookies.split("; ").nth(1).unwrap().to_owned(),
            page: visit.page.clone(),
        };
        assert!(world.open(&signed_out).await.location().starts_with("/login?"));
        world.app.wait(Duration::from_secs(601));
        assert_eq!(world.open(&visit).await.status, StatusCode::BAD_REQUEST);
        let nothing = Visit { cookies: visit.cookies.clone(), page: "/consent".to_owned() };
        assert_eq!(world.open(&nothing).await.status, StatusCode::BAD_REQUEST);
    }

    async fn a_withdrawal_takes_codes_and_tokens_with_it(world) {
        // SB-47
        let secret = world.shop().await;
        let cookie = world.cookie().await;
        let visit = world.visit(&cookie, &[]).await;
        let code = world.answer(&visit, "allow", &[]).await.query()["code"].clone();
        assert!(world.app.consents.withdraw(world.ann, "shop").await.unwrap());
        let basic = super::world::basic("shop", &secret);
        let tokens = world.post("/oauth2/token", &[("authorization", &basic)], &exchange(&code)).await;
        assert_eq!(tokens.error(), "invalid_grant");
        world.visit(&cookie, &[]).await;
    }
}
