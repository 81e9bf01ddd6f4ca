//! What may be called.

use std::net::IpAddr;

use url::{Host, Url};

use super::error::Refusal;
use super::public::is_public;
use crate::http::Network;

/// What may be called: the public internet over https at usual ports, and everything in `allow`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Networks that may be called though they are not public, over http too and at any port. For development, and
    /// for receivers of one's own.
    pub allow: Vec<Network>,
    /// The ports that may be called on the public internet.
    pub ports: Vec<u16>,
}

/// How far a URL may lead, by the way it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strictness {
    /// https at a usual port: to public addresses and allowed ones.
    Public,
    /// http, or an unusual port: to allowed addresses only.
    AllowedOnly,
}

impl Policy {
    /// Judges what is written; an address in it at once, a name when it is resolved.
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
        // Said as it is written, rather than by the address that it would be refused for later.
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

    /// Refuses when one address may not be called: a name that has such an address beside others is up to something.
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
