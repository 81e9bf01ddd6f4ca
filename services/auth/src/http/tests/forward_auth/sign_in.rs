//! Tests of the way of a sign-in to a protected host, and of its end.

use std::time::Duration;

use http::header::{COOKIE, SET_COOKIE};
use http::{Method, StatusCode};
use serde_json::json;

use super::super::world::{ISSUER, World, stories};
use super::{HTML, WIKI, identity};

stories! {
    async fn ann_comes_to_a_protected_host_signs_in_and_is_let_through(world) {
        world.protect("wiki.example.org", json!({ "everybody": true })).await;
        let asked = world.ask("GET", "/page?x=1", &[HTML]).await;
        assert_eq!(asked.status, StatusCode::FOUND);
        assert_eq!(asked.location(), "https://wiki.example.org/.vestibule/sign-in?return_to=%2Fpage%3Fx%3D1");
        let begun = world.at_wiki(Method::GET, "/.vestibule/sign-in?return_to=%2Fpage%3Fx%3D1", &[], "").await;
        // SB-14
        let set = begun.header(SET_COOKIE);
        assert!(set.starts_with("__Host-vestibule-host-nonce=") && set.contains("; Path=/; HttpOnly; SameSite=Lax; Secure"), "{set}");
        let sign_in = begun.location().strip_prefix(ISSUER).unwrap();
        let login = world.get(sign_in, &[]).await;
        assert_eq!(login.status, StatusCode::SEE_OTHER);
        assert_eq!(login.query()["return_to"], sign_in, "the sign-in page leads back");
        let cookie = world.cookie().await;
        let back = world.get(sign_in, &[(COOKIE.as_str(), &cookie)]).await;
        let callback = back.location().strip_prefix(WIKI).unwrap();
        let landed = world.at_wiki(Method::GET, callback, &[(COOKIE.as_str(), begun.cookie())], "").await;
        assert_eq!((landed.status, landed.location()), (StatusCode::SEE_OTHER, "https://wiki.example.org/page?x=1"));
        assert_eq!(landed.headers.get_all(SET_COOKIE).iter().count(), 1);
        assert!(!landed.header(SET_COOKIE).to_ascii_lowercase().contains("domain"));
        let passed = world.ask("POST", "/page", &[(COOKIE.as_str(), landed.cookie())]).await;
        assert_eq!(passed.status, StatusCode::OK, "{}", passed.body);
        assert_eq!(identity(&passed)["remote-user"], "ann");
        assert_eq!(identity(&passed)["remote-subject"], world.ann.to_string());
    }
    async fn a_ticket_works_once_in_its_browser_and_at_its_host(world) {
        world.protect("wiki.example.org", json!({ "everybody": true })).await;
        world.protect("shop.example.org", json!({ "everybody": true })).await;
        let cookie = world.cookie().await;
        let (callback, nonce) = world.ticket(&cookie, "/").await;
        let redeem = async |host: &str, cookie: &str| {
            let headers = [("host", host), ("x-forwarded-proto", "https"), (COOKIE.as_str(), cookie)];
            world.send_from("10.0.0.1", Method::GET, &callback, &headers, "").await
        };
        let (_, other_nonce) = world.ticket(&cookie, "/").await;
        for (host, cookie) in [
            ("wiki.example.org", ""),
            ("wiki.example.org", other_nonce.as_str()),
            ("shop.example.org", nonce.as_str()),
        ] {
            let refused = redeem(host, cookie).await;
            assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{host} {cookie}");
            assert!(!refused.headers.contains_key(SET_COOKIE) && refused.body.contains("Start again"));
        }
        assert_eq!(redeem("wiki.example.org", &nonce).await.status, StatusCode::SEE_OTHER);
        assert_eq!(redeem("wiki.example.org", &nonce).await.status, StatusCode::BAD_REQUEST, "once");
    }

    // SB-20
    async fn the_way_back_leads_to_registered_hosts_and_their_own_paths_only(world) {
        world.protect("wiki.example.org", json!({ "everybody": true })).await;
        let cookie = world.cookie().await;
        let nonce = "A".repeat(43);
        for (host, nonce) in [
            ("https://evil.example", nonce.as_str()),
            ("http://wiki.example.org", &nonce),
            ("https://wiki.example.org:8443", &nonce),
            ("https://wiki.example.org@evil.example", &nonce),
            ("https://wiki.example.org/x", &nonce),
            ("javascript:alert(1)", &nonce),
            ("", &nonce),
            (WIKI, "short"),
            (WIKI, ""),
        ] {
            let path = format!("/forward-auth/sign-in?host={host}&nonce={nonce}&return_to=/");
            for cookie in [cookie.as_str(), ""] {
                let answer = world.get(&path, &[(COOKIE.as_str(), cookie)]).await;
                assert_eq!((answer.status, answer.location()), (StatusCode::BAD_REQUEST, ""), "{host}");
            }
        }
        for bad in ["//evil.example", "/%5Cevil.example", "https://evil.example/", "/.vestibule/sign-out"] {
            let begun = world.at_wiki(Method::GET, &format!("/.vestibule/sign-in?return_to={bad}"), &[], "").await;
            let back = world.get(begun.location().strip_prefix(ISSUER).unwrap(), &[(COOKIE.as_str(), &cookie)]).await;
            let callback = back.location().strip_prefix(WIKI).unwrap();
            let landed = world.at_wiki(Method::GET, callback, &[(COOKIE.as_str(), begun.cookie())], "").await;
            assert_eq!(landed.location(), "https://wiki.example.org/", "{bad}");
        }
    }

    // SB-15, SB-47
    async fn a_sign_out_ends_the_session_at_the_host(world) {
        world.protect("wiki.example.org", json!({ "everybody": true })).await;
        let cookie = world.cookie().await;
        let host = world.host_cookie(&cookie).await;
        let with = (COOKIE.as_str(), host.as_str());
        assert_eq!(world.ask("GET", "/", &[with]).await.status, StatusCode::OK);
        let session = world.app.sessions.find(&chassis::secret::Token::new(cookie.split_once('=').unwrap().1)).await.unwrap().unwrap();
        world.app.sessions.sign_out(&session).await.unwrap();
        world.app.wait(Duration::from_secs(2));
        assert_eq!(world.ask("GET", "/", &[with]).await.status, StatusCode::UNAUTHORIZED);
    }

    // SB-16
    async fn the_sign_out_of_a_host_ends_it_there_alone(world) {
        world.protect("wiki.example.org", json!({ "everybody": true })).await;
        let cookie = world.cookie().await;
        let host = world.host_cookie(&cookie).await;
        let with = (COOKIE.as_str(), host.as_str());
        let page = world.at_wiki(Method::GET, "/.vestibule/sign-out", &[with], "").await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.header("content-security-policy").contains("form-action 'self'"));
        let csrf = page.body.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let form = ("content-type", "application/x-www-form-urlencoded");
        let ours = [("origin", WIKI), ("sec-fetch-site", "same-origin"), form, with];
        let submit = async |headers: &[(&str, &str)], csrf: &str| {
            world.at_wiki(Method::POST, "/.vestibule/sign-out", headers, &format!("csrf={csrf}")).await
        };
        let foreign = [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site"), form, with];
        assert_eq!(submit(&foreign, csrf).await.status, StatusCode::FORBIDDEN);
        assert_eq!(submit(&ours, "forged").await.status, StatusCode::FORBIDDEN);
        assert_eq!(world.ask("GET", "/", &[with]).await.status, StatusCode::OK);
        let gone = submit(&ours, csrf).await;
        assert_eq!((gone.status, gone.location()), (StatusCode::SEE_OTHER, "/.vestibule/sign-out"));
        assert!(gone.header(SET_COOKIE).starts_with("__Host-vestibule-host=; ") && gone.header(SET_COOKIE).contains("Max-Age=0"));
        assert_eq!(world.ask("GET", "/", &[with]).await.status, StatusCode::UNAUTHORIZED);
        let after = world.at_wiki(Method::GET, "/.vestibule/sign-out", &[with], "").await;
        assert!(after.body.contains("You are signed out of Wiki") && after.body.contains("https://id.example.org/logout"));
        assert!(!world.host_cookie(&cookie).await.is_empty(), "signed in elsewhere still");
    }
}
