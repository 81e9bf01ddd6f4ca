//! Who sent the request at hand, for the lines about what it did (SB-52).

use std::future::Future;
use std::net::IpAddr;
use std::sync::OnceLock;

tokio::task_local! {
    static CALLER: Caller;
}

/// The sender of a request: its address at once, the holder of its access token when that was verified.
#[derive(Debug)]
pub(crate) struct Caller {
    ip: Option<IpAddr>,
    holder: OnceLock<TokenHolder>,
}

#[derive(Debug)]
struct TokenHolder {
    /// `sub` of the token: a person, or a client that acts for itself.
    subject: String,
    /// `client_id` of the token.
    client: String,
}

impl Caller {
    /// A sender of whom nothing is known but the address.
    pub(crate) fn at(ip: Option<IpAddr>) -> Self {
        Self {
            ip,
            holder: OnceLock::new(),
        }
    }

    /// Runs `future` as the work of this sender: its lines with an `event.action` of people and their rights say who it
    /// is.
    pub(crate) fn scope<F: Future>(self, future: F) -> impl Future<Output = F::Output> {
        CALLER.scope(self, future)
    }
}

/// Notes who holds the access token of the request at hand.
pub(crate) fn set_token_holder(subject: &str, client: &str) {
    let _ = CALLER.try_with(|caller| {
        caller.holder.get_or_init(|| TokenHolder {
            subject: subject.to_owned(),
            client: client.to_owned(),
        });
    });
}

/// What a line says of the sender: names of fields and their values.
pub(super) fn fields() -> Vec<(&'static str, String)> {
    let known = CALLER.try_with(|caller| {
        let ip = caller.ip.map(|ip| ("client.ip", ip.to_string()));
        let holder = caller.holder.get().into_iter().flat_map(|holder| {
            [
                ("user.id", holder.subject.clone()),
                ("actor.client.id", holder.client.clone()),
            ]
        });
        ip.into_iter().chain(holder).collect()
    });
    known.unwrap_or_default()
}
