//! Tests of protected hosts behind real proxies: nginx, Caddy, Envoy and Traefik, with the configurations of `deploy/forward-auth`, before an
//! application that believes the headers of its proxy.

mod application;
mod proxies;
mod site;

use std::time::Duration;

use reqwest::header::HOST;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use testkit::{Service, eventually, within};

use self::application::values_like;
use self::proxies::Proxy;
use self::site::Site;
use crate::pages::{anonymous, sign_out};

/// The headers of ours, and what somebody sends who would like to be another.
const SPOOFED: [(&str, &str); 12] = [
    ("Remote-Subject", "0"),
    ("Remote-User", "root"),
    ("Remote-Name", "Root"),
    ("Remote-Email", "root@example.org"),
    ("Remote-Groups", "vestibule-admins"),
    ("REMOTE-USER", "root"),
    ("Remote_User", "root"),
    ("remote_groups", "vestibule-admins"),
    ("REMOTE_EMAIL", "root@example.org"),
    ("Remote.User", "root"),
    ("X-Forwarded-User", "root"),
    ("X-Original-URL", "https://wiki.example.org/health"),
];

/// The request that its sender would like to have judged: one that everybody may make, at this host or at another one.
fn pretended(site: &Site) -> [Vec<(&'static str, String)>; 3] {
    let of = |host: &str, path: &str| {
        vec![
            ("X-Forwarded-Method", "GET".to_owned()),
            ("X-Forwarded-Proto", "http".to_owned()),
            ("X-Forwarded-Host", host.to_owned()),
            ("X-Forwarded-Uri", path.to_owned()),
        ]
    };
    let mut original = of(&site.host(), "/health");
    original.extend([
        ("X-Original-URL", format!("http://{}/health", site.host())),
        ("X-Original-URI", "/health".to_owned()),
        ("X-Original-Method", "GET".to_owned()),
    ]);
    [
        of(&site.host(), "/health"),
        of(&site.other_host(), "/page"),
        original,
    ]
}

/// The rules are applied to the request and not to what its sender says of it.
async fn requests_are_judged_as_they_are(site: &Site, requests: &[(Method, &str, StatusCode)]) {
    for headers in pretended(site) {
        for (method, path, expected) in requests {
            let before = site.application.requests();
            let mut request = site.request(method.clone(), path);
            for (name, value) in &headers {
                request = request.header(*name, value);
            }
            let status = request.send().await.unwrap().status();
            assert_eq!(status, *expected, "{method} {path} {headers:?}");
            let reached = site.application.requests() - before;
            assert_eq!(
                reached,
                usize::from(status.is_success()),
                "{method} {path} {headers:?}"
            );
        }
    }
}

/// Asserts that the application was told of this user and of no other one.
fn assert_user(answer: &Value, user_name: &str) {
    for (name, expected) in [
        ("remote-user", user_name),
        ("remote-name", user_name),
        ("remote-groups", ""),
    ] {
        let mut values = values_like(answer, name);
        values.retain(|value| !value.is_empty());
        let expected: Vec<&str> = Some(expected)
            .filter(|text| !text.is_empty())
            .into_iter()
            .collect();
        assert_eq!(values, expected, "{name}: {answer}");
    }
    let addresses = values_like(answer, "remote-email");
    assert!(!addresses.contains(&"root@example.org".to_owned()), "{answer}");
}

/// Ann signs in at a host that has no sign-in, uses it, and is out when she signs out. Nobody gets past the rules.
async fn story(proxy: Proxy) {
    let mut site = Site::start(proxy).await;
    let ann = site.stack.register("ann").await;
    let mut visitor = anonymous(&site.stack);

    // Nobody is signed in: programs are refused, and nothing reaches the application.
    let before = site.application.requests();
    for (method, path) in [
        (Method::GET, "/page"),
        (Method::POST, "/page"),
        (Method::GET, "/health/"),
        (Method::GET, "/Health"),
        (Method::POST, "/health"),
    ] {
        assert_eq!(
            site.status(method.clone(), path).await,
            StatusCode::UNAUTHORIZED,
            "{method} {path}"
        );
    }
    assert!(site.upgrade(false).await.starts_with("HTTP/1.1 401"), "{proxy:?}");
    assert_eq!(site.application.requests(), before);
    let signed_out = [
        (Method::GET, "/health", StatusCode::OK),
        (Method::GET, "/page", StatusCode::UNAUTHORIZED),
        (Method::POST, "/health", StatusCode::UNAUTHORIZED),
        (Method::GET, "/admin", StatusCode::UNAUTHORIZED),
    ];
    requests_are_judged_as_they_are(&site, &signed_out).await;

    let page = site.sign_in(&mut visitor, &ann, "/page?x=1&y=/../z").await;
    assert_eq!(page["request"], "GET /page?x=1&y=/../z HTTP/1.1");
    assert_user(&page, &ann.user_name);
    assert_eq!(values_like(&page, "remote-subject"), [ann.id.as_str()]);

    // Who brings the headers, in whatever spelling, is who they are all the same.
    let mut request = site.request(Method::GET, "/page");
    for (name, value) in SPOOFED {
        request = request.header(name, value);
    }
    let answer = request.send().await.unwrap();
    if answer.status().is_success() {
        assert_user(&answer.json().await.unwrap(), &ann.user_name);
    } else {
        panic!("{proxy:?}: {}", answer.status());
    }
    let mut request = site
        .http
        .get(format!("http://127.0.0.1:{}/health", site.port))
        .header(HOST, site.host());
    for (name, value) in SPOOFED {
        request = request.header(name, value);
    }
    let public: Value = request.send().await.unwrap().json().await.unwrap();
    assert_user(&public, "");

    let signed_in = [
        (Method::GET, "/page", StatusCode::OK),
        (Method::POST, "/page", StatusCode::OK),
        (Method::GET, "/admin", StatusCode::FORBIDDEN),
    ];
    requests_are_judged_as_they_are(&site, &signed_in).await;

    // A large body goes to the application and not to `auth`, which takes 16 KiB.
    let body = vec![b'x'; 3 * 1024 * 1024];
    let large = site
        .request(Method::POST, "/page")
        .body(body.clone())
        .send()
        .await
        .unwrap();
    let large: Value = large.json().await.unwrap();
    assert_eq!(large["body_bytes"], body.len());
    assert!(site.upgrade(true).await.starts_with("HTTP/1.1 101"));

    // The restricted path, in spellings that a proxy leaves alone.
    for path in [
        "/admin",
        "/admin/users",
        "/ADMIN/",
        "/%61dmin/",
        "/admin%2fusers",
        "/admin;x",
        "/x/%2e%2e%2fadmin",
    ] {
        let before = site.application.requests();
        assert!(!site.status(Method::GET, path).await.is_success(), "{path}");
        assert_eq!(site.application.requests(), before, "{path}");
    }

    // A second tab needs no second sign-in. The sign-out ends the host within five seconds.
    let tab = site.sign_in_again(&mut visitor, &ann).await;
    assert_user(&tab, &ann.user_name);
    assert_eq!(site.status(Method::GET, "/page").await, StatusCode::OK);
    sign_out(&mut visitor).await;
    within(
        Duration::from_secs(5),
        "the host is closed after the sign-out",
        async || (site.status(Method::GET, "/page").await == StatusCode::UNAUTHORIZED).then_some(()),
    )
    .await;
    fails_shut(&mut site).await;
}

/// A killed `auth` closes the host, its public paths too, and opens it again when it is back.
async fn fails_shut(site: &mut Site) {
    site.stack.replica(Service::Auth, 0).kill();
    let before = site.application.requests();
    for path in ["/page", "/health"] {
        assert!(!site.status(Method::GET, path).await.is_success(), "{path}");
    }
    assert_eq!(
        site.application.requests(),
        before,
        "nothing reaches the application"
    );
    site.stack.replica(Service::Auth, 0).start_again();
    site.stack.auth_ready().await;
    eventually("the host is open again", async || {
        (site.status(Method::GET, "/health").await == StatusCode::OK).then_some(())
    })
    .await;
}

// SB-47, SB-51
#[tokio::test]
async fn a_host_behind_nginx_is_protected() {
    story(Proxy::Nginx).await;
}

// SB-47, SB-51
#[tokio::test]
async fn a_host_behind_caddy_is_protected() {
    story(Proxy::Caddy).await;
}

// SB-47, SB-51
#[tokio::test]
async fn a_host_behind_envoy_is_protected() {
    story(Proxy::Envoy).await;
}

// SB-47, SB-51
#[tokio::test]
async fn a_host_behind_traefik_is_protected() {
    story(Proxy::Traefik).await;
}
