//! An issuer that is one part of its host: everything stays under its path.

use http::{HeaderMap, StatusCode};

use super::browser::{Browser, TestResponse};
use super::site::{PASSWORD, Site};

const ISSUER: &str = "https://example.org/idp";

/// Every address of our own that a page or a redirect leads to.
fn addresses(answer: &TestResponse) -> Vec<String> {
    let mut found = vec![answer.location().to_owned()];
    for attribute in ["href=\"", "src=\"", "action=\""] {
        found.extend(
            answer
                .body
                .split(attribute)
                .skip(1)
                .map(|rest| rest.split('"').next().unwrap().to_owned()),
        );
    }
    found.retain(|address| !address.is_empty() && !address.starts_with('#'));
    found
}

fn all_under_the_path(headers: &HeaderMap, answer: &TestResponse) {
    for address in addresses(answer) {
        assert!(
            address.starts_with("/idp/") || address.starts_with("https://"),
            "{address}"
        );
    }
    for cookie in headers.get_all("set-cookie") {
        let cookie = cookie.to_str().unwrap();
        let (name, rest) = cookie.split_once('=').unwrap();
        assert!(
            name.starts_with("__Host-vestibule") && name.ends_with("+idp"),
            "{cookie}"
        );
        assert!(rest.contains("; Path=/;"), "{cookie}");
    }
}

async fn open(browser: &mut Browser, path: &str) -> TestResponse {
    let answer = browser.get(path).await;
    all_under_the_path(&answer.headers, &answer);
    answer
}

async fn fill(browser: &mut Browser, path: &str, typed: &[(&str, &str)]) -> TestResponse {
    let answer = browser.fill(path, typed).await;
    all_under_the_path(&answer.headers, &answer);
    answer
}

#[tokio::test]
async fn pages_links_redirects_and_cookies_stay_under_the_path_of_the_issuer() {
    // SB-14, SB-51
    let site = Site::start_at(ISSUER).await;
    let mut ann = site.browser();
    assert_eq!(open(&mut ann, "/idp/").await.location(), "/idp/login");
    let page = open(&mut ann, "/idp/login").await;
    for asset in addresses(&page)
        .iter()
        .filter(|address| address.contains("/assets/"))
    {
        assert_eq!(ann.get(asset).await.status, StatusCode::OK, "{asset}");
    }

    let typed = [
        ("user_name", "ann"),
        ("email", "ann@example.org"),
        ("password", PASSWORD),
    ];
    assert_eq!(fill(&mut ann, "/idp/register", &typed).await.location(), "/idp/");
    assert!(open(&mut ann, "/idp/").await.body.contains("Hello, ann"));
    open(&mut ann, "/idp/logout").await;
    let gone = fill(&mut ann, "/idp/logout", &[]).await;
    assert_eq!(gone.location(), "/idp/logout");
    // What the neighbours on the origin have stored is theirs.
    assert_eq!(gone.header("clear-site-data"), "\"cache\"");
    assert!(
        open(&mut ann, "/idp/logout")
            .await
            .body
            .contains("You are signed out")
    );

    let there = "/idp/login?return_to=%2Foauth2%2Fauthorize%3Fclient_id%3Dweb";
    let typed = [("user_name", "ann"), ("password", PASSWORD)];
    assert_eq!(
        fill(&mut ann, there, &typed).await.location(),
        "/idp/oauth2/authorize?client_id=web"
    );
}

#[tokio::test]
async fn errors_waiting_and_the_set_up_link_stay_under_the_path_of_the_issuer() {
    let site = Site::start_at(ISSUER).await;
    let mut ann = site.browser();
    for path in [
        "/idp/nowhere",
        "/idp/setup?token=x",
        "/idp/oauth2/authorize?client_id=none",
        "/idp/oauth2/logout",
    ] {
        open(&mut ann, path).await;
    }
    assert_eq!(ann.get("/idp/oauth2/logout").await.location(), "/idp/logout");
    assert!(site.set_up_link().await.starts_with("/idp/setup?token="));

    site.users.leave();
    let typed = [
        ("user_name", "ann"),
        ("email", "ann@example.org"),
        ("password", PASSWORD),
    ];
    let waiting = fill(&mut ann, "/idp/register", &typed)
        .await
        .location()
        .to_owned();
    assert!(waiting.starts_with("/idp/register/wait?id="), "{waiting}");
    open(&mut ann, &waiting).await;
    site.users.come_back(&site.app).await;
    assert_eq!(fill(&mut ann, &waiting, &[]).await.location(), "/idp/");
}

#[tokio::test]
async fn the_metadata_is_where_both_standards_look_and_names_addresses_under_the_path() {
    let site = Site::start_at(ISSUER).await;
    let mut anonymous = site.browser();
    // OpenID Connect Discovery §4, RFC 8414 §3.1; and where other services and a proxy that strips the path
    // ask.
    for path in [
        "/idp/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server/idp",
        "/.well-known/openid-configuration",
    ] {
        let answer = anonymous.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        let document: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(document["issuer"], ISSUER);
        for (name, value) in document.as_object().unwrap() {
            if let Some(url) = value.as_str().filter(|_| name != "issuer") {
                let path = url.strip_prefix("https://example.org").unwrap();
                assert!(path.starts_with("/idp/oauth2/"), "{name}: {url}");
                let there = anonymous.get(path).await;
                assert_ne!(there.status, StatusCode::NOT_FOUND, "{name}: {url}");
            }
        }
    }
    let other = anonymous
        .get("/.well-known/oauth-authorization-server/other")
        .await;
    assert_eq!(other.status, StatusCode::NOT_FOUND);
}
