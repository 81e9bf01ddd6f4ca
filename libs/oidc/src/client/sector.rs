//! Sector of a client with pairwise subject identifiers (OpenID Connect Core §8.1, Registration §5).

use core::net::IpAddr;

use url::{Host, Url};

use super::{ClientMetadata, GrantType, InvalidMetadata};
use crate::redirect_uri::RedirectUri;

impl ClientMetadata {
    /// The sector of the client: the host of its `sector_identifier_uri`, or the one host of its redirect URIs (OpenID Connect Core
    /// §8.1). `None` when these have several, or one that many applications have: a private scheme has none, and every program on a
    /// device has a loopback address.
    pub fn sector(&self) -> Option<String> {
        if let Some(uri) = &self.sector_identifier_uri {
            return host_of(uri.as_url());
        }
        let mut hosts = self.redirect_uris.iter().map(|uri| own_host(uri.as_str()));
        let first = hosts.next()??;
        hosts.all(|other| other.as_ref() == Some(&first)).then_some(first)
    }

    /// True if the document of a `sector_identifier_uri` lists every redirect URI of the client, of which there is one at least (OpenID
    /// Connect Registration §5). It is a JSON array of texts.
    pub fn is_listed_in(&self, document: &[u8]) -> bool {
        let Ok(listed) = serde_json::from_slice::<Vec<String>>(document) else {
            return false;
        };
        let is_listed = |uri: &RedirectUri| listed.iter().any(|known| known == uri.as_str());
        !self.redirect_uris.is_empty() && self.redirect_uris.iter().all(is_listed)
    }

    /// True if the client knows people by the same identifiers when its metadata become `after`.
    pub fn keeps_subjects(&self, after: &Self) -> bool {
        match (self.is_pairwise(), after.is_pairwise()) {
            (false, false) => true,
            (true, true) => self.sector() == after.sector(),
            _ => false,
        }
    }

    /// Checks that a client that nobody vouches for gets pairwise identifiers at hosts of its redirect URIs alone: a client without such a
    /// host learns nothing from a registration that names it. A code goes there and nowhere else; a device code, a logout token at
    /// another host, and a code at an address that every program on a device can have do not.
    ///
    /// # Errors
    /// The first member by which identifiers would go elsewhere.
    pub fn check_proof_of_sector(&self) -> Result<(), InvalidMetadata> {
        let refuse = |field, detail| Err(InvalidMetadata { field, detail });
        if !self.is_pairwise() {
            return Ok(());
        }
        if self.grant_types.contains(&GrantType::DeviceCode) {
            return refuse(
                "grant_types",
                "device_code with pairwise subjects is for clients that an administrator registers",
            );
        }
        let hosts: Option<Vec<_>> = self
            .redirect_uris
            .iter()
            .map(|uri| own_host(uri.as_str()))
            .collect();
        let Some(hosts) = hosts else {
            return refuse(
                "redirect_uris",
                "private schemes and loopback addresses with pairwise subjects are for clients that an administrator registers",
            );
        };
        let logout = self.backchannel_logout_uri.as_ref();
        if logout.is_some_and(|uri| own_host(uri.as_str()).is_none_or(|host| !hosts.contains(&host))) {
            return refuse(
                "backchannel_logout_uri",
                "with pairwise subjects: expected the host of one of redirect_uris",
            );
        }
        Ok(())
    }

    /// Checks a change by a client that nobody vouches for: it would learn by its old grants how another sector knows the people who
    /// use it.
    ///
    /// # Errors
    /// The member by which the identifiers would change.
    pub fn check_kept_subjects(&self, after: &Self) -> Result<(), InvalidMetadata> {
        let refuse = |field, detail| Err(InvalidMetadata { field, detail });
        if self.keeps_subjects(after) {
            Ok(())
        } else if self.subject_type != after.subject_type {
            refuse("subject_type", "it cannot be changed: register another client")
        } else if self.sector_identifier_uri == after.sector_identifier_uri {
            refuse(
                "redirect_uris",
                "their host is the sector of pairwise subjects, which cannot be changed: register another client",
            )
        } else {
            refuse(
                "sector_identifier_uri",
                "the sector of pairwise subjects cannot be changed: register another client",
            )
        }
    }
}

/// The host of a redirect URI, if no application of somebody else can have it.
fn own_host(uri: &str) -> Option<String> {
    let url = Url::parse(uri).ok()?;
    let is_web = matches!(url.scheme(), "https" | "http");
    host_of(&url).filter(|_| is_web && !has_shared_host(&url))
}

/// The host of a URL. A dot at its end, which says that the name is whole, makes no other host of it.
fn host_of(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    Some(host.strip_suffix('.').unwrap_or(host).to_owned())
}

/// True for the loopback addresses, which every program on a device may have, in each of their forms.
fn has_shared_host(url: &Url) -> bool {
    let is_shared = |address: IpAddr| {
        let address = address.to_canonical();
        address.is_loopback() || address.is_unspecified()
    };
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.strip_suffix('.').unwrap_or(name);
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(Host::Ipv4(address)) => is_shared(address.into()),
        Some(Host::Ipv6(address)) => is_shared(address.into()),
        None => true,
    }
}
