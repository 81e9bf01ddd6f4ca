//! Network identity of a client: its address behind trusted proxies, and its user agent.

use std::borrow::Cow;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use ::http::HeaderMap;
use ::http::header::{HeaderName, USER_AGENT};
use ::http::request::Parts;
use axum::extract::FromRequestParts;

use crate::network::Network;

/// The peer of a connection, which [`crate::server`] adds to every request.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Its address.
    pub address: SocketAddr,
    /// True if the connection is encrypted here.
    pub tls: bool,
    /// Proxies whose `X-Forwarded-For` is trusted.
    pub trusted: Arc<[Network]>,
}

/// The client of a request. `ip` is `None` only without a connection, in tests of a router.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientInfo {
    /// Its address: that of the connection, or of the first hop that is not a trusted proxy.
    pub ip: Option<IpAddr>,
    /// `User-Agent`, at most 256 characters, without control characters; invalid UTF-8 becomes U+FFFD.
    pub user_agent: Option<String>,
}

const MAX_USER_AGENT_CHARS: usize = 256;

impl<S: Send + Sync> FromRequestParts<S> for ClientInfo {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self {
            ip: parts
                .extensions
                .get::<Peer>()
                .map(|peer| client_ip(peer, &parts.headers)),
            user_agent: user_agent(&parts.headers),
        })
    }
}

fn user_agent(headers: &HeaderMap) -> Option<String> {
    let text = String::from_utf8_lossy(headers.get(USER_AGENT)?.as_bytes());
    Some(
        text.chars()
            .filter(|c| !c.is_control())
            .take(MAX_USER_AGENT_CHARS)
            .collect(),
    )
}

/// The address of the client. Reads `X-Forwarded-For` from its end, where the nearest proxy wrote, while the writer is
/// trusted: the client may have forged the entries further left.
pub(crate) fn client_ip(peer: &Peer, headers: &HeaderMap) -> IpAddr {
    let trusted = |ip: IpAddr| peer.trusted.iter().any(|network| network.contains(ip));
    let mut client = peer.address.ip().to_canonical();
    // Bytes that are not text are the client's: what a proxy wrote after them still counts.
    let values: Vec<Cow<'_, str>> = headers
        .get_all(HeaderName::from_static("x-forwarded-for"))
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
        .collect();
    for hop in values.iter().rev().flat_map(|value| value.rsplit(',')) {
        if !trusted(client) {
            break;
        }
        let Some(ip) = parse_hop(hop.trim()) else { break };
        client = ip;
    }
    client
}

/// Parses an address as proxies write it, with or without a port.
fn parse_hop(text: &str) -> Option<IpAddr> {
    let ip = text
        .parse::<IpAddr>()
        .or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()));
    ip.ok().map(|ip| ip.to_canonical())
}
