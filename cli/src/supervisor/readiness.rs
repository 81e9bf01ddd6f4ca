//! Readiness of a service: polls `GET /health/ready` on its management port.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

const POLL_INTERVAL: Duration = Duration::from_millis(10);
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Returns when `GET /health/ready` at `management` answers 200.
pub(super) async fn wait_until_ready(management: SocketAddr) {
    loop {
        if let Ok(Ok(true)) = timeout(RESPONSE_TIMEOUT, is_ready(management)).await {
            return;
        }
        sleep(POLL_INTERVAL).await;
    }
}

/// Sends one request. It is written by hand in HTTP/1.1, because a client with TLS and a pool would cost more than the
/// start of the service.
async fn is_ready(management: SocketAddr) -> io::Result<bool> {
    let mut stream = TcpStream::connect(management).await?;
    let request = format!("GET /health/ready HTTP/1.1\r\nHost: {management}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut status = [0; 12];
    stream.read_exact(&mut status).await?;
    Ok(status.ends_with(b" 200"))
}
