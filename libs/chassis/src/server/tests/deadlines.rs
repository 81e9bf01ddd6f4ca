//! Tests of the deadlines of every state of a connection.

use std::convert::Infallible;
use std::path::Path;

use ::http::Request;
use axum::body::{Body, Bytes};
use http_body_util::Empty;
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::*;
use crate::config::TlsConfig;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// An empty SETTINGS frame (RFC 9113 §6.5).
const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
/// Nothing here takes so long on purpose.
const FOR_EVER: Duration = Duration::from_secs(120);

/// Each deadline is one second, but those that a test is not about.
fn short() -> LimitsConfig {
    LimitsConfig {
        header_timeout_seconds: 1,
        keep_alive_seconds: 600,
        write_timeout_seconds: 600,
        body_timeout_seconds: 600,
        request_timeout_seconds: 600,
        ..LimitsConfig::default()
    }
}

fn app() -> Router {
    Router::new().route("/", get(async || "hello"))
}

/// Reads until the service closes the connection. Returns what came before.
pub(super) async fn until_closed(stream: &mut TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    let reading = async {
        let mut part = [0; 4096];
        // A reset is an end as well.
        while let Ok(length @ 1..) = stream.read(&mut part).await {
            all.extend_from_slice(&part[..length]);
        }
    };
    let ended = tokio::time::timeout(FOR_EVER, reading).await;
    assert!(ended.is_ok(), "the connection is kept");
    all
}

async fn say(address: SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream
}

// SB-44
#[tokio::test]
async fn one_deadline_holds_from_accept_to_the_first_head_whatever_was_sent() {
    let running = start(app(), short(), Duration::ZERO).await;
    let opened: [&[u8]; 6] = [
        b"",
        b"G",
        b"GET / HTTP/1.1\r\nhost: x\r\n",
        &PREFACE[..12],
        PREFACE,
        &[PREFACE, &SETTINGS].concat(),
    ];
    for bytes in opened {
        let mut stream = say(running.address, bytes).await;
        until_closed(&mut stream).await;
        let mut stream = say(running.management, bytes).await;
        until_closed(&mut stream).await;
    }
    running.shutdown.begin();
    running.ended.await.unwrap();
}

// SB-44
#[tokio::test]
async fn a_tls_connection_without_a_request_ends_before_and_after_its_handshake() {
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls");
    let certificate = files.join("cert.pem");
    let listen = ListenConfig {
        tls: Some(TlsConfig {
            certificate: certificate.clone(),
            key: files.join("key.pem"),
            client_certificates: false,
        }),
        ..ListenConfig::loopback()
    };
    let running = start_on(listen, app(), short(), Duration::ZERO).await;
    // A record's head, and then nothing.
    let mut stream = say(running.address, &[22, 3, 1]).await;
    until_closed(&mut stream).await;

    for protocol in [&b"h2"[..], b"http/1.1"] {
        let mut roots = rustls::RootCertStore::empty();
        let pem = std::fs::read(&certificate).unwrap();
        let der = rustls::pki_types::pem::PemObject::from_pem_slice(&pem).unwrap();
        roots.add(der).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut client = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        client.alpn_protocols = vec![protocol.to_vec()];
        let stream = TcpStream::connect(running.address).await.unwrap();
        let name = "localhost".try_into().unwrap();
        let mut stream = tokio_rustls::TlsConnector::from(Arc::new(client))
            .connect(name, stream)
            .await
            .unwrap();
        let ended = tokio::time::timeout(FOR_EVER, async {
            while let Ok(1..) = stream.read(&mut [0; 1024]).await {}
        });
        assert!(ended.await.is_ok(), "the connection is kept");
    }
    running.shutdown.begin();
    running.ended.await.unwrap();
}

// SB-44
#[tokio::test]
async fn an_idle_connection_ends_by_its_own_setting_and_the_next_head_by_that_of_heads() {
    let limits = LimitsConfig {
        keep_alive_seconds: 1,
        header_timeout_seconds: 600,
        ..short()
    };
    let running = start(app(), limits, Duration::ZERO).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    get_on(&mut stream).await;
    until_closed(&mut stream).await;

    let running = start(app(), short(), Duration::ZERO).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    get_on(&mut stream).await;
    stream.write_all(b"GET / HT").await.unwrap();
    until_closed(&mut stream).await;
}

type Http2 = hyper::client::conn::http2::SendRequest<Empty<Bytes>>;

/// A client of HTTP/2 in clear; the task ends with the connection.
async fn http2(stream: TcpStream, window: u32) -> (Http2, tokio::task::JoinSet<bool>) {
    let (send, connection) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(window)
        .handshake(TokioIo::new(stream))
        .await
        .unwrap();
    let mut ended = tokio::task::JoinSet::new();
    ended.spawn(async move { connection.await.is_ok() });
    (send, ended)
}

fn ask(path: &str) -> Request<Empty<Bytes>> {
    Request::get(format!("http://x{path}"))
        .body(Empty::new())
        .unwrap()
}

// SB-44
#[tokio::test]
async fn http_2_without_open_streams_ends_with_a_goaway() {
    let limits = LimitsConfig {
        keep_alive_seconds: 1,
        header_timeout_seconds: 600,
        ..short()
    };
    let running = start(app(), limits, Duration::ZERO).await;
    let stream = TcpStream::connect(running.address).await.unwrap();
    let (mut send, mut ended) = http2(stream, 65_535).await;
    let answer = send.send_request(ask("/")).await.unwrap();
    assert_eq!(answer.status(), 200);
    drop(answer);
    let clean = tokio::time::timeout(FOR_EVER, ended.join_next()).await;
    assert!(clean.unwrap().unwrap().unwrap(), "it ends as RFC 9113 §6.8 says");
    drop(send);
}

/// An answer without an end, and word of when the service has dropped it.
fn endless() -> (Router, Arc<Notify>) {
    struct Dropped(Arc<Notify>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    let dropped = Arc::new(Notify::new());
    let told = Arc::clone(&dropped);
    let handler = get(async move || {
        let parts = futures_util::stream::unfold(Dropped(told), async |kept| {
            Some((Ok::<_, Infallible>(Bytes::from(vec![b'x'; 64 << 10])), kept))
        });
        Body::from_stream(parts)
    });
    (Router::new().route("/", handler), dropped)
}

// SB-44
#[tokio::test]
async fn a_client_that_does_not_read_its_answer_is_given_up() {
    let limits = LimitsConfig {
        write_timeout_seconds: 1,
        header_timeout_seconds: 600,
        ..short()
    };
    let (app, dropped) = endless();
    let running = start(app, limits, Duration::ZERO).await;
    let mut stream = say(running.address, b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let given_up = tokio::time::timeout(FOR_EVER, dropped.notified()).await;
    assert!(given_up.is_ok(), "the answer is kept");
    until_closed(&mut stream).await;

    // Over HTTP/2 it is the window of the stream that is full, while the socket takes everything.
    let stream = TcpStream::connect(running.address).await.unwrap();
    let (mut send, mut ended) = http2(stream, 65_535).await;
    let answer = send.send_request(ask("/")).await.unwrap();
    let given_up = tokio::time::timeout(FOR_EVER, dropped.notified()).await;
    assert!(given_up.is_ok(), "the answer is kept");
    assert!(ended.join_next().await.is_some());
    drop((answer, send));
}

// SB-44
#[tokio::test]
async fn a_client_with_a_window_of_a_byte_is_given_up_and_one_that_reads_gets_everything() {
    let limits = LimitsConfig {
        write_timeout_seconds: 1,
        header_timeout_seconds: 600,
        ..short()
    };
    let long = "hello ".repeat(20_000);
    let expected = long.clone();
    let app = app().route("/long", get(async move || long));
    let running = start(app, limits, Duration::ZERO).await;
    for path in ["/", "/long"] {
        let stream = TcpStream::connect(running.address).await.unwrap();
        let (mut send, mut ended) = http2(stream, 1).await;
        let answer = send.send_request(ask(path)).await.unwrap();
        let given_up = tokio::time::timeout(FOR_EVER, ended.join_next()).await;
        assert!(given_up.is_ok(), "{path}: the answer is kept");
        drop((answer, send));
    }
    for window in [1000, 65_535, 120_000, 1 << 20] {
        let stream = TcpStream::connect(running.address).await.unwrap();
        let (mut send, _ended) = http2(stream, window).await;
        let answer = send.send_request(ask("/long")).await.unwrap();
        assert_eq!(answer.headers()["content-length"], "120000");
        let body = http_body_util::BodyExt::collect(answer.into_body())
            .await
            .unwrap()
            .to_bytes();
        assert!(body == expected.as_bytes(), "{window}");
        let empty = send
            .send_request(Request::head("http://x/long").body(Empty::new()).unwrap())
            .await
            .unwrap();
        assert_eq!(empty.status(), 200);
    }
}

// SB-44
#[tokio::test]
async fn a_long_poll_outlives_every_deadline_of_clients() {
    let limits = LimitsConfig {
        keep_alive_seconds: 1,
        write_timeout_seconds: 1,
        ..short()
    };
    let (arrived, news) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (signal, wait) = (Arc::clone(&arrived), Arc::clone(&news));
    let poll = get(async move || {
        signal.notify_one();
        wait.notified().await;
        "hello"
    });
    let app = app().route("/events", poll);
    let running = start(app, limits, Duration::ZERO).await;
    let mut polls = tokio::task::JoinSet::new();
    let address = running.address;
    polls.spawn(async move { get_from(address, "/events").await.unwrap().0 });
    arrived.notified().await;
    polls.spawn(async move {
        let stream = TcpStream::connect(address).await.unwrap();
        let (mut send, _ended) = http2(stream, 65_535).await;
        send.send_request(ask("/events")).await.unwrap().status().as_u16()
    });
    arrived.notified().await;
    // Connections that came later have run into their deadlines before there is news.
    for _ in 0..3 {
        let mut idle = TcpStream::connect(address).await.unwrap();
        get_on(&mut idle).await;
        until_closed(&mut idle).await;
    }
    news.notify_waiters();
    assert_eq!(polls.join_all().await, [200, 200]);
}
