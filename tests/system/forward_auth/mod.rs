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
