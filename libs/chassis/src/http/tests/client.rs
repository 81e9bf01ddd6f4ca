//! Tests of the client's address behind trusted proxies.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use ::http::Request;

use crate::http::*;

async fn client_of(peer: &str, forwarded: &[&str]) -> IpAddr {
    let mut request = Request::get("/").header("user-agent", "curl/8");
    for value in forwarded {
        request = request.header("x-forwarded-for", value.as_bytes());
    }
    let (mut parts, ()) = request.body(()).unwrap().into_parts();
    parts.extensions.insert(Peer {
        address: SocketAddr::new(peer.parse().unwrap(), 1),
        tls: false,
        trusted: Arc::new(["10.0.0.0/8".parse().unwrap(), "2001:db8::/32".parse().unwrap()]),
    });
    let Ok(client) =
        <ClientInfo as axum::extract::FromRequestParts<()>>::from_request_parts(&mut parts, &()).await;
    assert_eq!(client.user_agent.as_deref(), Some("curl/8"));
    client.ip.unwrap()
}

// SB-33
#[tokio::test]
async fn only_trusted_proxies_say_who_the_client_is() {
    for (peer, forwarded, expected) in [
        ("192.0.2.1", &[][..], "192.0.2.1"),
        ("192.0.2.1", &["198.51.100.1"], "192.0.2.1"),
        ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", &["6.6.6.6, 198.51.100.1, 10.9.9.9"], "198.51.100.1"),
        ("10.0.0.1", &["6.6.6.6", "198.51.100.1:4711"], "198.51.100.1"),
        ("10.0.0.1", &["198.51.100.1, nonsense"], "10.0.0.1"),
        // Bytes that are no ASCII do not make what the proxy wrote behind them unread.
        ("10.0.0.1", &["\u{e9}, 198.51.100.1"], "198.51.100.1"),
        ("::ffff:10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
        ("2001:db8::1", &["[2001:db9::5]:80"], "2001:db9::5"),
    ] {
        assert_eq!(
            client_of(peer, forwarded).await,
            expected.parse::<IpAddr>().unwrap(),
            "{peer} {forwarded:?}"
        );
    }
}
