//! Possession of a key at the endpoints of clients: DPoP (RFC 9449 §5, §10.1) and client certificates (RFC 8705 §3).

use axum::extract::FromRef;
use chassis::access::{Dpop, NonceChecked, Verifier};
use chassis::client_certificate::ClientCertificate;
use http::HeaderMap;
use oidc::dpop::{Confirmation, DpopError, VerifiedProof};
use oidc::error::{ErrorCode, OAuthError};
use oidc::jose::certificate_thumbprint;

use crate::app::SharedApp;
use crate::clients::Client;

/// The DPoP proofs of requests to the endpoints of clients.
#[derive(Clone)]
pub(crate) struct Possession {
    dpop: Dpop,
    /// The URL of this service, without a slash at its end.
    base: String,
}

impl FromRef<SharedApp> for Possession {
    fn from_ref(app: &SharedApp) -> Self {
        let verifier: &Verifier = &app.verifier;
        Self {
            dpop: verifier.dpop().clone(),
            base: verifier.audience().to_owned(),
        }
    }
}

impl Possession {
    /// Checks the nonce of the proof, if there is one, before the client authenticates: the same client assertion, which is good once, can
    /// come again with the nonce (RFC 9449 §8). Costs no signature, since the sender is a stranger (SB-43).
    ///
    /// # Errors
    /// `use_dpop_nonce`.
    pub(crate) fn check_nonce(&self, headers: &HeaderMap) -> Result<NonceChecked, OAuthError> {
        self.dpop.check_nonce(headers).map_err(OAuthError::from)
    }

    /// The proof of a `POST` of `client` to `path`, if it has one. Its nonce counts as of when it was checked.
    ///
    /// # Errors
    /// `invalid_dpop_proof`, `use_dpop_nonce`.
    pub(crate) fn proof(
        &self,
        client: &Client,
        checked: NonceChecked,
        headers: &HeaderMap,
        path: &str,
    ) -> Result<Option<VerifiedProof>, OAuthError> {
        let url = format!("{}{path}", self.base);
        let proof = self.dpop.verify_checked(checked, headers, "POST", &url)?;
        let allowed = client.metadata.allowed_algorithms();
        if proof
            .as_ref()
            .is_some_and(|proof| !allowed.contains(&proof.algorithm))
        {
            return Err(DpopError::Algorithm.into());
        }
        Ok(proof)
    }

    /// Does the work of a request once for its proof (RFC 9449 §11.1). The proof is remembered before, so that a second use changes
    /// nothing, and forgotten when the work fails, so that such requests do not fill the memory.
    ///
    /// # Errors
    /// `invalid_dpop_proof` when the proof was used before; those of `work`.
    pub(crate) async fn once<T, E: From<OAuthError>>(
        &self,
        proof: Option<&VerifiedProof>,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let Some(proof) = proof else {
            return work.await;
        };
        self.dpop.remember(proof).map_err(OAuthError::from)?;
        let outcome = work.await;
        if outcome.is_err() {
            self.dpop.forget(proof);
        }
        outcome
    }
}

/// The binding of the tokens of `client`: the keys that their holder will have to prove to have.
///
/// # Errors
/// `invalid_dpop_proof` without a proof, when the client gets such tokens alone (RFC 9449 §5.2); `invalid_request` without the
/// certificate that its tokens are bound to (RFC 8705 §3).
pub(crate) fn confirmation(
    client: &Client,
    headers: &HeaderMap,
    proof: Option<&VerifiedProof>,
) -> Result<Confirmation, OAuthError> {
    if client.registered().requires_dpop() && proof.is_none() {
        return Err(ErrorCode::InvalidDpopProof.because(format!(
            "{}: the client is registered with dpop_bound_access_tokens or profile",
            DpopError::Missing
        )));
    }
    let x5t = if client.metadata.tls_client_certificate_bound_access_tokens {
        let certificate = ClientCertificate::of(headers).ok_or_else(|| {
            ErrorCode::InvalidRequest.because(
                "a client certificate is needed: the client is registered with tls_client_certificate_bound_access_tokens",
            )
        })?;
        Some(certificate_thumbprint(certificate.der()))
    } else {
        None
    };
    Ok(Confirmation {
        jkt: proof.map(|proof| proof.jkt.clone()),
        x5t,
    })
}
