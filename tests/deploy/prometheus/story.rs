//! Activity on a stack that makes the services export all of their metrics.

use std::net::{Ipv4Addr, SocketAddr};

use reqwest::StatusCode;
use serde_json::{Value, json};
use testkit::{Engine, Person, Stack, StackOptions, eventually};
use tokio::io::AsyncWriteExt as _;

/// A person whose name would be noticed in a label (SB-39).
pub(crate) const NAME: &str = "archibald-the-noticeable";

/// Both services on `engine`, with receivers of webhooks allowed on this machine.
pub(crate) fn options(engine: Engine) -> StackOptions {
    StackOptions::on(engine)
        .with("VESTIBULE_AUTH__WEBHOOKS__ALLOW", "127.0.0.1/32")
        .with("VESTIBULE_USERS__WEBHOOKS__ALLOW", "127.0.0.1/32")
        .with("VESTIBULE_AUTH__DRAIN_SECONDS", "0")
}

/// Signs up and in, types a wrong password, asks for tokens, refreshes one and uses it twice, and has webhooks called.
pub(crate) async fn generate_activity(stack: &Stack) {
    subscribe(stack).await;
    let person = stack.register(NAME).await;
    for _ in 0..3 {
        stack.authenticate(&person).await;
    }
    let wrong = Person {
        password: "not-the-password-of-anybody".to_owned(),
        ..person.clone()
    };
    let (status, _) = stack.try_authenticate(&wrong, None).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    reuse(stack, &person).await;
    let (status, _) = stack.user(&stack.authenticate(&person).await.access).await;
    assert_eq!(status, StatusCode::OK);
    // A name that is taken, a path that there is not, a page.
    let taken = json!({ "user_name": NAME, "password": person.password });
    let taken = stack
        .http()
        .post(stack.auth_url("/admin/v1/users"))
        .bearer_auth(stack.operator_token().await)
        .json(&taken);
    let taken = taken.send().await.unwrap();
    assert_eq!(taken.status(), StatusCode::CONFLICT);
    for url in [stack.auth_url("/login"), stack.auth_url(&format!("/{NAME}"))] {
        stack.http().get(url).send().await.unwrap();
    }
}

/// Uses a refresh token twice: its family is revoked and the reuse is counted.
pub(crate) async fn reuse(stack: &Stack, person: &Person) {
    let scope = Some("openid profile offline_access");
    let (status, given) = stack.try_authenticate(person, scope).await;
    assert_eq!(status, StatusCode::OK, "{given}");
    let first = given["refresh_token"]
        .as_str()
        .expect("a refresh token")
        .to_owned();
    let (status, next) = refresh(stack, &first).await;
    assert_eq!(status, StatusCode::OK, "{next}");
    let next = next["refresh_token"].as_str().unwrap();
    assert_eq!(refresh(stack, next).await.0, StatusCode::OK);
    // The one before the last is forgiven to nobody.
    assert_eq!(refresh(stack, &first).await.0, StatusCode::BAD_REQUEST);
}

async fn refresh(stack: &Stack, token: &str) -> (StatusCode, Value) {
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", token),
        ("client_id", "vestibule-direct"),
    ];
    let request = stack.http().post(stack.auth_url("/oauth2/token")).form(&form);
    let answer = request.send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

/// A webhook of each service: one is answered, the other not.
async fn subscribe(stack: &Stack) {
    let good = start_receiver("204 No Content").await;
    let bad = start_receiver("500 Internal Server Error").await;
    for (base, types) in [
        (stack.auth_url(""), "vestibule.session.*"),
        (stack.users_url(""), "vestibule.user.*"),
    ] {
        for receiver in [good, bad] {
            let wish = json!({ "url": format!("http://{receiver}/hook"), "types": [types] });
            let request = stack
                .http()
                .post(format!("{base}/admin/v1/webhooks"))
                .bearer_auth(stack.operator_token().await)
                .json(&wish);
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::CREATED, "{:?}", answer.text().await);
        }
    }
}

/// A receiver that gives everybody the same answer.
#[expect(
    clippy::disallowed_methods,
    reason = "it answers until the test's runtime ends"
)]
async fn start_receiver(status: &'static str) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = vec![0; 65_536];
                let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut request).await;
                let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    address
}

/// The metrics of a service.
pub(crate) async fn scrape(url: &str) -> String {
    let answer = reqwest::get(url).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    answer.text().await.unwrap()
}

/// Waits until `url` exports a value of `series` that is at least `enough`.
pub(crate) async fn wait_for_value(url: &str, series: &str, enough: f64) {
    eventually(&format!("{series} ≥ {enough} at {url}"), async || {
        let scrape = super::exposition::Scrape::parse(&scrape(url).await);
        (scrape.sum(series)? >= enough).then_some(())
    })
    .await;
}
