//! Asks a service's management port whether it is ready.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

const POLL_INTERVAL: Duration = Duration::from_millis(10);
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Returns when `GET /health/ready` at `management` says 200.
pub(super) async fn wait_until_ready(management: SocketAddr) {
    loop {
        if let Ok(Ok(true)) = timeout(RESPONSE_TIMEOUT, is_ready(management)).await {
            return;
        }
        sleep(POLL_INTERVAL).await;
    }
}

/// One question. Plain HTTP/1.1 by hand: a client with TLS and a pool would cost more than the service's start.
async fn is_ready(management: SocketAddr) -> io::Result<bool> {
    let mut stream = TcpStream::connect(management).await?;
    let request = format!("GET /health/ready HTTP/1.1\r\nHost: {management}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut status = [0; 12];
    stream.read_exact(&mut status).await?;
    Ok(status.ends_with(b" 200"))
}
