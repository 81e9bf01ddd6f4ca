//! Errors of outbound calls.

use std::net::IpAddr;

use crate::telemetry::{find_cause, root_cause};

/// An address may not be called.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Neither `https`, nor `http` to an allowed network.
    #[error("only https is called; http only in a network that the configuration allows")]
    Scheme,
    /// The URL contains a user name or password.
    #[error("a URL that is called may not hold a user name or a password")]
    UserInfo,
    /// The URL has no host.
    #[error("the URL has no host")]
    NoHost,
    /// The URL has a fragment, which is never sent.
    #[error("a URL that is called may not have a fragment")]
    Fragment,
    /// The port is not allowed.
    #[error("port {0} is not called; only in a network that the configuration allows")]
    Port(u16),
    /// The host is or resolves to an address that is not public.
    #[error("{0} is not a public address, and no network that the configuration allows")]
    Address(IpAddr),
    /// The address is public, but the URL has http or an unusual port.
    #[error("{0} is called over https and at a usual port only")]
    Unusual(IpAddr),
}

/// A call without a response. No message contains the path or the query of the URL.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutboundError {
    /// The address may not be called.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The name cannot be resolved.
    #[error("the name of the host cannot be resolved")]
    Unresolved,
    /// There is no response in time.
    #[error("no answer in time")]
    Timeout,
    /// The response is too long.
    #[error("the answer has more than {limit} bytes")]
    TooLarge {
        /// The maximum number of bytes.
        limit: usize,
    },
    /// The connection failed, the certificate is not trusted, or the response is broken.
    #[error("the call failed: {0}")]
    Failed(String),
}

impl OutboundError {
    /// Finds the cause of the HTTP client's error.
    pub(super) fn from_client(error: reqwest::Error) -> Self {
        let error = error.without_url();
        if let Some(refusal) = find_cause::<Refusal>(&error) {
            Self::Refused(refusal.clone())
        } else if find_cause::<Unresolved>(&error).is_some() {
            Self::Unresolved
        } else if error.is_timeout() {
            Self::Timeout
        } else {
            Self::Failed(root_cause(&error))
        }
    }
}

/// The error of the resolver, which [`OutboundError::from_client`] finds among the causes.
#[derive(Debug, thiserror::Error)]
#[error("the name of the host cannot be resolved")]
pub(super) struct Unresolved;
