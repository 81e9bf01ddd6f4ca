//! Policy of outbound calls: which URLs and addresses may be called.

use std::net::IpAddr;

use url::{Host, Url};

use super::error::Refusal;
use super::public::is_public;
use crate::network::Network;

/// The policy of outbound calls: the public internet over https at usual ports, and everything in `allow`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Networks that may be called although they are not public, also over http and at any port. They are meant for
    /// development and for one's own receivers.
    pub allow: Vec<Network>,
    /// The ports that may be called on the public internet.
    pub ports: Vec<u16>,
}

/// The addresses that a URL may lead to, decided by its scheme and port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strictness {
    /// https at a usual port: to public addresses and allowed ones.
    Public,
    /// http, or an unusual port: to allowed addresses only.
    AllowedOnly,
}

impl Policy {
    /// Classifies a URL. An address in it is checked at once, a name when it is resolved.
    pub(super) fn classify(&self, url: &Url) -> Result<Strictness, Refusal> {
        let usual_scheme = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return Err(Refusal::Scheme),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::UserInfo);
        }
        if url.fragment().is_some() {
            return Err(Refusal::Fragment);
        }
        let port = url.port_or_known_default().ok_or(Refusal::NoHost)?;
        let usual_port = self.ports.contains(&port);
        let strictness = match usual_scheme && usual_port {
            true => Strictness::Public,
            false => Strictness::AllowedOnly,
        };
        let address = match url.host().ok_or(Refusal::NoHost)? {
            Host::Domain(_) if self.allow.is_empty() => None,
            Host::Domain(_) => return Ok(strictness),
            Host::Ipv4(address) => Some(IpAddr::V4(address)),
            Host::Ipv6(address) => Some(IpAddr::V6(address)),
        };
        if address.is_some_and(|address| self.allows(address)) {
            return Ok(strictness);
        }
        // The error names the scheme or port, rather than the address that would be refused later.
        if !usual_scheme {
            return Err(Refusal::Scheme);
        }
        if !usual_port {
            return Err(Refusal::Port(port));
        }
        match address {
            Some(address) => self.check(address, strictness).map(|()| strictness),
            None => Ok(strictness),
        }
    }

    /// Checks every address of a name. One forbidden address refuses the name.
    pub(super) fn check_all(&self, found: &[IpAddr], strictness: Strictness) -> Result<(), Refusal> {
        found
            .iter()
            .try_for_each(|address| self.check(*address, strictness))
    }

    fn check(&self, address: IpAddr, strictness: Strictness) -> Result<(), Refusal> {
        if self.allows(address) {
            return Ok(());
        }
        match (is_public(address), strictness) {
            (true, Strictness::Public) => Ok(()),
            (true, Strictness::AllowedOnly) => Err(Refusal::Unusual(address)),
            (false, _) => Err(Refusal::Address(address)),
        }
    }

    fn allows(&self, address: IpAddr) -> bool {
        self.allow.iter().any(|network| network.contains(address))
    }
}
