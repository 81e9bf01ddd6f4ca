//! Tests of the answers to proxies.

use std::time::Duration;

use http::header::COOKIE;
use http::{Method, StatusCode};
use serde_json::json;

use super::super::world::{World, stories};
use super::{HTML, WIKI, identity};
use crate::testing::person_state;

stories! {
    // SB-33
    async fn only_trusted_proxies_are_answered(world) {
        world.protect("wiki.example.org", json!({ "everybody": true, "public": [{ "path": "/health" }] })).await;
        let headers = [
            ("x-forwarded-method", "GET"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "wiki.example.org"),
            ("x-forwarded-uri", "/health"),
            ("host", "wiki.example.org"),
            // The chain of addresses says nothing about who is asking.
            ("x-forwarded-for", "10.0.0.1"),
        ];
        for (peer, expected) in [("10.0.0.1", StatusCode::OK), ("10.0.0.2", StatusCode::FORBIDDEN), ("192.0.2.1", StatusCode::FORBIDDEN)] {
            for path in ["/forward-auth", "/forward-auth/envoy/health"] {
                let answer = world.send_from(peer, Method::GET, path, &headers, "").await;
                assert_eq!(answer.status, expected, "{peer} {path}: {}", answer.body);
            }
            for path in ["/.vestibule/sign-in", "/.vestibule/callback?ticket=x", "/.vestibule/sign-out"] {
                let answer = world.send_from(peer, Method::GET, path, &headers, "").await;
                assert_eq!(answer.status == StatusCode::FORBIDDEN, expected == StatusCode::FORBIDDEN, "{peer} {path}");
            }
        }
        // A router without a connection.
        assert_eq!(world.get("/forward-auth", &headers).await.status, StatusCode::FORBIDDEN);
    }

    // SB-33
    async fn a_question_that_is_unclear_or_about_an_unknown_host_is_refused(world) {
        world.protect("wiki.example.org", json!({ "everybody": true, "public": [{ "path": "/*" }] })).await;
        let ask = async |headers: &[(&str, &str)]| world.send_from("10.0.0.1", Method::GET, "/forward-auth", headers, "").await.status;
        let original = ("x-original-url", "https://wiki.example.org/a");
        let method = ("x-original-method", "GET");
        for (headers, expected) in [
            (&[original, method][..], StatusCode::OK),
            (&[("x-original-url", "https://other.example.org/a"), method], StatusCode::FORBIDDEN),
            (&[("x-original-url", "http://wiki.example.org/a"), method], StatusCode::FORBIDDEN),
            (&[("x-original-url", "https://wiki.example.org:8443/a"), method], StatusCode::FORBIDDEN),
            (&[("x-original-url", "https://wiki.example.org.:443/a"), method], StatusCode::FORBIDDEN),
            (&[original], StatusCode::BAD_REQUEST),
            (&[original, method, ("x-forwarded-uri", "/b")], StatusCode::BAD_REQUEST),
            (&[original, method, ("x-forwarded-host", "other.example.org")], StatusCode::BAD_REQUEST),
            (&[original, original, method], StatusCode::BAD_REQUEST),
            (&[("x-original-url", "https://wiki.example.org/a%zz"), method], StatusCode::BAD_REQUEST),
            (&[], StatusCode::BAD_REQUEST),
        ] {
            assert_eq!(ask(headers).await, expected, "{headers:?}");
        }
    }

    async fn programs_get_401_and_browsers_are_led_to_the_sign_in(world) {
        world.protect("wiki.example.org", json!({ "everybody": true })).await;
        let original = [("x-original-url", "https://wiki.example.org/a?b"), ("x-original-method", "GET")];
        for (answer, status, location) in [
            (world.ask("GET", "/a?b", &[HTML]).await, StatusCode::FOUND, "%2Fa%3Fb"),
            (world.ask("HEAD", "/a", &[HTML]).await, StatusCode::FOUND, "%2Fa"),
            // Only a GET is resumed.
            (world.ask("POST", "/a", &[HTML]).await, StatusCode::FOUND, "%2F"),
            (world.ask("GET", "/a", &[("accept", "application/json")]).await, StatusCode::UNAUTHORIZED, ""),
            (world.ask("GET", "/a", &[]).await, StatusCode::UNAUTHORIZED, ""),
            (world.ask("GET", "/a", &[("sec-fetch-mode", "websocket")]).await, StatusCode::UNAUTHORIZED, ""),
            // nginx fails at a redirect, and passes a 401 on.
            (world.send_from("10.0.0.1", Method::GET, "/forward-auth", &[original[0], original[1], HTML], "").await, StatusCode::UNAUTHORIZED, "%2Fa%3Fb"),
            (world.send_from("10.0.0.1", Method::GET, "/forward-auth", &original, "").await, StatusCode::UNAUTHORIZED, ""),
        ] {
            let expected = match location {
                "" => String::new(),
                path => format!("{WIKI}/.vestibule/sign-in?return_to={path}"),
            };
            assert_eq!((answer.status, answer.location()), (status, expected.as_str()));
            assert_eq!(answer.headers.contains_key("www-authenticate"), status == StatusCode::UNAUTHORIZED);
            assert!(answer.headers["cache-control"].to_str().unwrap().contains("no-store"));
        }
    }

    async fn rules_decide_by_group_path_and_method(world) {
        world.protect("wiki.example.org", json!({
            "groups": ["staff"],
            "public": [{ "path": "/health" }],
            "restricted": [{ "path": "/admin/*", "groups": ["admins"] }],
        })).await;
        let mut state = person_state(world.ann, "ann");
        (state.groups, state.version) = (vec!["staff".to_owned()], 2);
        world.app.change(&state).await;
        let cookie = world.cookie().await;
        let host = world.host_cookie(&cookie).await;
        let with = (COOKIE.as_str(), host.as_str());
        for (method, target, status) in [
            ("GET", "/", StatusCode::OK),
            ("GET", "/admin/users", StatusCode::FORBIDDEN),
            ("GET", "/ADMIN", StatusCode::FORBIDDEN),
            ("GET", "/%61dmin/x", StatusCode::FORBIDDEN),
            ("GET", "/x/../admin/", StatusCode::BAD_REQUEST),
            ("GET", "//admin", StatusCode::BAD_REQUEST),
            ("GET", "/admin%2fusers", StatusCode::BAD_REQUEST),
            ("GET", "/admin;x", StatusCode::BAD_REQUEST),
        ] {
            assert_eq!(world.ask(method, target, &[with]).await.status, status, "{method} {target}");
        }
        let page = world.ask("GET", "/admin/", &[with, HTML]).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        assert!(page.body.contains("You may not open this page of Wiki") && page.body.contains("ann"), "{}", page.body);
        assert!(!page.body.contains("href=\"/assets"), "the host has no files of ours");
        // A public path needs nobody, and says who it is when somebody is there.
        let public = world.ask("GET", "/health", &[]).await;
        assert_eq!((public.status, identity(&public)["remote-user"]), (StatusCode::OK, ""));
        assert!(public.headers.contains_key("remote-groups"), "a proxy replaces what the client sent");
        assert_eq!(identity(&world.ask("GET", "/health", &[with]).await)["remote-groups"], "staff");
        assert_eq!(world.ask("POST", "/health", &[]).await.status, StatusCode::UNAUTHORIZED);
        // SB-47
        (state.groups, state.version) = (Vec::new(), 3);
        world.app.change(&state).await;
        world.app.wait(Duration::from_secs(2));
        assert_eq!(world.ask("GET", "/", &[with]).await.status, StatusCode::FORBIDDEN);
        assert_eq!(identity(&world.ask("GET", "/health", &[with]).await)["remote-user"], "");
        let sign_in = format!("/forward-auth/sign-in?host={WIKI}&nonce={}&return_to=/", "A".repeat(43));
        let refused = world.get(&sign_in, &[(COOKIE.as_str(), &cookie)]).await;
        assert_eq!((refused.status, refused.location()), (StatusCode::FORBIDDEN, ""));
        assert!(refused.body.contains("You may not use Wiki"), "{}", refused.body);
    }

    // SB-33
    async fn envoy_asks_with_the_path_and_the_method_of_the_request(world) {
        world.protect("wiki.example.org", json!({ "everybody": true, "public": [{ "path": "/hooks/*", "methods": ["POST"] }] })).await;
        let host = world.host_cookie(&world.cookie().await).await;
        let ask = async |method: Method, path: &str, more: &[(&str, &str)]| {
            let mut headers = vec![("host", "wiki.example.org"), ("x-forwarded-proto", "https")];
            headers.extend(more);
            world.send_from("10.0.0.1", method, &format!("/forward-auth/envoy{path}"), &headers, "").await
        };
        let with = (COOKIE.as_str(), host.as_str());
        for (method, path, more, status) in [
            (Method::POST, "/hooks/a", &[][..], StatusCode::OK),
            (Method::GET, "/hooks/a", &[], StatusCode::UNAUTHORIZED),
            (Method::POST, "/hooks/../x", &[], StatusCode::UNAUTHORIZED),
            (Method::DELETE, "/x//y?z", &[with], StatusCode::OK),
            (Method::PATCH, "/", &[with], StatusCode::OK),
            (Method::GET, "", &[with], StatusCode::OK),
            // What the client says of the request counts for nothing.
            (Method::GET, "/x", &[("x-forwarded-uri", "/hooks/a"), ("x-forwarded-method", "POST"), ("x-original-url", "https://wiki.example.org/hooks/a")], StatusCode::UNAUTHORIZED),
            (Method::GET, "/x", &[with, ("x-forwarded-host", "other.example.org")], StatusCode::BAD_REQUEST),
        ] {
            assert_eq!(ask(method.clone(), path, more).await.status, status, "{method} {path} {more:?}");
        }
        let begin = ask(Method::GET, "/a/b?c", &[HTML]).await;
        assert_eq!(begin.location(), "https://wiki.example.org/.vestibule/sign-in?return_to=%2Fa%2Fb%3Fc");
    }
}
