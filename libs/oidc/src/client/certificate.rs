//! Subject of the certificate with which a client authenticates (RFC 8705 §2.1.2).

#[cfg(test)]
mod tests;

use core::net::IpAddr;
use std::fmt::Write as _;
use std::str::FromStr;

use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::name::Name;

use super::ClientMetadata;

impl ClientMetadata {
    /// True if the subject of a certificate in DER is the one that the client is registered with (RFC 8705 §2.1.2). The caller has
    /// verified that a trusted authority issued the certificate.
    pub fn is_certificate_subject(&self, der: &[u8]) -> bool {
        let Ok(certificate) = Certificate::from_der(der) else {
            return false;
        };
        let tbs = &certificate.tbs_certificate;
        if let Some(registered) = &self.tls_client_auth_subject_dn {
            return distinguished_name(registered).is_some_and(|name| Some(name) == canonical(&tbs.subject));
        }
        match tbs.get::<SubjectAltName>() {
            Ok(Some((_, SubjectAltName(names)))) => names.iter().any(|name| is_alternative_name(self, name)),
            _ => false,
        }
    }
}

fn is_alternative_name(client: &ClientMetadata, name: &GeneralName) -> bool {
    match name {
        GeneralName::DnsName(name) => client
            .tls_client_auth_san_dns
            .as_ref()
            .is_some_and(|registered| registered.eq_ignore_ascii_case(name.as_str())),
        GeneralName::UniformResourceIdentifier(name) => {
            client.tls_client_auth_san_uri.as_deref() == Some(name.as_str())
        }
        GeneralName::Rfc822Name(name) => client.tls_client_auth_san_email.as_deref() == Some(name.as_str()),
        GeneralName::IpAddress(octets) => client.tls_client_auth_san_ip.is_some_and(|registered| {
            let bytes = octets.as_bytes();
            match registered {
                IpAddr::V4(address) => bytes == address.octets().as_slice(),
                IpAddr::V6(address) => bytes == address.octets().as_slice(),
            }
        }),
        _ => false,
    }
}

/// The canonical text of a distinguished name (RFC 4514). `None` if the text is not a name, or the name has no part.
pub(super) fn distinguished_name(text: &str) -> Option<String> {
    canonical(&Name::from_str(text).ok()?)
}

/// A name as text, whatever the types of its strings are in DER.
fn canonical(name: &Name) -> Option<String> {
    let mut text = String::new();
    write!(text, "{name}").ok()?;
    (!text.is_empty()).then_some(text)
}
