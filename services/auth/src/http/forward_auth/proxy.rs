//! The permission of the endpoints for proxies: the sender is one of `listen.trusted_proxies`.

use axum::extract::{FromRef, FromRequestParts};
use chassis::http::{Peer, Problem};
use http::StatusCode;
use http::request::Parts;

use crate::protected_hosts::{ProtectedHosts, Refusal};

/// A request from a trusted proxy, whose headers are believed (SB-33).
#[derive(Clone, Copy, Debug)]
pub(crate) struct TrustedProxy;

impl<S: Send + Sync> FromRequestParts<S> for TrustedProxy
where
    ProtectedHosts: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let peer = parts.extensions.get::<Peer>();
        let is_trusted = |peer: &Peer| {
            let ip = peer.address.ip().to_canonical();
            peer.trusted.iter().any(|network| network.contains(ip))
        };
        if peer.is_some_and(is_trusted) {
            return Ok(Self);
        }
        let detail = match peer {
            Some(peer) => format!(
                "{} is not in listen.trusted_proxies",
                peer.address.ip().to_canonical()
            ),
            None => "the sender is not known".to_owned(),
        };
        ProtectedHosts::from_ref(state).record_refusal(Refusal::Sender, &detail);
        metrics::counter!("vestibule_forward_auth_requests_total", "outcome" => "rejected").increment(1);
        let title = "Only trusted proxies are answered here";
        Err(Problem::new(StatusCode::FORBIDDEN, "untrusted-proxy", title)
            .detail("The configuration names no such proxy in listen.trusted_proxies."))
    }
}
