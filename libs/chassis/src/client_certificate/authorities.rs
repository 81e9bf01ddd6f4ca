//! Authorities that issue the certificates of clients (RFC 8705 §2.1).

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;

use super::ClientCertificate;
use crate::clock::Timestamp;

/// The authorities whose certificates of clients are accepted.
#[derive(Clone)]
pub struct CertificateAuthorities(Arc<dyn ClientCertVerifier>);

impl fmt::Debug for CertificateAuthorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CertificateAuthorities(…)")
    }
}

/// The file of the authorities cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct AuthoritiesError(String);

impl CertificateAuthorities {
    /// Reads the certificates of the authorities from a PEM file.
    ///
    /// # Errors
    /// [`AuthoritiesError`] names the file.
    pub fn read(path: &Path) -> Result<Self, AuthoritiesError> {
        let refused = |reason: String| AuthoritiesError(format!("{}: {reason}", path.display()));
        let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect)
            .map_err(|error| refused(error.to_string()))?;
        let mut roots = RootCertStore::empty();
        for certificate in certificates {
            roots
                .add(certificate)
                .map_err(|error| refused(error.to_string()))?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
        verifier.map(Self).map_err(|error| refused(error.to_string()))
    }

    /// True if one of the authorities issued the certificate, and it is valid at this time for clients.
    pub fn issued(&self, certificate: &ClientCertificate, now: Timestamp) -> bool {
        let leaf = CertificateDer::from(certificate.der.as_slice());
        let chain: Vec<CertificateDer<'_>> = certificate
            .chain
            .iter()
            .map(|der| CertificateDer::from(der.as_slice()))
            .collect();
        let seconds = u64::try_from(now.as_secs()).unwrap_or_default();
        let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
        self.0.verify_client_cert(&leaf, &chain, now).is_ok()
    }
}
