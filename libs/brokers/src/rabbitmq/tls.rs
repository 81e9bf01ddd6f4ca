//! The client's side of TLS.

use std::path::Path;
use std::sync::Arc;

use lapin::tcp::{RustlsConnector, RustlsConnectorConfig};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use super::config::RabbitmqTls;
use events::transport::SubscriptionError;

/// Reads the files: TLS 1.2 and 1.3, the broker's name is always checked.
pub(super) fn connector(tls: &RabbitmqTls) -> Result<RustlsConnector, SubscriptionError> {
    let own = match (&tls.certificate, &tls.key) {
        (Some(certificate), Some(path)) => {
            let key = PrivateKeyDer::from_pem_file(path).map_err(|error| refused("key", path, error))?;
            Some((certificates("certificate", certificate)?, key))
        }
        _ => None,
    };
    let Some(path) = &tls.ca else {
        let trusting = RustlsConnectorConfig::new_with_platform_verifier();
        return match own {
            Some((chain, key)) => trusting.connector_with_single_cert(chain, key),
            None => trusting.connector_with_no_client_auth(),
        }
        .map_err(|error| SubscriptionError::Away(error.to_string()));
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| SubscriptionError::Away(error.to_string()))?
        .with_root_certificates(authorities(path)?);
    let config = match own {
        Some((chain, key)) => builder
            .with_client_auth_cert(chain, key)
            .map_err(|error| SubscriptionError::Away(format!("events.rabbitmq.tls.certificate: {error}")))?,
        None => builder.with_no_client_auth(),
    };
    Ok(RustlsConnector::from(config))
}

fn authorities(path: &Path) -> Result<RootCertStore, SubscriptionError> {
    let mut store = RootCertStore::empty();
    for certificate in certificates("ca", path)? {
        store
            .add(certificate)
            .map_err(|error| refused("ca", path, error))?;
    }
    Ok(store)
}

fn certificates(key: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, SubscriptionError> {
    let read: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| refused(key, path, error))?;
    if read.is_empty() {
        return Err(refused(key, path, "no certificate in this file"));
    }
    Ok(read)
}

fn refused(key: &str, path: &Path, reason: impl std::fmt::Display) -> SubscriptionError {
    SubscriptionError::Away(format!("events.rabbitmq.tls.{key}: {}: {reason}", path.display()))
}
