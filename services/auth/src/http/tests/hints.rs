//! Tests of `id_token_hint` and `login_hint` at the authorization endpoint.

use std::time::Duration;

use http::StatusCode;
use http::header::COOKIE;

use super::world::{World, authorization, encode, exchange, stories};

impl World {
    /// An ID token of Ann for `web`, and her session's cookie.
    async fn hint(&self) -> (String, String) {
        let cookie = self.cookie().await;
        let tokens = self.tokens(&cookie).await;
        (tokens["id_token"].as_str().unwrap().to_owned(), cookie)
    }

    /// Signs Bob in; the cookie.
    pub(super) async fn bobs_cookie(&self) -> String {
        if self.app.sign_in("bob", crate::testing::PASSWORD).await.is_err() {
            self.app.person("bob").await;
        }
        let who = self.app.sign_in("bob", crate::testing::PASSWORD).await.unwrap();
        format!(
            "__Host-vestibule={}",
            self.app.start(&who).await.unwrap().token.expose()
        )
    }
}

stories! {
    async fn anns_hint_gets_no_code_for_bob(world) {
        // SB-51
        let (hint, ann) = world.hint().await;
        let bob = world.bobs_cookie().await;
        let hinted = [("id_token_hint", hint.as_str())];
        let silent = [hinted[0], ("prompt", "none")];
        assert_eq!(world.authorize(&bob, &silent).await.query()["error"], "login_required");
        assert_eq!(world.authorize("", &silent).await.query()["error"], "login_required");
        assert!(world.authorize(&ann, &silent).await.query().contains_key("code"));

        let answer = world.authorize(&bob, &hinted).await;
        assert!(answer.location().starts_with("/login?"), "{}", answer.location());
        let back = answer.query()["return_to"].clone();
        let browser = answer.cookie().to_owned();
        let come_back = async |cookie: &str| world.get(&back, &[(COOKIE.as_str(), &format!("{cookie}; {browser}"))]).await;
        assert!(come_back(&bob).await.location().starts_with("/login?"), "nobody has signed in since");
        let again = world.bobs_cookie().await;
        assert_eq!(come_back(&again).await.query()["error"], "login_required", "Bob insists");
        let code = come_back(&world.cookie().await).await.query()["code"].clone();
        assert_eq!(world.token(&exchange(&code)).await.status, StatusCode::OK);
    }

    async fn an_expired_hint_is_good_and_garbage_is_an_error(world) {
        // SB-26
        let (hint, _) = world.hint().await;
        world.client("other", |_| {}).await;
        world.app.wait(Duration::from_secs(86_400));
        let ann = world.cookie().await;
        assert!(world.authorize(&ann, &[("id_token_hint", hint.as_str())]).await.query().contains_key("code"));
        let access = world.tokens(&ann).await["access_token"].as_str().unwrap().to_owned();
        let tail = hint.rfind('.').unwrap() + 2;
        let forged = format!("{}{}", &hint[..tail], "A".repeat(hint.len() - tail));
        for garbage in ["a.b.c", "x", access.as_str(), forged.as_str()] {
            for cookie in [ann.as_str(), ""] {
                let query = world.authorize(cookie, &[("id_token_hint", garbage)]).await.query();
                assert_eq!(query["error"], "invalid_request", "{garbage}");
            }
        }
        let others = world.authorize(&ann, &[("client_id", "other"), ("id_token_hint", hint.as_str())]).await;
        assert_eq!(others.query()["error"], "invalid_request", "it is not this client's");
    }

    async fn the_form_offers_who_is_expected(world) {
        let large = "x".repeat(9000);
        for (asked, offered) in [
            (vec![("login_hint", "cas@example.org")], "cas@example.org"),
            (vec![("login_hint", "cas@example.org"), ("filler", large.as_str())], "cas@example.org"),
            (vec![("login_hint", "\"><b>")], "&#34;&#62;&#60;b&#62;"),
            (vec![("login_hint", "a\nb")], ""),
            (vec![], ""),
        ] {
            let answer = world.authorize("", &asked).await;
            let page = world.get(answer.location(), &[(COOKIE.as_str(), answer.cookie())]).await;
            let input = page.body.split("<input id=\"user_name\"").nth(1).unwrap().split('>').next().unwrap();
            let value = input.split("value=\"").nth(1).map(|rest| rest.split('"').next().unwrap());
            assert_eq!(value.unwrap_or_default(), offered, "{asked:?}");
        }
    }

    async fn an_old_token_alone_tells_nobody_a_name(world) {
        // SB-8
        let (hint, _) = world.hint().await;
        let answer = world.authorize("", &[("id_token_hint", hint.as_str())]).await;
        let device = async |name: &str| {
            let who = world.app.sign_in(name, crate::testing::PASSWORD).await.unwrap();
            let mut tx = world.app.db.begin("test").await.unwrap();
            let device = world.app.accounts.remember_device(&mut tx, who.account_id).await.unwrap();
            tx.commit().await.unwrap();
            format!("{}; __Host-vestibule-device={}", answer.cookie(), device.expose())
        };
        world.bobs_cookie().await;
        let (anns, bobs) = (device("ann").await, device("bob").await);
        for (cookie, offered) in [("", false), (answer.cookie(), false), (&bobs, false), (&anns, true)] {
            let page = world.get(answer.location(), &[(COOKIE.as_str(), cookie)]).await;
            assert_eq!(page.status, StatusCode::OK);
            assert_eq!(page.body.contains("value=\"ann\""), offered, "{cookie}: {}", page.body);
        }
        let raw = authorization(&[("id_token_hint", hint.as_str())]);
        let made_up = world.get(&format!("/login?{}", encode(&[("return_to", &raw)])), &[]).await;
        assert!(!made_up.body.contains("value=\"ann\""), "{}", made_up.body);
    }
}
