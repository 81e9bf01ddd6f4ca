//! Bodies that come slowly, and how much of them is held.

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
use super::places::{ask_on, connect_from};
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

/// What came until the service closed.
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
        body_seconds: 1,
        request_seconds: 600,
        ..LimitsConfig::default()
    };
    let running = start(form(), limits, Duration::ZERO).await;
    let answer = answer_on(unfinished(1, running.address, 10).await).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
}

// SB-45
#[tokio::test]
async fn bodies_share_a_budget_and_a_source_has_a_part_of_it() {
    const BODY: usize = 15_000;
    let limits = LimitsConfig {
        body_budget_bytes: 64 * 16_000,
        body_seconds: 600,
        request_seconds: 600,
        ..LimitsConfig::default()
    };
    let running = start(form(), limits, Duration::ZERO).await;
    let address = running.address;
    let mut held = JoinSet::new();
    // A source may hold four of them. None is answered but those that are one too many.
    for _ in 0..8 {
        held.spawn(async move { answer_on(unfinished(2, address, BODY).await).await });
    }
    let answer = held.join_next().await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.contains("\r\nretry-after: 1\r\n"), "{answer}");
    let finished = |last: u8| async move {
        let mut stream = connect_from(last, address).await;
        let form = "POST /form HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
                    content-type: application/x-www-form-urlencoded\r\ncontent-length: 3\r\n\r\na=b";
        stream.write_all(form.as_bytes()).await.unwrap();
        answer_on(stream).await
    };
    assert!(
        finished(3).await.starts_with("HTTP/1.1 200"),
        "others have the rest"
    );

    for last in (3..20).flat_map(|last| [last; 4]) {
        held.spawn(async move { answer_on(unfinished(last, address, BODY).await).await });
    }
    // Those that find room are held, so that soon there is none.
    let mut large = JoinSet::new();
    let mut last = 20;
    testkit::eventually("there is no room for a large one", async || {
        last += 1;
        large.spawn(async move { answer_on(unfinished(last, address, BODY).await).await });
        let refused = tokio::time::timeout(Duration::from_secs(4), large.join_next()).await;
        refused
            .ok()?
            .unwrap()
            .ok()
            .filter(|answer| answer.starts_with("HTTP/1.1 503"))
    })
    .await;
    assert!(
        finished(7).await.starts_with("HTTP/1.1 200"),
        "small ones have a part of their own"
    );
    let mut last = 40;
    testkit::eventually("the budget is used up", async || {
        last = if last == 200 { 40 } else { last + 1 };
        for sent in [4000, 1000, 1] {
            held.spawn(async move { answer_on(unfinished(last, address, sent).await).await });
        }
        finished(7).await.starts_with("HTTP/1.1 503").then_some(())
    })
    .await;
    let plain = ask_on(connect_from(7, address).await, "/", "").await;
    assert_eq!(plain, Some(200), "without a body");
    held.shutdown().await;
    large.shutdown().await;
    testkit::eventually("the budget is given back", async || {
        finished(7).await.starts_with("HTTP/1.1 200").then_some(())
    })
    .await;
}

// SB-45
#[tokio::test]
async fn what_is_read_away_is_not_held() {
    let limits = LimitsConfig {
        // A source may hold 20,000 bytes.
        body_budget_bytes: 16 * 20_000,
        ..LimitsConfig::default()
    };
    let running = start(form(), limits, Duration::ZERO).await;
    let mut stream = connect_from(2, running.address).await;
    let head = "POST /form HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-www-form-urlencoded\r\n\
                content-length: 200000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all("x".repeat(200_000).as_bytes()).await.unwrap();
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
