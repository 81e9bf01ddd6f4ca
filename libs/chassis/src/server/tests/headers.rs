//! Tests of the limits on request heads over HTTP/1 and HTTP/2, and of the host.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// A service with the smallest limit on headers, and how many requests reached its handler. No deadline helps.
async fn small() -> (Running, Arc<AtomicUsize>) {
    small_within(600).await
}

async fn small_within(header_timeout_seconds: u64) -> (Running, Arc<AtomicUsize>) {
    let limits = LimitsConfig {
        header_bytes: 8192,
        header_timeout_seconds,
        keep_alive_seconds: 600,
        ..LimitsConfig::default()
    };
    let reached = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&reached);
    let app = Router::new().route(
        "/",
        get(async move || {
            count.fetch_add(1, Ordering::Relaxed);
            "hello"
        }),
    );
    (start(app, limits, Duration::ZERO).await, reached)
}

// SB-42
#[tokio::test]
async fn headers_are_limited_in_size_and_time_over_http_1() {
    let (running, reached) = small_within(1).await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    let request = format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "y".repeat(20_000));
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 431");

    let mut stream = TcpStream::connect(running.address).await.unwrap();
    stream.write_all(b"GET / HT").await.unwrap();
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut rest)).await;
    assert!(ended.is_ok(), "a request that never comes is given up");
    assert_eq!(reached.load(Ordering::Relaxed), 0);
    running.shutdown.begin();
    running.ended.await.unwrap();
}

// SB-42
#[tokio::test]
async fn headers_are_limited_in_size_over_http_2() {
    let (running, reached) = small().await;
    let client = reqwest::Client::builder()
        .http2_prior_knowledge()
        .no_proxy()
        .build()
        .unwrap();
    let url = format!("http://{}/", running.address);
    let fits = client
        .get(&url)
        .header("x", "y".repeat(4_000))
        .send()
        .await
        .unwrap();
    assert_eq!(fits.version(), ::http::Version::HTTP_2);
    assert_eq!(fits.status(), 200);
    for (name, count, length) in [("one long", 1, 9_000), ("many short", 300, 10)] {
        let mut request = client.get(&url);
        for index in 0..count {
            request = request.header(format!("x-{index}"), "y".repeat(length));
        }
        // Either the stream is refused, or the request is answered without being passed on.
        if let Ok(answer) = request.send().await {
            assert_eq!(answer.status(), 431, "{name}");
        }
    }
    assert_eq!(reached.load(Ordering::Relaxed), 1, "the one that fits");
    drop(client);
    running.shutdown.begin();
    running.ended.await.unwrap();
}

/// A frame of HTTP/2 (RFC 9113 §4.1) on stream 1.
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let head = [length[1], length[2], length[3], kind, flags, 0, 0, 0, stream];
    [&head[..], payload].concat()
}

// SB-42
#[tokio::test]
async fn a_head_that_never_ends_is_cut_off_over_http_2() {
    const FRAMES: usize = 10_000;
    let (running, reached) = small().await;
    let mut stream = TcpStream::connect(running.address).await.unwrap();
    // RFC 7541 §6.2.2: a literal field `x: yyyy…`, ten times in each frame.
    let field = [&[0, 1, b'x', 100][..], &[b'y'; 100]].concat();
    let begin = [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        frame(4, 0, 0, &[]),
        // HEADERS with END_STREAM, without END_HEADERS.
        frame(1, 1, 1, &[0x82, 0x84, 0x86]),
    ];
    stream.write_all(&begin.concat()).await.unwrap();
    let more = frame(9, 0, 1, &field.repeat(10));
    let mut taken = 0;
    while taken < FRAMES && stream.write_all(&more).await.is_ok() {
        taken += 1;
    }
    assert!(taken < FRAMES, "ten megabytes of headers were taken");
    assert_eq!(reached.load(Ordering::Relaxed), 0);
    running.shutdown.begin();
    running.ended.await.unwrap();
}

// SB-33: RFC 9112 §3.2.
#[tokio::test]
async fn a_request_without_one_host_is_refused_on_both_ports() {
    let (running, reached) = small().await;
    for address in [running.address, running.management] {
        let path = if address == running.address {
            "/"
        } else {
            "/health/live"
        };
        for (version, hosts, expected) in [
            ("1.1", "host: id.example\r\n", "200"),
            ("1.1", "host: id.example:8443\r\n", "200"),
            ("1.0", "", "200"),
            ("1.1", "", "400"),
            ("1.1", "host: id.example\r\nhost: id.example\r\n", "400"),
            ("1.0", "host: id.example\r\nhost: evil.example\r\n", "400"),
            ("1.1", "host: id.example/evil\r\n", "400"),
            ("1.1", "host:\r\n", "400"),
        ] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let request = format!("GET {path} HTTP/{version}\r\n{hosts}connection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            assert_eq!(answer.get(9..12), Some(expected), "{request:?}: {answer}");
        }
    }
    assert_eq!(reached.load(Ordering::Relaxed), 3);
    running.shutdown.begin();
    running.ended.await.unwrap();
}
