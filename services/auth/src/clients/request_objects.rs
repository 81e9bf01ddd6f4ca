//! Request objects of clients (RFC 9101), opened with their registered keys.

use std::net::IpAddr;

use oidc::authorize::{RequestObjectError, UnverifiedAuthorizationRequest};
use oidc::error::OAuthError;
use oidc::server::AuthorizationServer;

use super::Clients;
use super::key_sets::Freshness;
use super::model::Client;

impl Clients {
    /// The request in the request object of `sent`, which `client` has signed and passes by value or by reference. A request without
    /// one stays as it is. `ip` is the address of the caller.
    ///
    /// # Errors
    /// `invalid_request` for more than one, `invalid_request_object`, or what is wrong with `request_uri`.
    pub(crate) async fn open_request(
        &self,
        client: &Client,
        sent: UnverifiedAuthorizationRequest,
        server: AuthorizationServer<'_>,
        ip: Option<IpAddr>,
    ) -> Result<UnverifiedAuthorizationRequest, OAuthError> {
        if !sent.has_request_object() {
            return Ok(sent);
        }
        sent.check_before_opening(client.registered(), server)?;
        if let Some(uri) = sent.request_uri(&client.metadata)? {
            let object = self.request_documents.fetch(client, uri, ip).await?;
            return self.open_request_object(client, &sent, &object, server).await;
        }
        match sent.request_object() {
            Some(object) => self.open_request_object(client, &sent, object, server).await,
            None => Ok(sent),
        }
    }

    /// The request in `object`, the request object of `sent`.
    ///
    /// # Errors
    /// `invalid_request_object`; `temporarily_unavailable` if the keys of the client cannot be read.
    async fn open_request_object(
        &self,
        client: &Client,
        sent: &UnverifiedAuthorizationRequest,
        object: &str,
        server: AuthorizationServer<'_>,
    ) -> Result<UnverifiedAuthorizationRequest, OAuthError> {
        let now = self.clock.now().as_secs();
        let opened = |keys: &_| sent.open_request_object(object, keys, client.registered(), server, now);
        let keys = self.assertions.key_sets();
        let Some(url) = &client.metadata.jwks_uri else {
            return Ok(opened(&*keys.of_jwks(client))?);
        };
        match opened(&*keys.get(client, url, Freshness::Cached).await?) {
            // The client may have a new key.
            Err(RequestObjectError::UnknownKey) => {
                Ok(opened(&*keys.get(client, url, Freshness::Newest).await?)?)
            }
            outcome => Ok(outcome?),
        }
    }
}
