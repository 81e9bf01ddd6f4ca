//! Client authentication with a certificate (RFC 8705 §2).

use chassis::client_certificate::{CertificateAuthorities, ClientCertificate};
use chassis::clock::SharedClock;
use oidc::error::{ErrorCode, OAuthError};
use oidc::jose::KeySet;

use super::AuthMethod;
use super::key_sets::{Freshness, KeySets};
use super::model::Client;

/// The verification of the certificates with which clients authenticate.
#[derive(Clone)]
pub struct CertificateVerifier {
    clock: SharedClock,
    key_sets: KeySets,
    authorities: Option<CertificateAuthorities>,
}

fn refused(why: &'static str) -> OAuthError {
    ErrorCode::InvalidClient.because(why)
}

impl CertificateVerifier {
    /// A verifier. Without `authorities` no client authenticates by `tls_client_auth`.
    pub fn new(clock: SharedClock, key_sets: KeySets, authorities: Option<CertificateAuthorities>) -> Self {
        Self {
            clock,
            key_sets,
            authorities,
        }
    }

    /// Checks the certificate of a request of `client`, whose method is one of mutual TLS.
    ///
    /// # Errors
    /// `invalid_client`.
    pub(super) async fn check(
        &self,
        client: &Client,
        certificate: Option<&ClientCertificate>,
    ) -> Result<(), OAuthError> {
        let certificate = certificate
            .ok_or_else(|| refused("the client authenticates with a certificate, and none came"))?;
        match client.metadata.token_endpoint_auth_method {
            AuthMethod::TlsClientAuth => self.check_issued(client, certificate),
            AuthMethod::SelfSignedTlsClientAuth => self.check_registered(client, certificate).await,
            _ => Err(refused(
                "the client is registered for another token_endpoint_auth_method",
            )),
        }
    }

    /// RFC 8705 §2.1: a trusted authority issued the certificate, for the registered subject.
    fn check_issued(&self, client: &Client, certificate: &ClientCertificate) -> Result<(), OAuthError> {
        let authorities = self
            .authorities
            .as_ref()
            .ok_or_else(|| refused("no authority for the certificates of clients is configured"))?;
        if !authorities.issued(certificate, self.clock.now()) {
            return Err(refused(
                "no trusted authority issued the certificate, or it is not valid now",
            ));
        }
        if client.metadata.is_certificate_subject(certificate.der()) {
            Ok(())
        } else {
            Err(refused(
                "the subject of the certificate is not the one of the client",
            ))
        }
    }

    /// RFC 8705 §2.2: the certificate is one of the key set of the client.
    async fn check_registered(
        &self,
        client: &Client,
        certificate: &ClientCertificate,
    ) -> Result<(), OAuthError> {
        let Some(url) = &client.metadata.jwks_uri else {
            let registered = self.key_sets.of_jwks(client);
            return check_known(&registered, certificate);
        };
        let cached = self.key_sets.get(client, url, Freshness::Cached).await?;
        if check_known(&cached, certificate).is_ok() {
            return Ok(());
        }
        // The client may have a new certificate.
        let newest = self.key_sets.get(client, url, Freshness::Newest).await?;
        check_known(&newest, certificate)
    }
}

fn check_known(keys: &KeySet, certificate: &ClientCertificate) -> Result<(), OAuthError> {
    if keys.has_certificate(certificate.der()) {
        Ok(())
    } else {
        Err(refused("the certificate is not one of the key set of the client"))
    }
}
