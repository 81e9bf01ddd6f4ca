//! The access tokens that this service issues to itself, to call the user service.
//!
//! It is a client like any other (`[clients.vestibule-auth]`) and saves the request over HTTP.

use std::time::Duration;

use chassis::access::{BoxFuture, IssuedToken, TokenError, TokenIssuer};
use chassis::clock::SharedClock;
use chassis::secret::Token;
use oidc::dpop::Confirmation;
use oidc::resource::Resource;
use oidc::scope::Scope;

use crate::clients::Clients;
use crate::tokens::{ClientTokenRequest, Tokens};

/// The scopes that calls of the user service need: to register users, and to follow its events.
const SCOPES: [&str; 2] = ["users:write", "events:read"];

/// Issues access tokens for the user service.
#[derive(Clone)]
pub(crate) struct OwnTokens {
    pub(crate) clients: Clients,
    pub(crate) tokens: Tokens,
    pub(crate) clock: SharedClock,
    /// The `client_id` of this service.
    pub(crate) client_id: String,
    /// The user service as an audience.
    pub(crate) users: Resource,
}

impl TokenIssuer for OwnTokens {
    fn issue(&self) -> BoxFuture<'_, Result<IssuedToken, TokenError>> {
        Box::pin(self.issue_token())
    }
}

impl OwnTokens {
    async fn issue_token(&self) -> Result<IssuedToken, TokenError> {
        let id = self.client_id.as_str();
        let client = self
            .clients
            .find(id)
            .await
            .map_err(|error| TokenError::Failed(error.into()))?
            .ok_or_else(|| TokenError::Refused(format!("the configuration has no [clients.{id}]")))?;
        let scope = Scope::of(SCOPES).map_err(|error| TokenError::Failed(error.into()))?;
        let now = self.clock.now();
        let request = ClientTokenRequest {
            scope: Some(&scope),
            resources: std::slice::from_ref(&self.users),
            details: None,
        };
        let issued = self
            .tokens
            .issue_client_token(&client, &request, &Confirmation::default())
            .map_err(|error| TokenError::Failed(error.into()))?;
        Ok(IssuedToken {
            token: Token::new(issued.access_token),
            expires_at: now + Duration::from_secs(u64::from(issued.expires_in)),
        })
    }
}
