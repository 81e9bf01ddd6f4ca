//! Tests of the protection of every page: policy, cookies, caching.

use http::StatusCode;

use super::browser::between;
use super::site::{PASSWORD, Site};

const PAGES: [&str; 8] = [
    "/",
    "/login",
    "/register",
    "/logout",
    "/setup?token=x",
    "/register/wait?id=x",
    "/nowhere",
    "/login?return_to=%2Foauth2%2Fauthorize%3Fa",
];

#[tokio::test]
async fn every_page_is_protected_and_never_kept() {
    // SB-17, SB-18
    let site = Site::start().await;
    for path in PAGES {
        let answer = site.browser().get(path).await;
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "same-origin", "{path}");
        assert_eq!(
            answer.header("cross-origin-opener-policy"),
            "same-origin",
            "{path}"
        );
        assert_eq!(answer.header("x-frame-options"), "DENY", "{path}");
        assert_eq!(
            answer.header("strict-transport-security"),
            "",
            "{path}: plain http promises nothing"
        );
        let policy = answer.header("content-security-policy");
        for part in ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        if answer.status != StatusCode::SEE_OTHER {
            assert!(policy.contains("object-src 'none'"), "{path}");
            assert!(!policy.contains("unsafe"), "{path}");
            let nonce = between(policy, "style-src 'self' 'nonce-", "'").unwrap();
            assert!(nonce.len() >= 43, "{path}");
            assert!(
                answer.body.contains(&format!("<style nonce=\"{nonce}\">")),
                "{path}"
            );
            let again = site.browser().get(path).await;
            assert!(
                !again.header("content-security-policy").contains(nonce),
                "{path}: a nonce is used once"
            );
        }
    }
}

#[tokio::test]
async fn forms_go_to_ourselves_unless_they_lead_to_an_application() {
    // SB-17
    let site = Site::start().await;
    for (path, ours) in [
        ("/login", true),
        ("/register", true),
        ("/login?return_to=%2Foauth2%2Fauthorize%3Fa", false),
    ] {
        let answer = site.browser().get(path).await;
        let policy = answer.header("content-security-policy");
        assert_eq!(policy.contains("form-action 'self'"), ours, "{path}: {policy}");
    }
}

#[tokio::test]
async fn cookies_are_out_of_reach() {
    // SB-14
    let site = Site::start_at("https://id.example.com").await;
    site.register("ann").await;
    let mut ann = site.browser();
    let shown = ann.get("/login").await;
    assert_eq!(shown.header("strict-transport-security"), "max-age=63072000");
    let answer = ann
        .fill("/login", &[("user_name", "ann"), ("password", PASSWORD)])
        .await;
    let cookies: Vec<&str> = shown
        .set_cookies()
        .into_iter()
        .chain(answer.set_cookies())
        .collect();
    assert_eq!(cookies.len(), 3, "browser, session and device: {cookies:?}");
    for cookie in cookies {
        assert!(cookie.starts_with("__Host-vestibule"), "{cookie}");
        for part in ["; Path=/", "; HttpOnly", "; SameSite=Lax", "; Secure"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        assert!(!cookie.contains("Domain"), "{cookie}");
    }

    let site = Site::start().await;
    for cookie in site.browser().get("/login").await.set_cookies() {
        assert!(cookie.starts_with("vestibule-browser"), "{cookie}");
        assert!(
            cookie.contains("; HttpOnly; SameSite=Lax") && !cookie.contains("Secure"),
            "{cookie}"
        );
    }
}

#[tokio::test]
async fn what_is_not_there_is_a_page_for_people_and_a_problem_for_programs() {
    let site = Site::start().await;
    let page = site.browser().get("/nowhere").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(page.body.contains("This page does not exist"));
    let method = site.browser().post("/favicon.ico", &[]).await;
    assert_eq!(method.status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(method.header("allow").contains("GET"));
    assert_eq!(
        site.browser().get("/assets/none-0.css").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn everything_a_page_asks_for_is_there() {
    let site = Site::start().await;
    let page = site.browser().get("/login").await;
    let links: Vec<&str> = page
        .body
        .split("href=\"/assets/")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    assert_eq!(links.len(), 2, "{links:?}");
    for link in links {
        let asset = site.browser().get(&format!("/assets/{link}")).await;
        assert_eq!(asset.status, StatusCode::OK, "{link}");
        assert!(asset.header("cache-control").contains("immutable"), "{link}");
        assert!(!asset.header("etag").is_empty(), "{link}");
    }
    assert!(
        !page.body.contains("http://") && !page.body.contains("https://"),
        "nothing comes from elsewhere"
    );
}
