//! Proof of possession: the key or the certificate that an access token is bound to (RFC 9449 §7, RFC 8705 §3).

use ::http::request::Parts;
use axum::extract::OriginalUri;
use oidc::dpop::{Confirmation, DpopError};
use oidc::jose::certificate_thumbprint;

use super::challenge::{Scheme, invalid_token, refused_proof};
use super::{AccessToken, Verifier};
use crate::client_certificate::ClientCertificate;
use crate::http::Problem;

/// Checks that the sender has the key that the token is bound to, and that a token that is bound to a key came with the scheme
/// DPoP (RFC 9449 §7.1, §7.2).
pub(super) fn check_possession(
    verifier: &Verifier,
    parts: &Parts,
    scheme: Scheme,
    presented: &str,
    token: &AccessToken,
) -> Result<(), Problem> {
    let bound = match &token.confirmation {
        None => None,
        Some(Confirmation { jkt: None, x5t: None }) => {
            return Err(invalid_token(scheme, "The confirmation of the token has no key."));
        }
        Some(Confirmation { jkt, x5t }) => {
            if let Some(x5t) = x5t {
                check_certificate(parts, scheme, x5t)?;
            }
            jkt.as_ref()
        }
    };
    match (scheme, bound) {
        (Scheme::Bearer, None) => Ok(()),
        (Scheme::Bearer, Some(_)) => Err(invalid_token(
            Scheme::Dpop,
            "The token is bound to a key: send it with the scheme DPoP and a proof.",
        )),
        (Scheme::Dpop, None) => Err(invalid_token(
            scheme,
            "The token is not bound to a key: send it with the scheme Bearer.",
        )),
        (Scheme::Dpop, Some(jkt)) => {
            let path = parts
                .extensions
                .get::<OriginalUri>()
                .map_or(parts.uri.path(), |uri| uri.0.path());
            let url = public_url(verifier.audience(), path);
            let dpop = verifier.dpop();
            dpop.verify(&parts.headers, parts.method.as_str(), &url, Some(presented))
                .and_then(|proof| {
                    let proof = proof.ok_or(DpopError::Missing)?;
                    if proof.jkt != *jkt {
                        return Err(DpopError::OtherKey);
                    }
                    dpop.remember(&proof)
                })
                .map_err(refused_proof)
        }
    }
}

/// Checks that the client presented the certificate that the token is bound to (RFC 8705 §3).
fn check_certificate(parts: &Parts, scheme: Scheme, x5t: &str) -> Result<(), Problem> {
    match ClientCertificate::of(&parts.headers) {
        Some(certificate) if certificate_thumbprint(certificate.der()) == x5t => Ok(()),
        Some(_) => Err(invalid_token(
            scheme,
            "The token is bound to another client certificate.",
        )),
        None => Err(invalid_token(
            scheme,
            "The token is bound to a client certificate: present it in the TLS handshake.",
        )),
    }
}

/// The URL of a request as its client knows it. A proxy passes the path of the public URL on or strips it (SB-33).
pub(super) fn public_url(base: &str, path: &str) -> String {
    let base_path = base.splitn(4, '/').nth(3).map(|rest| format!("/{rest}"));
    let below = base_path
        .and_then(|base_path| path.strip_prefix(base_path.as_str()))
        .filter(|below| below.starts_with('/'));
    format!("{base}{}", below.unwrap_or(path))
}
