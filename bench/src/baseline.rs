//! The baseline: a bare handler on hyper and tokio that returns one line of text. It is the lower bound of the cost.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Result;
use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use testkit::{Process, Program};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Serves until it is killed.
pub(crate) async fn serve(port: u16) -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let handler = service_fn(|_| async {
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"hello\n"))))
        });
        connections.spawn(async move {
            let _ = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), handler)
                .await;
        });
    }
}

/// Starts the bare handler as a process of its own, so that its CPU time is read as that of the services is.
pub(crate) async fn start() -> Result<(Process, SocketAddr)> {
    let port = testkit::free_port();
    let log = std::env::temp_dir().join(format!("vestibule-bench-{}.log", std::process::id()));
    let process = Process::start(Program {
        name: "baseline",
        path: std::env::current_exe()?,
        arguments: vec!["--baseline".into(), port.to_string().into()],
        environment: Vec::new(),
        folder: std::env::temp_dir(),
        log,
    });
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    testkit::eventually("the bare handler listens", async || {
        TcpStream::connect(address).await.ok()
    })
    .await;
    Ok((process, address))
}
