//! Tests of the outbound policy (SB-32): forbidden addresses are not reached.

mod addresses;

use std::io;
use std::net::IpAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::shutdown::Shutdown;
use futures_util::future::BoxFuture;

/// Answers each question with the next of its answers, and with the last one from then on.
#[derive(Debug)]
struct Names(Mutex<Vec<Vec<IpAddr>>>);

impl Names {
    fn say(answers: &[&[&str]]) -> Arc<Self> {
        let parse = |text: &&str| text.parse().unwrap();
        let answers = answers.iter().map(|found| found.iter().map(parse).collect());
        Arc::new(Self(Mutex::new(answers.collect())))
    }
}

impl Resolver for Names {
    fn resolve<'a>(&'a self, _: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        let mut answers = self.0.lock().unwrap();
        let answer = match answers.len() {
            0 => Err(io::ErrorKind::NotFound.into()),
            1 => Ok(answers[0].clone()),
            _ => Ok(answers.remove(0)),
        };
        Box::pin(async move { answer })
    }
}

fn policy(allow: &[&str]) -> Policy {
    Policy {
        allow: allow.iter().map(|text| text.parse().unwrap()).collect(),
        ports: vec![443],
    }
}

fn outbound(allow: &[&str], names: Arc<dyn Resolver>) -> Outbound {
    Outbound::new(policy(allow), names, Duration::from_secs(5)).unwrap()
}

fn url(text: &str) -> Url {
    text.parse().unwrap()
}

async fn post(outbound: &Outbound, to: &str) -> Result<OutboundResponse, OutboundError> {
    outbound
        .send(Method::POST, &url(to), HeaderMap::new(), b"{}".to_vec())
        .await
}

fn refusal<T: std::fmt::Debug>(result: Result<T, OutboundError>) -> Refusal {
    match result {
        Err(OutboundError::Refused(refusal)) => refusal,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

/// A server that sends `answer` to everybody; how many came is counted.
async fn server(answer: &'static [u8]) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let came = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&came);
    let tasks = Shutdown::new();
    tasks.clone().spawn("server", async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            tasks.spawn("answer", async move {
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(answer).await;
            });
        }
    });
    (port, came)
}

// SB-32
#[tokio::test]
async fn what_is_written_in_a_url_is_refused_before_anybody_is_asked() {
    let outbound = outbound(&[], Names::say(&[&["8.8.8.8"]]));
    let refused = [
        ("http://hooks.example/", Refusal::Scheme),
        ("ftp://hooks.example/", Refusal::Scheme),
        ("file:///etc/passwd", Refusal::Scheme),
        ("https://ann@hooks.example/", Refusal::UserInfo),
        ("https://:secret@hooks.example/", Refusal::UserInfo),
        ("https://hooks.example/#part", Refusal::Fragment),
        ("https://hooks.example:22/", Refusal::Port(22)),
        ("https://hooks.example:8443/", Refusal::Port(8443)),
    ];
    for (text, expected) in refused {
        assert_eq!(refusal(outbound.check(&url(text)).await), expected, "{text}");
    }
    // However an address is written: the URL standard reads all of these as an IPv4 or IPv6 address.
    let loopback = [
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[fd00:ec2::254]/",
        "https://10.0.0.1/",
        "https://１２７.0.0.1/",
    ];
    for text in loopback {
        assert!(
            matches!(refusal(outbound.check(&url(text)).await), Refusal::Address(_)),
            "{text}"
        );
        assert!(
            matches!(refusal(post(&outbound, text).await), Refusal::Address(_)),
            "{text}"
        );
    }
    outbound
        .check(&url("https://hooks.example/path?query"))
        .await
        .unwrap();
    outbound.check(&url("https://8.8.8.8/")).await.unwrap();
}

// SB-32
#[tokio::test]
async fn a_name_is_refused_when_one_of_its_addresses_is_inside() {
    for found in [
        &["127.0.0.1"][..],
        &["8.8.8.8", "10.0.0.1"],
        &["2606:4700::1111", "fe80::1"],
    ] {
        let outbound = outbound(&[], Names::say(&[found]));
        let refused = refusal(outbound.check(&url("https://hooks.example/")).await);
        assert!(matches!(refused, Refusal::Address(_)), "{found:?}");
        assert_eq!(refusal(post(&outbound, "https://hooks.example/").await), refused);
    }
    let unknown = outbound(&[], Names::say(&[]));
    let answer = unknown.check(&url("https://hooks.example/")).await;
    assert!(matches!(answer, Err(OutboundError::Unresolved)));
    assert!(matches!(
        post(&unknown, "https://hooks.example/").await,
        Err(OutboundError::Unresolved)
    ));
}

// SB-32: the machine's own resolver knows the name.
#[tokio::test]
async fn the_name_of_this_machine_is_refused() {
    let outbound = outbound(&[], Arc::new(SystemResolver));
    let refused = refusal(post(&outbound, "https://localhost/").await);
    assert!(matches!(refused, Refusal::Address(_)), "{refused:?}");
}

// SB-32: DNS rebinding.
#[tokio::test]
async fn a_name_that_points_inside_later_is_refused_at_that_call() {
    let (port, came) = server(b"HTTP/1.1 204 No Content\r\n\r\n").await;
    let at = format!("http://hooks.example:{port}/");
    let names = Names::say(&[&["127.0.0.1"], &["127.0.0.1"], &["127.0.0.2"]]);
    let outbound = outbound(&["127.0.0.1"], names);
    outbound.check(&url(&at)).await.unwrap();
    assert_eq!(post(&outbound, &at).await.unwrap().status, StatusCode::NO_CONTENT);
    let rebound = refusal(post(&outbound, &at).await);
    assert_eq!(rebound, Refusal::Address("127.0.0.2".parse().unwrap()));
    assert_eq!(came.load(Ordering::SeqCst), 1);
}

// SB-32
#[tokio::test]
async fn http_and_unusual_ports_lead_to_allowed_networks_only() {
    let outbound = outbound(&["127.0.0.1"], Names::say(&[&["8.8.8.8"]]));
    let public = Refusal::Unusual("8.8.8.8".parse().unwrap());
    for text in ["http://hooks.example/", "https://hooks.example:6379/"] {
        assert_eq!(refusal(outbound.check(&url(text)).await), public, "{text}");
        assert_eq!(refusal(post(&outbound, text).await), public, "{text}");
    }
    assert_eq!(
        refusal(outbound.check(&url("http://8.8.8.8/")).await),
        Refusal::Scheme
    );
    assert!(matches!(
        refusal(outbound.check(&url("http://127.0.0.2/")).await),
        Refusal::Scheme
    ));
    outbound.check(&url("http://127.0.0.1:6379/")).await.unwrap();
}

// SB-32
#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let (inside, came) = server(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let answer = format!("HTTP/1.1 307 Temporary Redirect\r\nlocation: http://127.0.0.1:{inside}/\r\n\r\n");
    let (port, _) = server(answer.leak().as_bytes()).await;
    let outbound = outbound(&["127.0.0.1"], Arc::new(SystemResolver));
    let answer = post(&outbound, &format!("http://127.0.0.1:{port}/"))
        .await
        .unwrap();
    assert_eq!(answer.status, StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(came.load(Ordering::SeqCst), 0);
}

// SB-32
#[tokio::test]
async fn an_answer_is_read_up_to_its_limit() {
    let announced: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\nhello, world";
    let in_chunks: &[u8] =
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nc\r\nhello, world\r\n0\r\n\r\n";
    for response in [announced, in_chunks] {
        let (port, _) = server(response).await;
        let at = format!("http://127.0.0.1:{port}/");
        let outbound = outbound(&["127.0.0.1"], Arc::new(SystemResolver));
        let answer = post(&outbound, &at).await.unwrap();
        assert_eq!(answer.read(12).await.unwrap(), b"hello, world");
        let answer = post(&outbound, &at).await.unwrap();
        assert!(matches!(
            answer.read(11).await,
            Err(OutboundError::TooLarge { limit: 11 })
        ));
    }
}

// SB-32
#[tokio::test]
async fn who_does_not_answer_is_given_up() {
    let (port, _) = server(b"").await;
    // The server closes at once: no answer at all.
    let patient = outbound(&["127.0.0.1"], Arc::new(SystemResolver));
    let broken = post(&patient, &format!("http://127.0.0.1:{port}/")).await;
    assert!(matches!(broken, Err(OutboundError::Failed(_))), "{broken:?}");
    let patience = Duration::from_millis(200);
    let outbound = Outbound::new(policy(&["127.0.0.1"]), Arc::new(SystemResolver), patience).unwrap();
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let late = post(&outbound, &format!("http://127.0.0.1:{port}/")).await;
    assert!(matches!(late, Err(OutboundError::Timeout)), "{late:?}");
}

#[tokio::test]
async fn no_error_shows_the_path_or_the_query() {
    let outbound = outbound(&["127.0.0.1"], Arc::new(SystemResolver));
    let nobody = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let failed = post(&outbound, &format!("http://{nobody}/hidden?key=hidden"))
        .await
        .unwrap_err();
    assert!(!format!("{failed} {failed:?}").contains("hidden"), "{failed:?}");
}
