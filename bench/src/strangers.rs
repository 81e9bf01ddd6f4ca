//! Measures the cost of unauthenticated clients: the CPU time of the worst request of each route, and the latency of
//! other clients beside ten thousand silent sockets.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use http::header;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use testkit::Stack;
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

use crate::load::{Connection, PreparedRequest, percentile};
use crate::process::cpu_time;
use crate::report::{Figure, Report, micros};
use crate::requests::{FORM, address};

const SOCKETS: u32 = 10_000;
const REFUSED_TABLE: &str = "CPU for the worst request of each route";
/// Nearly all of what headers may have.
const LONG_HEADER: usize = 12_000;
/// As much as anybody's body may have.
const BODY_BYTES: usize = 16 * 1024;

pub(crate) async fn measure(report: &mut Report, scale: u32) -> Result<()> {
    // Of this process and of the services, which inherit it.
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let current = Some(maximum.map_or(65_536, |most| most.min(65_536)));
    setrlimit(Resource::Nofile, Rlimit { current, maximum })?;
    let stack = Stack::start().await;
    let count = usize::try_from(scale * 5).unwrap_or_default().max(20);
    measure_worst_requests(report, &stack, count).await?;
    measure_password_guesses(report, &stack, count / 5).await?;
    measure_silent_sockets(report, &stack, count).await
}

/// CPU time of one of `count` requests of each kind that are refused before a password is hashed. What the answer says does
/// not matter.
async fn measure_worst_requests(report: &mut Report, stack: &Stack, count: usize) -> Result<()> {
    let auth = (stack.auth.id(), address(&stack.auth_url(""))?);
    let users = (stack.users.id(), address(&stack.users_url(""))?);
    for (name, of_auth, call) in requests() {
        let (process, address) = if of_auth { auth } else { users };
        let mut connection = Connection::open(address).await?;
        let (before, mut failures) = (cpu_time(process)?, 0);
        let mut answered = 0;
        while answered < count {
            // A refusal may end the connection: then the request is sent again on another one.
            match connection.send(&call).await {
                Ok(_) => answered += 1,
                Err(_) => {
                    failures += 1;
                    ensure!(failures <= count, "{name} is not answered");
                    connection = Connection::open(address).await?;
                }
            }
        }
        let used = cpu_time(process)?.saturating_sub(before);
        report.add(
            REFUSED_TABLE,
            Figure::new(&name, each(used, count)).target("≤ 5 ms"),
        );
    }
    Ok(())
}

/// The same of a pair that nobody has, where a password is hashed: each from an address of its own, so that none is refused
/// because of those before it.
async fn measure_password_guesses(report: &mut Report, stack: &Stack, count: usize) -> Result<()> {
    let (process, to) = (stack.auth.id(), address(&stack.auth_url(""))?);
    let before = cpu_time(process)?;
    for number in 0..count {
        let [.., high, low] = u32::try_from(number)?.to_be_bytes();
        let stream = connect_from(Ipv4Addr::new(127, 2, high, low + 1), to).await?;
        let pair = format!(r#"{{"username":"nobody{number}","password":"gorse-tin-placid"}}"#);
        let call = PreparedRequest::post("/authenticate", "application/json", pair);
        let status = Connection::over(stream, to).await?.send(&call).await?.status;
        ensure!(status == 401, "a pair that nobody has is answered with {status}");
    }
    let used = cpu_time(process)?.saturating_sub(before);
    let name = "`POST /authenticate`, a pair that nobody has";
    report.add(
        REFUSED_TABLE,
        Figure::new(name, each(used, count)).target("one argon2id"),
    );
    Ok(())
}

fn each(used: Duration, count: usize) -> String {
    micros(used / u32::try_from(count).unwrap_or(u32::MAX))
}

/// Their names, whether they are for `auth`, and the requests.
fn requests() -> Vec<(String, bool, PreparedRequest)> {
    let fields: String = (0..BODY_BYTES / 8).map(|n| format!("a{n:x}=b&")).collect();
    let fields: String = fields.chars().take(BODY_BYTES).collect();
    let members: Vec<String> = (0..BODY_BYTES / 14)
        .map(|n| format!("\"a{n:x}\":[[1]]"))
        .collect();
    let json = format!("{{{}}}", members.join(","));
    let long = "%61".repeat(LONG_HEADER / 3);
    let segments = [
        "a".repeat(LONG_HEADER / 3),
        "b".repeat(LONG_HEADER / 3),
        "c".repeat(LONG_HEADER / 3),
    ];
    let bearer = format!("Bearer {}", segments.join("."));
    let cookies = "a=b; ".repeat(LONG_HEADER / 5);
    let mut requests = Vec::new();
    for path in [
        "/login",
        "/register",
        "/oauth2/token",
        "/oauth2/introspect",
        "/oauth2/revoke",
        "/oauth2/logout",
    ] {
        let call = PreparedRequest::post(path, FORM, fields.clone());
        requests.push((format!("`POST {path}`, a form of short names"), true, call));
    }
    let call = PreparedRequest::post("/authenticate", "application/json", json);
    requests.push(("`POST /authenticate`, many members".to_owned(), true, call));
    let call = PreparedRequest::get(&format!("/oauth2/authorize?client_id={long}"));
    requests.push(("`GET /oauth2/authorize`, a long query".to_owned(), true, call));
    let call = PreparedRequest::get("/login").with(header::COOKIE, cookies);
    requests.push(("`GET /login`, many cookies".to_owned(), true, call));
    for (path, of_auth) in [("/oauth2/userinfo", true), ("/user", false)] {
        let call = PreparedRequest::get(path).with(header::AUTHORIZATION, bearer.clone());
        requests.push((format!("`GET {path}`, a long token"), of_auth, call));
    }
    let filter = format!("/scim/v2/Users?filter={}", "(".repeat(LONG_HEADER));
    requests.push((
        "`GET /scim/v2/Users`, a deep filter".to_owned(),
        false,
        PreparedRequest::get(&filter),
    ));
    requests
}

/// The latency of other clients, each of whom connects anew, without and with silent sockets: of one source, and of forty.
async fn measure_silent_sockets(report: &mut Report, stack: &Stack, count: usize) -> Result<()> {
    let to = address(&stack.auth_url(""))?;
    for (name, sources) in [
        ("without silent sockets", 0),
        ("beside 10,000 silent sockets of one source", 1),
        ("beside 10,000 silent sockets of 40 sources", 40),
    ] {
        let mut kept = JoinSet::new();
        for source in 0..sources {
            for _ in 0..SOCKETS / sources {
                kept.spawn(hold_silent_socket(
                    Ipv4Addr::new(127, 1, 0, u8::try_from(source + 1)?),
                    to,
                ));
            }
        }
        // Time for the first of them to be there; the rest follow while others are served.
        tokio::time::sleep(Duration::from_secs(u64::from(sources > 0) * 5)).await;
        let opened = OPENED.load(Ordering::Relaxed);
        ensure!(
            opened >= usize::try_from(SOCKETS * sources.min(1))?,
            "only {opened} silent sockets could be opened"
        );
        let mut found = Vec::with_capacity(count);
        for _ in 0..count {
            let start = Instant::now();
            let mut connection = Connection::open(to).await?;
            connection.ok(&PreparedRequest::get("/oauth2/jwks")).await?;
            found.push(start.elapsed());
        }
        found.sort_unstable();
        let value = format!(
            "{} / {}",
            micros(percentile(&found, 50)),
            micros(percentile(&found, 99))
        );
        report.add(
            "Latency of other clients (connect and JWKS), p50 / p99",
            Figure::new(name, value),
        );
        kept.shutdown().await;
        OPENED.store(0, Ordering::Relaxed);
    }
    Ok(())
}

/// The number of silent sockets that were opened.
static OPENED: AtomicUsize = AtomicUsize::new(0);

/// A socket that says nothing, and that is opened again a second after the service has closed it.
async fn hold_silent_socket(from: Ipv4Addr, to: SocketAddr) {
    loop {
        if let Ok(stream) = connect_from(from, to).await {
            OPENED.fetch_add(1, Ordering::Relaxed);
            let _ = stream.readable().await;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn connect_from(from: Ipv4Addr, to: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    socket.connect(to).await
}
