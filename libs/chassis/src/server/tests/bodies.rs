//! Tests of slow bodies and of the body budget.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use ::http::Request;
use axum::body::Bytes;
use axum::extract::FromRequest;
use axum::routing::post;
use futures_util::StreamExt;
use http_body_util::Empty;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::task::JoinSet;

use super::deadlines::until_closed;
use super::slots::{ask_on, connect_from};
use super::*;
use crate::http::{Pairs, RawBody};

/// A form of which `sent` bytes come, and never the rest.
async fn unfinished(last: u8, to: SocketAddr, sent: usize) -> TcpStream {
    let mut stream = connect_from(last, to).await;
    let head = "POST /form HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-www-form-urlencoded\r\n";
    let head = format!("{head}content-length: {}\r\n\r\n", sent + 1);
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all("x".repeat(sent).as_bytes()).await.unwrap();
    stream
}

/// The bytes that came until the service closed.
async fn answer_on(mut stream: TcpStream) -> String {
    String::from_utf8(until_closed(&mut stream).await).unwrap()
}

fn form() -> Router {
    Router::new()
        .route("/form", post(async |_: Pairs| "read"))
        .route("/", get(async || "hello"))
}

// SB-44
#[tokio::test]
async fn a_slow_body_has_a_deadline() {
    let limits = LimitsConfig {
        body_timeout_seconds: 1,
        request_timeout_seconds: 600,
        ..LimitsConfig::default()
    };
    let running = start(form(), limits, Duration::ZERO).await;
    let answer = answer_on(unfinished(1, running.address, 10).await).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
}

/// A form of so many bytes, to its end; the answer.
async fn finished(last: u8, to: SocketAddr, bytes: usize) -> String {
    let mut stream = connect_from(last, to).await;
    let head = "POST /form HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
                content-type: application/x-www-form-urlencoded\r\n";
    let form = format!("{head}content-length: {bytes}\r\n\r\na={}", "b".repeat(bytes - 2));
    stream.write_all(form.as_bytes()).await.unwrap();
    answer_on(stream).await
}

const BODY: usize = 15_000;

/// Room for 64 bodies, of which one source may have four. Nothing comes to an end by itself.
fn tight() -> LimitsConfig {
    LimitsConfig {
        body_bytes: 16_384,
        body_budget_bytes: 64 * 16_000,
        body_timeout_seconds: 600,
        request_timeout_seconds: 600,
        ..LimitsConfig::default()
    }
}

// SB-45
#[tokio::test]
async fn bodies_share_a_budget_and_a_source_has_a_part_of_it() {
    let running = start(form(), tight(), Duration::ZERO).await;
    let address = running.address;
    let mut held = JoinSet::new();
    for _ in 0..8 {
        held.spawn(async move { answer_on(unfinished(2, address, BODY).await).await });
    }
    // None is answered but those that are too many.
    for _ in 0..4 {
        let answer = held.join_next().await.unwrap().unwrap();
        assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
        assert!(answer.contains("\r\nretry-after: 1\r\n"), "{answer}");
    }
    let another = finished(3, address, BODY).await;
    assert!(
        another.starts_with("HTTP/1.1 200"),
        "others have the rest: {another}"
    );
    let small = finished(2, address, 6000).await;
    assert!(
        small.starts_with("HTTP/1.1 200"),
        "who shares the address with them has room: {small}"
    );
    let answer = held.join_next().await.unwrap().unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 503"),
        "a large one made it: {answer}"
    );
    held.shutdown().await;
}

// SB-45
#[tokio::test]
async fn who_holds_most_of_the_budget_makes_room() {
    let running = start(form(), tight(), Duration::ZERO).await;
    let address = running.address;
    let mut held = JoinSet::new();
    let fill = |held: &mut JoinSet<String>, last| {
        held.spawn(async move { answer_on(unfinished(last, address, BODY).await).await });
    };
    for last in (20..40).flat_map(|last| [last; 4]) {
        fill(&mut held, last);
    }
    let refused = held.join_next().await.unwrap().unwrap();
    assert!(
        refused.starts_with("HTTP/1.1 503"),
        "there is no more room: {refused}"
    );
    for last in 2..12 {
        for bytes in [6000, BODY] {
            let answer = finished(last, address, bytes).await;
            assert!(answer.starts_with("HTTP/1.1 200"), "{last}, {bytes}: {answer}");
        }
    }
    held.shutdown().await;
}

// SB-45
#[tokio::test]
async fn nobody_makes_room_for_who_holds_as_much() {
    let running = start(form(), tight(), Duration::ZERO).await;
    let address = running.address;
    let mut held = JoinSet::new();
    for last in 20..90 {
        held.spawn(async move { answer_on(unfinished(last, address, BODY).await).await });
    }
    let refused = held.join_next().await.unwrap().unwrap();
    assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
    let large = answer_on(unfinished(2, address, BODY).await).await;
    assert!(large.starts_with("HTTP/1.1 503"), "{large}");
    let small = finished(3, address, 100).await;
    assert!(small.starts_with("HTTP/1.1 200"), "{small}");
    let plain = ask_on(connect_from(7, address).await, "/", "").await;
    assert_eq!(plain, Some(200), "without a body");
    held.shutdown().await;
    room_for_all(address).await;
}

/// Waits until everything was given back: bodies of so many sources find room at once.
async fn room_for_all(address: SocketAddr) {
    testkit::eventually("the budget is given back", async || {
        let all = (100..150).map(|last| finished(last, address, BODY));
        let all = futures_util::future::join_all(all).await;
        all.iter()
            .all(|answer| answer.starts_with("HTTP/1.1 200"))
            .then_some(())
    })
    .await;
}

// SB-45
#[tokio::test]
async fn a_small_budget_lets_the_largest_body_through() {
    let limits = LimitsConfig {
        body_budget_bytes: 400_000,
        ..LimitsConfig::default()
    };
    let app = Router::new().route("/any", post(async |body: RawBody| body.0.len().to_string()));
    let running = start(app, limits, Duration::ZERO).await;
    let mut stream = connect_from(2, running.address).await;
    let head = "POST /any HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 16000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all("x".repeat(16_000).as_bytes()).await.unwrap();
    let answer = answer_on(stream).await;
    assert!(answer.ends_with("16000"), "{answer}");
}

// SB-45
#[tokio::test]
async fn what_is_read_away_is_not_held() {
    let limits = LimitsConfig {
        // A source may hold 300,000 bytes.
        body_budget_bytes: 16 * 300_000,
        ..LimitsConfig::default()
    };
    let running = start(form(), limits, Duration::ZERO).await;
    let mut stream = connect_from(2, running.address).await;
    let head = "POST /form HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-www-form-urlencoded\r\n\
                content-length: 600000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all("x".repeat(600_000).as_bytes()).await.unwrap();
    let next = "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    stream.write_all(next.as_bytes()).await.unwrap();
    let answers = answer_on(stream).await;
    assert!(answers.starts_with("HTTP/1.1 413"), "{answers}");
    assert!(answers.ends_with("hello"), "the connection goes on: {answers}");
}

// SB-45
#[tokio::test]
async fn a_body_in_many_pieces_is_held_in_one() {
    struct Piece(Arc<AtomicUsize>);
    impl AsRef<[u8]> for Piece {
        fn as_ref(&self) -> &[u8] {
            b"x"
        }
    }
    impl Drop for Piece {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Relaxed);
        }
    }
    let (held, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counted, seen) = (Arc::clone(&held), Arc::clone(&most));
    let pieces = futures_util::stream::iter(0..1000).map(move |_| {
        seen.fetch_max(counted.fetch_add(1, Relaxed) + 1, Relaxed);
        Ok::<_, std::io::Error>(Bytes::from_owner(Piece(Arc::clone(&counted))))
    });
    let request = Request::post("/")
        .body(axum::body::Body::from_stream(pieces))
        .unwrap();
    let body = RawBody::from_request(request, &()).await.unwrap();
    assert_eq!(body.0.len(), 1000);
    assert!(most.load(Relaxed) <= 2, "{most:?} pieces at once");
}

/// Sends 60 requests on one HTTP/2 connection, of which none is answered before `expected` are there. Returns how many were
/// there at the same time.
async fn streams_of(listen: ListenConfig, expected: usize) -> usize {
    #[derive(Default)]
    struct Counts {
        now: AtomicUsize,
        most: AtomicUsize,
    }
    let (counts, (released, release)) = (Arc::new(Counts::default()), tokio::sync::watch::channel(()));
    let counted = Arc::clone(&counts);
    let waiting = get(async move || {
        let mut waits = release.clone();
        counted
            .most
            .fetch_max(counted.now.fetch_add(1, Relaxed) + 1, Relaxed);
        drop(waits.changed().await);
        counted.now.fetch_sub(1, Relaxed);
    });
    let app = Router::new()
        .route("/wait", waiting)
        .route("/", get(async || "hello"));
    let running = start_on(listen, app, LimitsConfig::default(), Duration::ZERO).await;
    let stream = TcpStream::connect(running.address).await.unwrap();
    let (mut send, connection) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
        .initial_max_send_streams(1)
        .handshake::<_, Empty<Bytes>>(TokioIo::new(stream))
        .await
        .unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { drop(connection.await) });
    let ask = |path: &str| {
        let request = Request::get(format!("http://x{path}"));
        request.body(Empty::new()).unwrap()
    };
    // Its answer says that the limit is known.
    assert_eq!(send.send_request(ask("/")).await.unwrap().status(), 200);
    let mut requests = JoinSet::new();
    for _ in 0..60 {
        let answer = send.send_request(ask("/wait"));
        requests.spawn(async move { answer.await.unwrap().status().as_u16() });
    }
    testkit::eventually("as many as may be there", async || {
        (counts.now.load(Relaxed) == expected).then_some(())
    })
    .await;
    // Those that come later do not wait: the channel has closed.
    drop(released);
    assert_eq!(requests.join_all().await, [200; 60]);
    counts.most.load(Relaxed)
}

// SB-45
#[tokio::test]
async fn a_client_has_few_streams_and_a_trusted_proxy_many() {
    assert_eq!(streams_of(ListenConfig::loopback(), 32).await, 32);
    let trusting = ListenConfig {
        trusted_proxies: vec!["127.0.0.1".parse().unwrap()],
        ..ListenConfig::loopback()
    };
    assert_eq!(streams_of(trusting, 60).await, 60);
}
