//! Tests of the server: listeners, health and graceful shutdown.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;

use super::*;
use crate::http::{ClientInfo, PublicScheme, standard_layers};

mod bodies;
mod deadlines;
mod headers;
mod slots;

struct Running {
    address: SocketAddr,
    management: SocketAddr,
    shutdown: Shutdown,
    health: Health,
    ended: tokio::task::JoinHandle<()>,
}

async fn start(app: Router, limits: LimitsConfig, drain: Duration) -> Running {
    start_on(ListenConfig::loopback(), app, limits, drain).await
}

async fn start_on(listen: ListenConfig, app: Router, limits: LimitsConfig, drain: Duration) -> Running {
    let server = Server::bind(&listen, &limits).await.unwrap();
    let (address, management) = (server.local_addr().unwrap(), server.management_addr());
    let (shutdown, health) = (Shutdown::new(), Health::new());
    health.mark_started();
    let (stop, checked) = (shutdown.clone(), health.clone());
    let app = standard_layers(app, &limits, PublicScheme::Http);
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async move { server.run(app, checked, drain, &stop).await });
    let ended = tokio::runtime::Handle::current().spawn(async move {
        tasks.join_all().await;
    });
    Running {
        address,
        management,
        shutdown,
        health,
        ended,
    }
}

async fn get_from(address: SocketAddr, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    let status = answer.get(9..12)?.parse().ok()?;
    Some((status, answer))
}

#[tokio::test]
async fn the_end_loses_no_request() {
    let (arrived, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (signal, wait) = (Arc::clone(&arrived), Arc::clone(&go_on));
    let slow = get(async move || {
        signal.notify_one();
        wait.notified().await;
        "finished"
    });
    let app = Router::new()
        .route("/slow", slow)
        .route("/", get(async || "hello"));
    let running = start(app, LimitsConfig::default(), Duration::from_secs(2)).await;
    assert_eq!(
        get_from(running.management, "/health/ready").await.unwrap().0,
        200
    );

    let address = running.address;
    let mut request = tokio::task::JoinSet::new();
    request.spawn(async move { get_from(address, "/slow").await });
    arrived.notified().await;

    running.shutdown.begin();
    let (status, body) = get_from(running.management, "/health/ready").await.unwrap();
    assert_eq!(status, 503);
    assert!(body.contains("draining"), "{body}");
    assert_eq!(get_from(running.management, "/health/live").await.unwrap().0, 200);
    assert_eq!(
        get_from(address, "/").await.unwrap().0,
        200,
        "still serving while draining"
    );

    running.shutdown.closing().await;
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        running.shutdown.phase(),
        Phase::Closing,
        "waits for what is in flight"
    );
    go_on.notify_one();
    let (status, body) = request.join_next().await.unwrap().unwrap().unwrap();
    assert!(status == 200 && body.ends_with("finished"), "{body}");
    running.ended.await.unwrap();
    assert_eq!(running.shutdown.phase(), Phase::Stopping);
}

/// One request on a connection that is kept. The answer has a body of five bytes.
async fn get_on(stream: &mut TcpStream) -> String {
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\nhello") {
        answer.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn who_keeps_a_connection_is_sent_elsewhere_while_it_drains() {
    let app = Router::new().route("/", get(async || "hello"));
    let running = start(app, LimitsConfig::default(), Duration::from_secs(600)).await;
    let mut kept = TcpStream::connect(running.address).await.unwrap();
    for _ in 0..2 {
        let answer = get_on(&mut kept).await;
        assert!(!answer.contains("connection"), "{answer}");
    }
    running.shutdown.begin();
    let answer = get_on(&mut kept).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("connection: close\r\n"), "{answer}");
    assert_eq!(kept.read(&mut [0]).await.unwrap(), 0, "it is closed");
    let mut new = TcpStream::connect(running.address).await.unwrap();
    assert!(get_on(&mut new).await.contains("connection: close\r\n"));
    running.ended.abort();
}

#[tokio::test]
async fn readiness_says_what_is_missing() {
    let running = start(Router::new(), LimitsConfig::default(), Duration::ZERO).await;
    running.health.require("signing keys");
    let (status, body) = get_from(running.management, "/health/ready").await.unwrap();
    assert_eq!(status, 503);
    let (_, json) = body.split_once("\r\n\r\n").unwrap();
    let json: serde_json::Value = serde_json::from_str(json).unwrap();
    assert_eq!(
        json,
        serde_json::json!({ "status": "not ok", "reasons": ["signing keys"] })
    );
    assert_eq!(
        get_from(running.management, "/health/started").await.unwrap().0,
        200
    );
    running.health.satisfy("signing keys");
    assert_eq!(
        get_from(running.management, "/health/ready").await.unwrap().0,
        200
    );
    running.health.add_note("something is closed for now");
    let (status, body) = get_from(running.management, "/health/ready").await.unwrap();
    assert_eq!(status, 200, "a note is no reason to send no requests");
    assert!(body.contains("something is closed for now"), "{body}");
    running.health.remove_note("something is closed for now");
    let (_, body) = get_from(running.management, "/health/ready").await.unwrap();
    assert!(!body.contains("notes"), "{body}");
    // SB-39: nothing of it on the public port.
    for path in ["/health/ready", "/metrics"] {
        assert_eq!(get_from(running.address, path).await.unwrap().0, 404);
    }
    running.shutdown.begin();
    running.ended.await.unwrap();
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let listen = ListenConfig {
        address: taken.local_addr().unwrap(),
        ..ListenConfig::loopback()
    };
    let error = Server::bind(&listen, &LimitsConfig::default()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "cannot listen on {}: another program uses this port",
            listen.address
        )
    );
}

#[tokio::test]
async fn a_handler_knows_its_client() {
    let app = Router::new().route(
        "/",
        get(async |client: ClientInfo| client.ip.unwrap().to_string()),
    );
    let running = start(app, LimitsConfig::default(), Duration::ZERO).await;
    let (_, answer) = get_from(running.address, "/").await.unwrap();
    assert!(answer.ends_with("127.0.0.1"), "{answer}");
    running.shutdown.begin();
    running.ended.await.unwrap();
}

#[tokio::test]
async fn a_certificate_that_is_missing_is_named() {
    let tls = crate::config::TlsConfig {
        certificate: "/nowhere/cert.pem".into(),
        key: "/nowhere/key.pem".into(),
        client_certificates: false,
    };
    let listen = ListenConfig {
        tls: Some(tls),
        ..ListenConfig::loopback()
    };
    let error = Server::bind(&listen, &LimitsConfig::default()).await.unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("cannot use TLS: /nowhere/cert.pem: "),
        "{error}"
    );
}
