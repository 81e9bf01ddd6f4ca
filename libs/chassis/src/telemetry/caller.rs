//! The caller of the current request, as a task-local value for audit log lines (SB-52).

use std::future::Future;
use std::net::IpAddr;
use std::sync::OnceLock;

tokio::task_local! {
    static CALLER: Caller;
}

/// The log fields that name the caller of a request in its audit lines.
#[derive(Clone, Copy, Debug)]
pub struct CallerFields {
    /// The field of the claim `sub` of the access token.
    pub subject: &'static str,
    /// The field of the claim `client_id` of the access token.
    pub client: &'static str,
}

/// The caller of a request: its address, and the holder of its access token once the token was verified.
#[derive(Debug)]
pub(crate) struct Caller {
    ip: Option<IpAddr>,
    holder: OnceLock<TokenHolder>,
}

#[derive(Debug)]
struct TokenHolder {
    /// `sub` of the token (RFC 9068 §2.2).
    subject: String,
    /// `client_id` of the token.
    client: String,
}

impl Caller {
    /// A caller of which only the address is known.
    pub(crate) fn at(ip: Option<IpAddr>) -> Self {
        Self {
            ip,
            holder: OnceLock::new(),
        }
    }

    /// Runs `future` on behalf of this caller. Audit log lines of the future name the caller.
    pub(crate) fn scope<F: Future>(self, future: F) -> impl Future<Output = F::Output> {
        CALLER.scope(self, future)
    }
}

/// Records the holder of the token of the current request: the `sub` and the `client_id` of an access token, or what a service
/// that issues other tokens itself has in their place.
pub fn set_token_holder(subject: &str, client: &str) {
    let _ = CALLER.try_with(|caller| {
        caller.holder.get_or_init(|| TokenHolder {
            subject: subject.to_owned(),
            client: client.to_owned(),
        });
    });
}

/// The log fields that describe the caller: their names and values.
pub(super) fn fields(names: CallerFields) -> Vec<(&'static str, String)> {
    let known = CALLER.try_with(|caller| {
        let ip = caller.ip.map(|ip| ("client.ip", ip.to_string()));
        let holder = caller.holder.get().into_iter().flat_map(|holder| {
            [
                (names.subject, holder.subject.clone()),
                (names.client, holder.client.clone()),
            ]
        });
        ip.into_iter().chain(holder).collect()
    });
    known.unwrap_or_default()
}
