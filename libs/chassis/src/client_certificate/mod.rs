//! Client certificate of a request: the headers `Client-Cert` and `Client-Cert-Chain` (RFC 9440).
//!
//! The server writes these headers itself, from the TLS handshake or from what a trusted proxy says, and removes those of
//! everybody else. So a handler can rely on them.

mod authorities;
#[cfg(test)]
mod tests;

use ::http::{HeaderMap, HeaderName, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

pub use authorities::{AuthoritiesError, CertificateAuthorities};

/// The header of the certificate.
pub const CLIENT_CERT: HeaderName = HeaderName::from_static("client-cert");
/// The header of the certificates between it and its authority.
pub const CLIENT_CERT_CHAIN: HeaderName = HeaderName::from_static("client-cert-chain");

/// The longest certificate in bytes.
const MAX_BYTES: usize = 16 * 1024;
/// The most certificates between that of the client and its authority.
const MAX_CHAIN: usize = 8;

/// The certificate with which the client of a request proved to have its key, in DER.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    der: Vec<u8>,
    chain: Vec<Vec<u8>>,
}

impl ClientCertificate {
    /// The certificate of a request. `None` without one, and if a header is malformed.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(CLIENT_CERT).iter();
        let only = values.next().filter(|_| values.next().is_none())?;
        let der = parse_binary(only.to_str().ok()?)?;
        let mut chain = Vec::new();
        for value in headers.get_all(CLIENT_CERT_CHAIN) {
            for item in value.to_str().ok()?.split(',') {
                chain.push(parse_binary(item)?);
            }
        }
        (chain.len() <= MAX_CHAIN).then_some(Self { der, chain })
    }

    /// A certificate and those between it and its authority, as a TLS handshake has them.
    pub(crate) fn from_handshake<'a>(mut certificates: impl Iterator<Item = &'a [u8]>) -> Option<Self> {
        let der = certificates.next()?.to_vec();
        let chain: Vec<Vec<u8>> = certificates.take(MAX_CHAIN).map(<[u8]>::to_vec).collect();
        Some(Self { der, chain })
    }

    /// The certificate in DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The headers of the certificate.
    pub(crate) fn headers(&self) -> Option<CertificateHeaders> {
        let binary = |der: &Vec<u8>| format!(":{}:", STANDARD.encode(der));
        let chain = self.chain.iter().map(binary).collect::<Vec<_>>().join(", ");
        let chain = if chain.is_empty() {
            None
        } else {
            Some(HeaderValue::try_from(chain).ok()?)
        };
        Some(CertificateHeaders {
            certificate: HeaderValue::try_from(binary(&self.der)).ok()?,
            chain,
        })
    }
}

/// A byte sequence (RFC 8941 §3.3.5), with its padding or without.
fn parse_binary(item: &str) -> Option<Vec<u8>> {
    let inner = item.trim_matches(' ').strip_prefix(':')?.strip_suffix(':')?;
    let der = STANDARD.decode(inner).ok()?;
    (!der.is_empty() && der.len() <= MAX_BYTES).then_some(der)
}

/// The headers of the certificate of one connection, encoded once.
#[derive(Clone, Debug)]
pub(crate) struct CertificateHeaders {
    certificate: HeaderValue,
    chain: Option<HeaderValue>,
}

/// Replaces the headers of a request by those of the certificate of its connection. Those of a trusted proxy stay as they are if
/// `from_proxy`.
pub(crate) fn replace_headers(headers: &mut HeaderMap, own: Option<&CertificateHeaders>, from_proxy: bool) {
    if from_proxy {
        return;
    }
    headers.remove(CLIENT_CERT);
    headers.remove(CLIENT_CERT_CHAIN);
    if let Some(own) = own {
        headers.insert(CLIENT_CERT, own.certificate.clone());
        if let Some(chain) = &own.chain {
            headers.insert(CLIENT_CERT_CHAIN, chain.clone());
        }
    }
}
