//! Fault proxy: a TCP proxy that cuts, holds, delays, resets or restores a connection between two services.

#![expect(clippy::expect_used, reason = "a test that cannot start must say why")]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The state of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Passage {
    /// Bytes pass.
    Open,
    /// Connections are closed, also new ones, like those of a dead process.
    Cut,
    /// Connections are accepted and nothing passes, like those of a hanging peer.
    Held,
    /// Requests pass, and responses are dropped.
    ResponsesDropped,
}

#[derive(Clone, Copy, Debug)]
struct Line {
    passage: Passage,
    /// The delay of bytes, in each direction.
    delay: Duration,
    /// A counter that increases when connections are to be reset.
    resets: u64,
}

/// A proxy on a port of its own, in front of one target. It ends when it is dropped.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    line: Arc<watch::Sender<Line>>,
    #[expect(dead_code, reason = "ends the tasks when dropped")]
    tasks: JoinSet<()>,
}

impl FaultProxy {
    /// Listens on `port` of this machine and forwards to `target`.
    ///
    /// # Panics
    /// When the port is taken.
    pub async fn start(port: u16, target: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .expect("the proxy's port");
        Self::on(listener, target)
    }

    /// Forwards connections of `listener` to `target`, for targets that need the port of the proxy before they start.
    ///
    /// # Panics
    /// The listener has no address.
    pub fn on(listener: TcpListener, target: SocketAddr) -> Self {
        let address = listener.local_addr().expect("the proxy's address");
        let line = Arc::new(watch::Sender::new(Line {
            passage: Passage::Open,
            delay: Duration::ZERO,
            resets: 0,
        }));
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, target, Arc::clone(&line)));
        Self { address, line, tasks }
    }

    /// The address of the proxy.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes every connection, also new ones.
    pub fn cut(&self) {
        self.line.send_modify(|line| line.passage = Passage::Cut);
    }

    /// Keeps connections open and forwards nothing.
    pub fn hold(&self) {
        self.line.send_modify(|line| line.passage = Passage::Held);
    }

    /// Forwards requests and drops responses, as when a confirmation never arrives.
    pub fn drop_responses(&self) {
        self.line
            .send_modify(|line| line.passage = Passage::ResponsesDropped);
    }

    /// Resets every open connection (RST). New ones are not affected.
    pub fn reset(&self) {
        self.line.send_modify(|line| line.resets += 1);
    }

    /// Delays every byte from now on.
    pub fn delay(&self, by: Duration) {
        self.line.send_modify(|line| line.delay = by);
    }

    /// Restores the line. Connections that have lost bytes are reset.
    pub fn restore(&self) {
        self.line.send_modify(|line| {
            line.resets += u64::from(line.passage == Passage::ResponsesDropped);
            line.passage = Passage::Open;
            line.delay = Duration::ZERO;
        });
    }
}

async fn accept(listener: TcpListener, target: SocketAddr, line: Arc<watch::Sender<Line>>) {
    // Dropping this task closes every connection.
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        if line.borrow().passage != Passage::Cut {
            connections.spawn(connection(client, target, line.subscribe()));
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn connection(mut client: TcpStream, target: SocketAddr, line: watch::Receiver<Line>) {
    let resets = line.borrow().resets;
    let Ok(mut server) = TcpStream::connect(target).await else {
        return;
    };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let mut watched = line.clone();
    let reset = {
        let (client_in, client_out) = client.split();
        let (server_in, server_out) = server.split();
        tokio::select! {
            line = watched.wait_for(|line| line.passage == Passage::Cut || line.resets != resets) => {
                line.is_ok_and(|line| line.resets != resets)
            }
            () = both(
                copy(client_in, server_out, line.clone(), false),
                copy(server_in, client_out, line, true),
            ) => false,
        }
    };
    if reset {
        let _ = (client.set_zero_linger(), server.set_zero_linger());
    }
}

async fn both(one: impl Future<Output = ()>, other: impl Future<Output = ()>) {
    tokio::join!(one, other);
}

async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut line: watch::Receiver<Line>,
    answers: bool,
) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let Ok(count @ 1..) = from.read(&mut buffer).await else {
            let _ = to.shutdown().await;
            return;
        };
        let passes = |line: &Line| matches!(line.passage, Passage::Open | Passage::ResponsesDropped);
        let Ok(now) = line.wait_for(passes).await.map(|line| *line) else {
            return;
        };
        if answers && now.passage == Passage::ResponsesDropped {
            continue;
        }
        if !now.delay.is_zero() {
            tokio::time::sleep(now.delay).await;
        }
        let Some(bytes) = buffer.get(..count) else {
            return;
        };
        if to.write_all(bytes).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn echo_server() -> (SocketAddr, JoinSet<()>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                open.spawn(async move {
                    let (mut reader, mut writer) = stream.split();
                    let _ = tokio::io::copy(&mut reader, &mut writer).await;
                });
            }
        });
        (address, tasks)
    }

    #[tokio::test]
    async fn a_line_passes_is_cut_and_passes_again() {
        let (target, _server) = echo_server().await;
        let proxy = FaultProxy::start(0, target).await;
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        let mut answer = [0; 4];
        stream.write_all(b"ping").await.unwrap();
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"ping");

        proxy.cut();
        assert_eq!(
            stream.read(&mut answer).await.unwrap_or(0),
            0,
            "the connection is closed"
        );
        let mut refused = TcpStream::connect(proxy.address()).await.unwrap();
        assert_eq!(
            refused.read(&mut answer).await.unwrap_or(0),
            0,
            "a new one is closed too"
        );

        proxy.restore();
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        stream.write_all(b"pong").await.unwrap();
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"pong");
    }

    #[tokio::test]
    async fn a_held_line_delivers_once_it_is_restored() {
        let (target, _server) = echo_server().await;
        let proxy = FaultProxy::start(0, target).await;
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        proxy.hold();
        stream.write_all(b"wait").await.unwrap();
        let mut answer = [0; 4];
        {
            let early = std::pin::pin!(stream.read(&mut answer));
            let mut early = early;
            assert!(
                futures_pending(&mut early).await,
                "nothing passes while the line is held"
            );
        }
        proxy.restore();
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"wait");
    }

    #[tokio::test]
    async fn a_reset_ends_connections_with_an_error_and_new_ones_pass() {
        let (target, _server) = echo_server().await;
        let proxy = FaultProxy::start(0, target).await;
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        let mut answer = [0; 4];
        stream.write_all(b"ping").await.unwrap();
        stream.read_exact(&mut answer).await.unwrap();
        proxy.reset();
        let error = stream.read(&mut answer).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        stream.write_all(b"pong").await.unwrap();
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"pong");
    }

    #[tokio::test]
    async fn a_deaf_line_delivers_and_loses_the_answer() {
        let (target, _server) = echo_server().await;
        let proxy = FaultProxy::start(0, target).await;
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        proxy.drop_responses();
        stream.write_all(b"lost").await.unwrap();
        let mut answer = [0; 4];
        {
            let mut early = std::pin::pin!(stream.read(&mut answer));
            assert!(futures_pending(&mut early).await, "no answer comes");
        }
        proxy.restore();
        let error = stream.read(&mut answer).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    }

    /// True if `future` is still pending after the other tasks have had their turns.
    async fn futures_pending<F: Future + Unpin>(future: &mut F) -> bool {
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        std::future::poll_fn(|context| {
            std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(context).is_pending())
        })
        .await
    }
}
