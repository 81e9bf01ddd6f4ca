//! A load generator: a few keep-alive connections, each of which sends one request after the other.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Enough to keep two cores busy, few enough that queueing does not hide the cost of a request.
const CONNECTIONS: usize = 8;

/// A keep-alive connection.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    #[expect(dead_code, reason = "drives the connection until dropped")]
    driver: JoinSet<()>,
    host: String,
}

/// A response.
pub(crate) struct Response {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// A request that can be sent many times.
#[derive(Clone, Debug, Default)]
pub(crate) struct PreparedRequest {
    pub(crate) method: http::Method,
    pub(crate) path: String,
    pub(crate) headers: Vec<(header::HeaderName, String)>,
    pub(crate) body: String,
}

impl PreparedRequest {
    pub(crate) fn get(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            ..Self::default()
        }
    }

    pub(crate) fn post(path: &str, content_type: &str, body: String) -> Self {
        let headers = vec![(header::CONTENT_TYPE, content_type.to_owned())];
        Self {
            method: http::Method::POST,
            path: path.to_owned(),
            headers,
            body,
        }
    }

    pub(crate) fn with(mut self, name: header::HeaderName, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        Self::over(TcpStream::connect(address).await?, address).await
    }

    /// On a stream to `address`.
    pub(crate) async fn over(stream: TcpStream, address: SocketAddr) -> Result<Self> {
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        let mut driver = JoinSet::new();
        driver.spawn(async move {
            let _ = connection.await;
        });
        Ok(Self {
            sender,
            driver,
            host: format!("localhost:{}", address.port()),
        })
    }

    pub(crate) async fn send(&mut self, call: &PreparedRequest) -> Result<Response> {
        let mut request = Request::builder()
            .method(&call.method)
            .uri(&call.path)
            .header(header::HOST, &self.host);
        for (name, value) in &call.headers {
            request = request.header(name, value);
        }
        self.sender.ready().await?;
        let answer = self
            .sender
            .send_request(request.body(Full::new(Bytes::from(call.body.clone())))?)
            .await?;
        let (parts, body) = answer.into_parts();
        Ok(Response {
            status: parts.status,
            headers: parts.headers,
            body: body.collect().await?.to_bytes(),
        })
    }

    /// Sends a call that must succeed.
    pub(crate) async fn ok(&mut self, call: &PreparedRequest) -> Result<Response> {
        let answer = self.send(call).await?;
        ensure!(
            answer.status.is_success() || answer.status.is_redirection(),
            "{} {}: {} {}",
            call.method,
            call.path,
            answer.status,
            String::from_utf8_lossy(&answer.body)
        );
        Ok(answer)
    }
}

/// Sends `call` `count` times over a few connections.
pub(crate) async fn repeat(address: SocketAddr, call: &PreparedRequest, count: usize) -> Result<()> {
    let mut workers = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let call = call.clone();
        workers.spawn(async move {
            let mut connection = Connection::open(address).await?;
            for _ in 0..count.div_ceil(CONNECTIONS) {
                connection.ok(&call).await?;
            }
            Ok(())
        });
    }
    finish(workers).await
}

/// Sends `calls` in turn over `connections` connections until `limit` has passed; how many were answered in time.
pub(crate) async fn flood(
    address: SocketAddr,
    calls: &[PreparedRequest],
    connections: usize,
    limit: Duration,
) -> Result<usize> {
    let end = Instant::now() + limit;
    let mut workers: JoinSet<Result<usize>> = JoinSet::new();
    for number in 0..connections {
        let mut calls: Vec<PreparedRequest> = calls.to_vec();
        let length = calls.len().max(1);
        calls.rotate_left(number % length);
        workers.spawn(async move {
            let mut connection = Connection::open(address).await?;
            let mut answered = 0;
            for call in calls.iter().cycle() {
                if Instant::now() >= end {
                    break;
                }
                connection.ok(call).await?;
                answered += usize::from(Instant::now() < end);
            }
            Ok(answered)
        });
    }
    let mut total = 0;
    while let Some(worker) = workers.join_next().await {
        total += worker??;
    }
    Ok(total)
}

/// The latencies of `count` calls on one connection, one every `pace`, in order of size.
pub(crate) async fn latencies(
    address: SocketAddr,
    call: &PreparedRequest,
    count: usize,
    pace: Duration,
) -> Result<Vec<Duration>> {
    let mut connection = Connection::open(address).await?;
    let mut tick = tokio::time::interval(pace);
    let mut found = Vec::with_capacity(count);
    for _ in 0..count {
        tick.tick().await;
        let start = Instant::now();
        connection.ok(call).await?;
        found.push(start.elapsed());
    }
    found.sort_unstable();
    Ok(found)
}

/// The value below which `percent` of the sorted values lie.
pub(crate) fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let index = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(index).copied().unwrap_or_default()
}

async fn finish(mut workers: JoinSet<Result<()>>) -> Result<()> {
    while let Some(worker) = workers.join_next().await {
        worker??;
    }
    Ok(())
}
