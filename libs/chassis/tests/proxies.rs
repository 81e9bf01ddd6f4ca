//! Tests of a thousand clients behind HAProxy and behind nginx, with the shipped configurations.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test, outside of the functions that clippy takes for tests"
)]

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use chassis::config::{LimitsConfig, ListenConfig};
use chassis::health::Health;
use chassis::http::{ClientInfo, PublicScheme, standard_layers};
use chassis::server::Server;
use chassis::shutdown::Shutdown;
use testkit::{Process, Program, free_port, within};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

const CLIENTS: u16 = 1000;
const PATIENCE: Duration = Duration::from_secs(300);

/// A service in whose route a thousand requests are at the same time before the first is answered.
struct Running {
    address: SocketAddr,
    management: SocketAddr,
    _tasks: JoinSet<()>,
}

async fn start() -> Running {
    let limits = LimitsConfig {
        // Far fewer than come from the proxy, and more than come from one client.
        connections_per_source: Some(2),
        request_timeout_seconds: PATIENCE.as_secs(),
        ..LimitsConfig::default()
    };
    let listen = ListenConfig {
        trusted_proxies: vec!["127.0.0.1".parse().unwrap()],
        ..ListenConfig::loopback()
    };
    let server = Server::bind(&listen, &limits).await.unwrap();
    let (address, management) = (server.local_addr().unwrap(), server.management_addr());
    let all = Arc::new(Barrier::new(CLIENTS.into()));
    let together = get(async move |client: ClientInfo| {
        all.wait().await;
        client.ip.unwrap().to_string()
    });
    let app = standard_layers(Router::new().route("/", together), &limits, PublicScheme::Http);
    let health = Health::new();
    health.mark_started();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { server.run(app, health, Duration::ZERO, &Shutdown::new()).await });
    Running {
        address,
        management,
        _tasks: tasks,
    }
}

/// One request on a connection that is kept; the answer is the client's address.
async fn ask(stream: &mut TcpStream, from: Ipv4Addr) {
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let (mut answer, start, end) = (Vec::new(), b"HTTP/1.1 200", format!("\r\n\r\n{from}"));
    while !answer.ends_with(end.as_bytes()) {
        let mut part = [0; 1024];
        let length = stream.read(&mut part).await.unwrap();
        answer.extend_from_slice(&part[..length]);
        // A refusal ends the test at once, although nginx would keep the connection.
        let refused = answer.len() >= start.len() && !answer.starts_with(start);
        assert!(length > 0 && !refused, "{}", String::from_utf8_lossy(&answer));
    }
}

/// Each client has an address of its own, and two requests, each of which is answered when all are there.
async fn a_thousand_clients_are_answered(proxy: SocketAddr) {
    let mut clients = JoinSet::new();
    for number in 1..=CLIENTS {
        clients.spawn(async move {
            let [high, low] = number.to_be_bytes();
            let from = Ipv4Addr::new(127, 1, high, low);
            let socket = TcpSocket::new_v4().unwrap();
            socket.bind((from, 0).into()).unwrap();
            let mut stream = socket.connect(proxy).await.unwrap();
            for _ in 0..2 {
                ask(&mut stream, from).await;
            }
        });
    }
    let all = tokio::time::timeout(PATIENCE, clients.join_all()).await;
    assert!(all.is_ok(), "some clients wait for ever");
}

fn shipped(file: &str) -> String {
    let deploy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy");
    fs::read_to_string(deploy.join(file)).unwrap()
}

/// A timeout of a shipped configuration, and one for a test in which all requests wait for the last one, on a machine that may be busy.
/// A proxy that could not run for two seconds takes connections that are there for failed.
fn patient(timeout: &'static str) -> (&'static str, String) {
    let name = timeout.trim_end_matches(|c: char| c.is_ascii_digit() || c == 's');
    (timeout, format!("{name}{}s", PATIENCE.as_secs()))
}

/// A shipped configuration with other text in some places, each of which it has once.
fn changed(file: &str, changes: &[(&str, String)]) -> String {
    let mut text = shipped(file);
    for (shipped, here) in changes {
        assert_eq!(text.matches(shipped).count(), 1, "{shipped:?} is in {file}");
        text = text.replace(shipped, here);
    }
    text
}

fn installed(name: &str) -> PathBuf {
    ["/usr/sbin", "/usr/local/sbin", "/usr/bin"]
        .iter()
        .map(|folder| Path::new(folder).join(name))
        .find(|path| path.exists())
        .unwrap_or_else(|| panic!("{name} is not installed: run `make setup`"))
}

async fn listens(address: SocketAddr, log: &Process) {
    within(PATIENCE, &format!("the proxy: {}", log.log()), async || {
        TcpStream::connect(address).await.ok()
    })
    .await;
}

// SB-44
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_clients_through_haproxy_are_not_refused() {
    let running = start().await;
    let folder = tempfile::tempdir().unwrap();
    let configuration = folder.path().join("haproxy.cfg");
    let changes = ["timeout connect 2s", "timeout client 60s", "timeout server 60s"].map(patient);
    fs::write(&configuration, changed("haproxy/haproxy.cfg", &changes)).unwrap();
    let proxy = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let mut environment = Vec::new();
    for (service, listen) in [
        ("AUTH", proxy.port()),
        ("USERS", free_port()),
        ("STATS", free_port()),
    ] {
        environment.push((format!("{service}_LISTEN"), format!("127.0.0.1:{listen}")));
        for replica in ["ONE", "TWO"] {
            environment.push((format!("{service}_{replica}"), running.address.to_string()));
            let management = running.management.port().to_string();
            environment.push((format!("{service}_{replica}_MANAGEMENT"), management));
        }
    }
    let haproxy = Process::start(Program {
        name: "haproxy",
        path: installed("haproxy"),
        arguments: vec!["-db".into(), "-f".into(), configuration.into()],
        environment,
        folder: folder.path().to_owned(),
        log: folder.path().join("haproxy.log"),
    });
    listens(proxy, &haproxy).await;
    a_thousand_clients_are_answered(proxy).await;
}

// SB-44
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_clients_through_nginx_are_not_refused() {
    let running = start().await;
    let folder = tempfile::tempdir().unwrap();
    let configuration = folder.path().join("nginx.conf");
    let proxy = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let changes = [
        patient("proxy_connect_timeout 2s"),
        patient("proxy_read_timeout 60s"),
        ("127.0.0.1:8000;", format!("{};", running.address)),
        ("127.0.0.1:8001;", format!("{};", running.address)),
        ("listen 127.0.0.1:8080;", format!("listen {proxy};")),
        (
            "listen 127.0.0.1:8081;",
            format!("listen 127.0.0.1:{};", free_port()),
        ),
        // Not as root, and nothing outside this folder.
        (
            "\nhttp {",
            "\npid nginx.pid;\n\nhttp {\n    access_log off;\n    client_body_temp_path body;\n    \
             proxy_temp_path proxy;\n    fastcgi_temp_path fastcgi;\n    uwsgi_temp_path uwsgi;\n    \
             scgi_temp_path scgi;\n"
                .to_owned(),
        ),
    ];
    fs::write(&configuration, changed("nginx/nginx.conf", &changes)).unwrap();
    let nginx = Process::start(Program {
        name: "nginx",
        path: installed("nginx"),
        arguments: vec![
            "-p".into(),
            folder.path().into(),
            "-e".into(),
            "stderr".into(),
            "-g".into(),
            "daemon off; master_process off;".into(),
            "-c".into(),
            configuration.into(),
        ],
        environment: Vec::new(),
        folder: folder.path().to_owned(),
        log: folder.path().join("nginx.log"),
    });
    listens(proxy, &nginx).await;
    a_thousand_clients_are_answered(proxy).await;
}
