//! What a stranger costs: the CPU time of the worst request of each route, and what other clients feel of ten thousand
//! sockets that say nothing.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::Result;
use http::header;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use testkit::Stack;
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

use crate::load::{Call, Connection, percentile};
use crate::process::cpu_time;
use crate::report::{Figure, Report, micros};
use crate::requests::{FORM, address};

const SOCKETS: u32 = 10_000;
/// Nearly all of what headers may have.
const LONG: usize = 12_000;
/// As much as anybody's body may have.
const BODY: usize = 16 * 1024;

pub(crate) async fn measure(report: &mut Report, scale: u32) -> Result<()> {
    // Of this process and of the services, which inherit it.
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let current = Some(maximum.map_or(65_536, |most| most.min(65_536)));
    setrlimit(Resource::Nofile, Rlimit { current, maximum })?;
    let stack = Stack::start().await;
    let count = usize::try_from(scale * 5).unwrap_or_default().max(20);
    worst(report, &stack, count).await?;
    silent(report, &stack, count).await
}

/// CPU time of one of `count` requests of each kind. What the answer says does not matter: most are refused.
async fn worst(report: &mut Report, stack: &Stack, count: usize) -> Result<()> {
    let auth = (stack.auth.id(), address(&stack.auth_url(""))?);
    let users = (stack.users.id(), address(&stack.users_url(""))?);
    for (name, of_auth, call) in requests() {
        let (process, address) = if of_auth { auth } else { users };
        let mut connection = Connection::open(address).await?;
        let before = cpu_time(process)?;
        for _ in 0..count {
            // A refusal may end the connection.
            if connection.send(&call).await.is_err() {
                connection = Connection::open(address).await?;
            }
        }
        let used = cpu_time(process)?.saturating_sub(before);
        let each = used / u32::try_from(count).unwrap_or(u32::MAX);
        report.add(
            "CPU for the worst request of each route",
            Figure::new(&name, micros(each)).aim("≤ 5 ms"),
        );
    }
    Ok(())
}

/// Their names, whether they are for `auth`, and the requests.
fn requests() -> Vec<(String, bool, Call)> {
    let fields: String = (0..BODY / 8).map(|n| format!("a{n:x}=b&")).collect();
    let fields: String = fields.chars().take(BODY).collect();
    let members: Vec<String> = (0..BODY / 14).map(|n| format!("\"a{n:x}\":[[1]]")).collect();
    let json = format!("{{{}}}", members.join(","));
    let long = "%61".repeat(LONG / 3);
    let segments = ["a".repeat(LONG / 3), "b".repeat(LONG / 3), "c".repeat(LONG / 3)];
    let bearer = format!("Bearer {}", segments.join("."));
    let cookies = "a=b; ".repeat(LONG / 5);
    let mut requests = Vec::new();
    for path in [
        "/login",
        "/register",
        "/oauth2/token",
        "/oauth2/introspect",
        "/oauth2/revoke",
        "/oauth2/logout",
    ] {
        let call = Call::post(path, FORM, fields.clone());
        requests.push((format!("`POST {path}`, a form of short names"), true, call));
    }
    let call = Call::post("/authenticate", "application/json", json);
    requests.push(("`POST /authenticate`, many members".to_owned(), true, call));
    let call = Call::get(&format!("/oauth2/authorize?client_id={long}"));
    requests.push(("`GET /oauth2/authorize`, a long query".to_owned(), true, call));
    let call = Call::get("/login").with(header::COOKIE, cookies);
    requests.push(("`GET /login`, many cookies".to_owned(), true, call));
    for (path, of_auth) in [("/oauth2/userinfo", true), ("/user", false)] {
        let call = Call::get(path).with(header::AUTHORIZATION, bearer.clone());
        requests.push((format!("`GET {path}`, a long token"), of_auth, call));
    }
    let filter = format!("/scim/v2/Users?filter={}", "(".repeat(LONG));
    requests.push((
        "`GET /scim/v2/Users`, a deep filter".to_owned(),
        false,
        Call::get(&filter),
    ));
    requests
}

/// The latency of other clients, each of whom connects anew, without and with silent sockets: of one source, and of forty.
async fn silent(report: &mut Report, stack: &Stack, count: usize) -> Result<()> {
    let to = address(&stack.auth_url(""))?;
    for (name, sources) in [
        ("without silent sockets", 0),
        ("beside 10,000 silent sockets of one source", 1),
        ("beside 10,000 silent sockets of 40 sources", 40),
    ] {
        let mut kept = JoinSet::new();
        for source in 0..sources {
            for _ in 0..SOCKETS / sources {
                kept.spawn(keep_silent(
                    Ipv4Addr::new(127, 1, 0, u8::try_from(source + 1)?),
                    to,
                ));
            }
        }
        // Time for the first of them to be there; the rest follow while others are served.
        tokio::time::sleep(Duration::from_secs(u64::from(sources > 0) * 5)).await;
        let mut found = Vec::with_capacity(count);
        for _ in 0..count {
            let start = Instant::now();
            let mut connection = Connection::open(to).await?;
            connection.ok(&Call::get("/oauth2/jwks")).await?;
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
    }
    Ok(())
}

/// A socket that says nothing, and that is opened again a second after the service has closed it.
async fn keep_silent(from: Ipv4Addr, to: SocketAddr) {
    loop {
        if let Ok(stream) = connect_from(from, to).await {
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
