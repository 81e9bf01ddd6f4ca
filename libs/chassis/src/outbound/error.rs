//! Why a call was not made, or had no answer.

use std::error::Error as StdError;
use std::net::IpAddr;

/// Why an address may not be called.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Neither `https`, nor `http` to an allowed network.
    #[error("only https is called; http only in a network that the configuration allows")]
    Scheme,
    /// A user name or password stands in the URL.
    #[error("a URL that is called may not hold a user name or a password")]
    UserInfo,
    /// There is nothing to call.
    #[error("the URL has no host")]
    NoHost,
    /// A part that never reaches the other side.
    #[error("a URL that is called may not have a fragment")]
    Fragment,
    /// Not one of the ports that may be called.
    #[error("port {0} is not called; only in a network that the configuration allows")]
    Port(u16),
    /// The host is, or its name has, an address that is not on the public internet.
    #[error("{0} is not a public address, and no network that the configuration allows")]
    Address(IpAddr),
    /// A public address, but over http or at a port that is not usual.
    #[error("{0} is called over https and at a usual port only")]
    Unusual(IpAddr),
}

/// Why there is no answer. No message holds the path or the query of the URL.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutboundError {
    /// The address may not be called.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The name has no address.
    #[error("the name of the host cannot be resolved")]
    Unresolved,
    /// It took too long.
    #[error("no answer in time")]
    Timeout,
    /// The answer is longer than it may be.
    #[error("the answer has more than {limit} bytes")]
    TooLarge {
        /// How many bytes it may have.
        limit: usize,
    },
    /// No connection, a certificate that is not trusted, or a broken answer.
    #[error("the call failed: {0}")]
    Failed(String),
}

impl OutboundError {
    /// Finds what lies below the client's error.
    pub(super) fn from_client(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let mut cause: Option<&(dyn StdError + 'static)> = Some(&error);
        let mut innermost = error.to_string();
        while let Some(current) = cause {
            if let Some(refusal) = current.downcast_ref::<Refusal>() {
                return Self::Refused(refusal.clone());
            }
            if current.is::<Unresolved>() {
                return Self::Unresolved;
            }
            innermost = current.to_string();
            cause = current.source();
        }
        if error.is_timeout() {
            return Self::Timeout;
        }
        Self::Failed(innermost)
    }
}

/// The resolver's own error, to be found again below the client's.
#[derive(Debug, thiserror::Error)]
#[error("the name of the host cannot be resolved")]
pub(super) struct Unresolved;
