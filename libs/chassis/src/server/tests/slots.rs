//! Tests of slots and eviction.

use std::net::Ipv4Addr;

use ::http::Version;
use axum::routing::post;
use tokio::net::TcpSocket;

use super::super::activity::{Activity, CloseReason, Deadlines};
use super::super::slots::Slots;
use super::*;
use crate::http::RawBody;

/// Nothing here takes so long on purpose.
const FOR_EVER: Duration = Duration::from_secs(120);

fn few(connections: usize, per_source: usize) -> LimitsConfig {
    LimitsConfig {
        connections,
        connections_per_source: Some(per_source),
        // No deadline helps.
        header_timeout_seconds: 600,
        keep_alive_seconds: 600,
        request_timeout_seconds: 600,
        ..LimitsConfig::default()
    }
}

/// A connection from one of the addresses of this machine, 127.0.0.`last`.
pub(super) async fn connect_from(last: u8, to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    let from = Ipv4Addr::new(127, 0, 0, last);
    socket.bind((from, 0).into()).unwrap();
    socket.connect(to).await.unwrap()
}

/// The status of an answer, or `None` when the connection was closed instead.
pub(super) async fn ask_on(mut stream: TcpStream, path: &str, headers: &str) -> Option<u16> {
    let asking = async {
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n{headers}connection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        answer.get(9..12)?.parse().ok()
    };
    tokio::time::timeout(FOR_EVER, asking).await.expect("no answer")
}

// SB-44
#[tokio::test]
async fn silent_connections_shut_nobody_out() {
    let app = Router::new().route("/", get(async || "hello"));
    let running = start(app, few(16, 4), Duration::ZERO).await;
    for (port, path) in [(running.address, "/"), (running.management, "/health/live")] {
        let mut silent = Vec::new();
        // One source that wants everything, then many, then idle ones.
        for last in [1].repeat(100).into_iter().chain(2..100) {
            silent.push(connect_from(last, port).await);
        }
        assert_eq!(ask_on(connect_from(1, port).await, path, "").await, Some(200));
        assert_eq!(ask_on(connect_from(200, port).await, path, "").await, Some(200));
        for last in 2..100 {
            let mut idle = connect_from(last, port).await;
            let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
            idle.write_all(request.as_bytes()).await.unwrap();
            assert_eq!(idle.read_u8().await.unwrap(), b'H');
            silent.push(idle);
        }
        assert_eq!(ask_on(connect_from(200, port).await, path, "").await, Some(200));
    }
}

// SB-44
#[tokio::test]
async fn requests_whose_body_never_comes_shut_nobody_out() {
    let app = Router::new()
        .route("/", get(async || "hello"))
        .route("/form", post(async |_: RawBody| "read"));
    let limits = LimitsConfig {
        body_timeout_seconds: 600,
        ..few(16, 4)
    };
    let running = start(app, limits, Duration::ZERO).await;
    let address = running.address;
    let mut unfinished = Vec::new();
    for last in [1].repeat(20).into_iter().chain(2..40) {
        let mut stream = connect_from(last, address).await;
        let head = "POST /form HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nx";
        stream.write_all(head.as_bytes()).await.unwrap();
        unfinished.push(stream);
    }
    for last in [1, 200, 201] {
        assert_eq!(
            ask_on(connect_from(last, address).await, "/", "").await,
            Some(200)
        );
    }
}

// SB-44
#[tokio::test]
async fn a_place_that_was_given_up_is_counted_until_the_connection_has_ended() {
    let deadlines = Deadlines::of(&few(4, 2));
    let slots = Slots::new(4, 2);
    let ip = [192, 0, 2, 1].into();
    let connection = || Activity::new(deadlines, false);
    let (first, second, third, fourth) = (connection(), connection(), connection(), connection());
    let _first = slots.admit(ip, false, &first).await.unwrap();
    let _second = slots.admit(ip, false, &second).await.unwrap();
    let _third = slots.admit(ip, false, &third).await.unwrap();
    assert_eq!(
        first.expired().await,
        CloseReason::Evicted,
        "the oldest gave its place up"
    );
    assert!(
        first.open_request(Version::HTTP_11).is_none(),
        "what comes too late changes nothing"
    );
    assert_eq!(first.expired().await, CloseReason::Evicted);
    let busy = [&second, &third].map(|one| one.open_request(Version::HTTP_11).unwrap());
    assert!(
        slots.admit(ip, false, &fourth).await.is_none(),
        "its two serve requests"
    );
    drop(busy);
    assert!(slots.admit(ip, false, &fourth).await.is_some());
}

/// A client that speaks HTTP/2 in clear text on a connection of its own.
fn http2_client() -> reqwest::Client {
    let client = reqwest::Client::builder().http2_prior_knowledge().no_proxy();
    client.build().unwrap()
}

// SB-45
#[tokio::test]
async fn requests_over_http_2_count_for_their_source() {
    let (app, arrived, go_on) = waiting();
    let running = start(app, few(16, 3), Duration::ZERO).await;
    let url = format!("http://{}", running.address);
    let (one, other) = (http2_client(), http2_client());
    let mut requests = tokio::task::JoinSet::new();
    for client in [&one, &other, &one] {
        let request = client.get(format!("{url}/wait")).send();
        requests.spawn(async move { request.await.unwrap().status().as_u16() });
        arrived.notified().await;
    }
    for client in [&one, &other] {
        assert_eq!(client.get(&url).send().await.unwrap().status(), 429);
    }
    go_on.notify_waiters();
    assert_eq!(requests.join_all().await, [200; 3]);
    assert_eq!(one.get(&url).send().await.unwrap().status(), 200);
}

// SB-45
#[tokio::test]
async fn requests_over_http_2_whose_body_never_comes_shut_nobody_out() {
    let app = Router::new()
        .route("/", get(async || "hello"))
        .route("/form", post(async |_: RawBody| "read"));
    let limits = LimitsConfig {
        body_timeout_seconds: 600,
        ..few(16, 3)
    };
    let running = start(app, limits, Duration::ZERO).await;
    let url = format!("http://{}", running.address);
    let (stranger, honest) = (http2_client(), http2_client());
    let mut unfinished = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let never = futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>();
        let request = stranger
            .post(format!("{url}/form"))
            .body(reqwest::Body::wrap_stream(never));
        let request = request.send();
        unfinished.spawn(async move { request.await.unwrap().status().as_u16() });
    }
    // Three have slots. The others were evicted, or came while the service was busy with all of the three.
    for _ in 0..3 {
        let status = unfinished.join_next().await.unwrap().unwrap();
        assert!([503, 429].contains(&status), "{status}");
    }
    for _ in 0..3 {
        assert_eq!(honest.get(&url).send().await.unwrap().status(), 200);
        let form = honest.post(format!("{url}/form")).body("a=b");
        assert_eq!(form.send().await.unwrap().status(), 200);
    }
    unfinished.shutdown().await;
}

/// A route that answers when it is told to.
fn waiting() -> (Router, Arc<Notify>, Arc<Notify>) {
    let (arrived, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (signal, wait) = (Arc::clone(&arrived), Arc::clone(&go_on));
    let wait = get(async move || {
        let waited = wait.notified();
        signal.notify_one();
        waited.await;
        "done"
    });
    let app = Router::new()
        .route("/wait", wait)
        .route("/", get(async || "hello"));
    (app, arrived, go_on)
}

// SB-44
#[tokio::test]
async fn a_source_whose_places_all_serve_requests_gets_no_more() {
    let (app, arrived, go_on) = waiting();
    let running = start(app, few(16, 2), Duration::ZERO).await;
    let address = running.address;
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..2 {
        requests.spawn(async move { ask_on(connect_from(2, address).await, "/wait", "").await });
        arrived.notified().await;
    }
    assert_eq!(ask_on(connect_from(2, address).await, "/", "").await, None);
    assert_eq!(ask_on(connect_from(3, address).await, "/", "").await, Some(200));
    go_on.notify_waiters();
    assert_eq!(requests.join_all().await, [Some(200); 2]);
}

// SB-44
#[tokio::test]
async fn behind_a_trusted_proxy_requests_count_for_their_client() {
    let (app, arrived, go_on) = waiting();
    let listen = ListenConfig {
        trusted_proxies: vec!["127.0.0.1".parse().unwrap()],
        ..ListenConfig::loopback()
    };
    let running = start_on(listen, app, few(100, 2), Duration::ZERO).await;
    let address = running.address;
    let ask = move |client: &'static str, path| async move {
        let headers = format!("x-forwarded-for: {client}\r\n");
        ask_on(connect_from(1, address).await, path, &headers).await
    };
    let mut requests = tokio::task::JoinSet::new();
    for client in ["203.0.113.1", "2001:db8::1"].repeat(2) {
        requests.spawn(ask(client, "/wait"));
        arrived.notified().await;
    }
    assert_eq!(ask("203.0.113.1", "/").await, Some(429));
    assert_eq!(ask("203.0.113.2", "/").await, Some(200));
    assert_eq!(ask("2001:db8::2", "/").await, Some(429), "one network of 64 bits");
    assert_eq!(ask("2001:db8:0:1::2", "/").await, Some(200));
    go_on.notify_waiters();
    assert_eq!(requests.join_all().await, [Some(200); 4]);
    assert_eq!(ask("203.0.113.1", "/").await, Some(200), "the places are back");
    // The proxy itself has as many connections as it likes.
    let kept: Vec<TcpStream> =
        futures_util::future::join_all((0..20).map(|_| connect_from(1, address))).await;
    assert_eq!(ask("203.0.113.3", "/").await, Some(200));
    drop(kept);
}
