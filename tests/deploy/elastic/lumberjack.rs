//! A test double of Logstash, which receives and acknowledges events of Filebeat (Lumberjack protocol, version 2).

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The events received so far.
#[derive(Clone, Default)]
pub(super) struct ReceivedEvents(Arc<Mutex<Vec<Value>>>);

impl ReceivedEvents {
    pub(super) fn events(&self) -> Vec<Value> {
        self.0.lock().unwrap().clone()
    }
}

/// Listens on a port of its own.
#[expect(
    clippy::disallowed_methods,
    reason = "it listens until the test's runtime ends"
)]
pub(super) async fn listen() -> (SocketAddr, ReceivedEvents) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let received = ReceivedEvents::default();
    let sink = received.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, sink.clone()));
        }
    });
    (address, received)
}

async fn serve(mut stream: TcpStream, sink: ReceivedEvents) -> std::io::Result<()> {
    let mut expected = 0;
    let mut seen = 0;
    loop {
        let mut kind = [0; 2];
        stream.read_exact(&mut kind).await?;
        match &kind {
            b"2W" => (expected, seen) = (stream.read_u32().await?, 0),
            b"2J" => {
                let sequence = stream.read_u32().await?;
                let mut text = vec![0; stream.read_u32().await? as usize];
                stream.read_exact(&mut text).await?;
                sink.0.lock().unwrap().push(serde_json::from_slice(&text)?);
                seen += 1;
                if seen == expected {
                    stream.write_all(b"2A").await?;
                    stream.write_u32(sequence).await?;
                }
            }
            other => panic!("an unknown frame: {other:?}"),
        }
    }
}
