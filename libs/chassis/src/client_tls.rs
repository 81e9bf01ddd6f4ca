//! TLS of the HTTP clients of this process: they trust the certificate authorities of the system, which are read once.

use std::sync::{Arc, LazyLock};

use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls_platform_verifier::Verifier;

use crate::telemetry::root_cause;

/// The configuration with the authorities of the system, if there are any.
static SYSTEM: LazyLock<Option<ClientConfig>> = LazyLock::new(|| match read_system() {
    Ok(config) => Some(config),
    Err(error) => {
        let reason = root_cause(&error);
        tracing::warn!(
            error.message = reason,
            "no certificate authorities found: calls over https will fail"
        );
        None
    }
});

fn read_system() -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = Verifier::new(Arc::clone(&provider))?;
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// Lets the client trust the authorities of the system. An image without any authority's certificate can still speak plain HTTP.
pub(crate) fn trust_system(builder: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
    match &*SYSTEM {
        Some(system) => {
            let mut config = system.clone();
            // Each client resumes its own sessions alone.
            config.resumption = Resumption::default();
            builder.tls_backend_preconfigured(config)
        }
        None => builder.tls_certs_only([]),
    }
}
