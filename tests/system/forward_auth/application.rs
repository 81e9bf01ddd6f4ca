//! An application without a sign-in of its own: it answers with what it was sent, and echoes what comes over an upgraded connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A running application. It ends with the test.
pub(super) struct Application {
    pub(super) port: u16,
    requests: Arc<AtomicUsize>,
}

impl Application {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&requests);
        #[expect(
            clippy::disallowed_methods,
            reason = "the application of a test, which ends with it"
        )]
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let counter = Arc::clone(&counter);
                #[expect(
                    clippy::disallowed_methods,
                    reason = "a connection of a test, which ends with it"
                )]
                tokio::spawn(async move { serve(stream, &counter).await });
            }
        });
        Self { port, requests }
    }

    /// The number of requests that reached it.
    pub(super) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

/// Serves one connection until it ends.
async fn serve(stream: TcpStream, counter: &AtomicUsize) -> Option<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.ok()? == 0 {
                return None;
            }
            match line.trim_end() {
                "" => break,
                line => lines.push(line.to_owned()),
            }
        }
        counter.fetch_add(1, Ordering::SeqCst);
        let headers: Vec<(String, String)> = lines
            .iter()
            .skip(1)
            .filter_map(|line| {
                let (name, value) = line.split_once(':')?;
                Some((name.to_owned(), value.trim().to_owned()))
            })
            .collect();
        let value_of = |name: &str| {
            let found = headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.as_str())
        };
        if value_of("upgrade").is_some_and(|to| to.eq_ignore_ascii_case("websocket")) {
            let switch =
                "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
            stream.write_all(switch.as_bytes()).await.ok()?;
            let (mut read, mut write) = tokio::io::split(stream);
            tokio::io::copy(&mut read, &mut write).await.ok()?;
            return None;
        }
        let length: usize = value_of("content-length")
            .and_then(|text| text.parse().ok())
            .unwrap_or(0);
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.ok()?;
        let answer = json!({ "request": lines[0], "headers": headers, "body_bytes": body.len() }).to_string();
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            answer.len()
        );
        stream.write_all(head.as_bytes()).await.ok()?;
        stream.write_all(answer.as_bytes()).await.ok()?;
    }
}

/// The values of all headers that an application may take for `name`: with any case, and with any sign in place of the hyphen.
pub(super) fn values_like(answer: &Value, name: &str) -> Vec<String> {
    let folded = |name: &str| -> String {
        let letter = |c: char| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '-'
            }
        };
        name.chars().map(letter).collect()
    };
    let headers = answer["headers"].as_array().unwrap().iter();
    headers
        .filter(|header| folded(header[0].as_str().unwrap()) == name)
        .map(|header| header[1].as_str().unwrap().to_owned())
        .collect()
}
