//! TLS of the public port.

use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use super::ServeError;
use crate::config::TlsConfig;

/// Loads certificate and key, for TLS 1.2 and 1.3 with HTTP/2 by ALPN.
pub(super) fn acceptor(files: &TlsConfig) -> Result<TlsAcceptor, ServeError> {
    let refused = |path: &Path, reason: String| ServeError::Tls(format!("{}: {reason}", path.display()));
    let certificates: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect)
        .map_err(|error| refused(&files.certificate, error.to_string()))?;
    if certificates.is_empty() {
        return Err(refused(
            &files.certificate,
            "no certificate in this file".to_owned(),
        ));
    }
    let key =
        PrivateKeyDer::from_pem_file(&files.key).map_err(|error| refused(&files.key, error.to_string()))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ServeError::Tls(error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .map_err(|error| refused(&files.key, error.to_string()))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
