//! Tests of the end-session endpoint.

use http::StatusCode;
use http::header::COOKIE;

use super::world::{World, encode, stories};

const BYE: &str = "https://app.example.org/bye";

impl World {
    async fn leave(&self, cookie: &str, query: &[(&str, &str)]) -> super::world::TestResponse {
        let path = format!("/oauth2/logout?{}", encode(query));
        self.get(&path, &[(COOKIE.as_str(), cookie)]).await
    }

    async fn is_signed_in(&self, cookie: &str) -> bool {
        let query = self.authorize(cookie, &[("prompt", "none")]).await.query();
        query.contains_key("code")
    }
}

stories! {
    async fn with_the_sessions_own_hint_the_application_signs_ann_out(world) {
        // SB-30
        let cookie = world.cookie().await;
        let tokens = world.tokens(&cookie).await;
        let hint = tokens["id_token"].as_str().unwrap();
        world.app.wait(std::time::Duration::from_secs(3600));
        let answer = world.leave(&cookie, &[("id_token_hint", hint), ("post_logout_redirect_uri", BYE), ("state", "x")]).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "https://app.example.org/bye?state=x"));
        assert!(!world.is_signed_in(&cookie).await);
        assert!(!answer.header("clear-site-data").is_empty());
    }

    async fn a_hint_from_before_a_rotation_is_good_while_the_session_can_live(world) {
        // SB-30
        let cookie = world.cookie().await;
        let tokens = world.tokens(&cookie).await;
        let hint = tokens["id_token"].as_str().unwrap();
        world.app.keys.rotate(true).await.unwrap();
        // The next key begins to sign; then the old one goes.
        for _ in 0..2 {
            world.app.wait(std::time::Duration::from_secs(1000));
            world.app.keys.refresh_and_rotate().await.unwrap();
        }
        assert_eq!(world.app.keys.list().await.unwrap().len(), 2, "the old keys are gone");
        let answer = world.leave(&cookie, &[("id_token_hint", hint), ("post_logout_redirect_uri", BYE)]).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, BYE));
        assert!(!world.is_signed_in(&cookie).await);
    }

    async fn with_a_hint_whose_key_was_dropped_ann_is_asked_and_goes_on(world) {
        // SB-30, SB-20
        let cookie = world.cookie().await;
        let tokens = world.tokens(&cookie).await;
        let hint = tokens["id_token"].as_str().unwrap();
        world.app.keys.drop_all().await.unwrap();
        let evil = [("id_token_hint", hint), ("post_logout_redirect_uri", "https://evil.example/")];
        assert_eq!(world.leave(&cookie, &evil).await.status, StatusCode::BAD_REQUEST);
        let query = [("id_token_hint", hint), ("post_logout_redirect_uri", BYE)];
        let question = world.leave(&cookie, &query).await;
        assert_eq!(question.status, StatusCode::OK, "{}", question.body);
        assert!(question.body.contains("name=\"csrf\"") && world.is_signed_in(&cookie).await);
        let csrf = question.body.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let cookies = format!("{cookie}; {}", question.cookie());
        let headers = [(COOKIE.as_str(), cookies.as_str()), ("origin", "https://id.example.org"), ("sec-fetch-site", "same-origin")];
        let answer = world.post("/oauth2/logout", &headers, &[("csrf", csrf.as_str()), query[0], query[1]]).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, BYE));
        // Without a session there is nothing to ask.
        assert_eq!(world.leave("", &query).await.location(), BYE);
    }

    async fn without_a_hint_or_with_anothers_ann_is_asked(world) {
        // SB-30, SB-16
        let cookie = world.cookie().await;
        let other = world.cookie().await;
        let tokens = world.tokens(&other).await;
        let hint = tokens["id_token"].as_str().unwrap();
        for query in [
            vec![],
            vec![("client_id", "web"), ("post_logout_redirect_uri", BYE)],
            vec![("id_token_hint", hint)],
        ] {
            let answer = world.leave(&cookie, &query).await;
            assert_eq!(answer.status, StatusCode::OK, "a question: {query:?}");
            assert!(answer.body.contains("name=\"csrf\""));
            assert!(world.is_signed_in(&cookie).await);
        }
    }

    async fn ann_confirms_and_goes_on(world) {
        // SB-30, SB-16
        let cookie = world.cookie().await;
        let question = world.leave(&cookie, &[("client_id", "web"), ("post_logout_redirect_uri", BYE)]).await;
        let csrf = question.body.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let cookies = format!("{cookie}; {}", question.cookie());
        let form = [("csrf", csrf.as_str()), ("client_id", "web"), ("post_logout_redirect_uri", BYE)];
        let forged = [("csrf", "forged"), form[1], form[2]];
        let headers = [(COOKIE.as_str(), cookies.as_str()), ("origin", "https://id.example.org"), ("sec-fetch-site", "same-origin")];
        assert_eq!(world.post("/oauth2/logout", &headers, &forged).await.status, StatusCode::FORBIDDEN);
        assert!(world.is_signed_in(&cookie).await);
        // Another site can make a browser send a form, but not its cookie with it: nothing is forgotten, and
        // the GET asks.
        let foreign = [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")];
        let answer = world.post("/oauth2/logout", &foreign, &[("csrf", "x")]).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/oauth2/logout?"));
        assert!(!answer.headers.contains_key("set-cookie") && !answer.headers.contains_key("clear-site-data"));
        let answer = world.post("/oauth2/logout", &headers, &form).await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, BYE));
        assert!(!world.is_signed_in(&cookie).await);
    }

    async fn nobody_is_sent_to_an_address_that_is_not_registered(world) {
        // SB-20
        let cookie = world.cookie().await;
        let tokens = world.tokens(&cookie).await;
        let hint = tokens["id_token"].as_str().unwrap();
        world.client("other", |wish| wish.post_logout_redirect_uris = vec!["https://other.example/".parse().unwrap()]).await;
        for query in [
            vec![("post_logout_redirect_uri", "https://evil.example/")],
            vec![("post_logout_redirect_uri", BYE)],
            vec![("id_token_hint", hint), ("post_logout_redirect_uri", "https://app.example.org/bye/")],
            vec![("id_token_hint", hint), ("post_logout_redirect_uri", "https://other.example/")],
            vec![("id_token_hint", hint), ("client_id", "other"), ("post_logout_redirect_uri", "https://other.example/")],
            vec![("id_token_hint", "a.b.c"), ("post_logout_redirect_uri", BYE)],
        ] {
            for cookie in [cookie.as_str(), ""] {
                let answer = world.leave(cookie, &query).await;
                assert_eq!((answer.status, answer.location()), (StatusCode::BAD_REQUEST, ""), "{query:?}");
            }
        }
        assert!(world.is_signed_in(&cookie).await);
    }

    async fn the_page_says_what_was_wrong_with_the_address(world) {
        let bye = ("post_logout_redirect_uri", BYE);
        for (query, why) in [
            (vec![bye], "does not say which application it comes from"),
            (vec![bye, ("client_id", "nobody")], "is not known here"),
            (vec![("post_logout_redirect_uri", "https://evil.example/"), ("client_id", "web")], "is not registered for it"),
        ] {
            let answer = world.leave("", &query).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST);
            assert!(answer.body.contains(why), "{query:?}: {}", answer.body);
        }
    }

    async fn what_cannot_be_read_is_not_shown(world) {
        let answer = world.leave("", &[("Call us", "1"), ("Call us", "2")]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        assert!(!answer.body.contains("Call us"), "{}", answer.body);
    }

    async fn an_access_token_is_no_hint(world) {
        // SB-26
        let cookie = world.cookie().await;
        let tokens = world.tokens(&cookie).await;
        let access = tokens["access_token"].as_str().unwrap();
        assert_eq!(world.leave(&cookie, &[("id_token_hint", access)]).await.status, StatusCode::BAD_REQUEST);
    }
}
