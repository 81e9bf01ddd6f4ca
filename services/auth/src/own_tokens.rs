//! The access tokens that this service issues to itself, to call the user service.
//!
//! It is a client like any other (`[clients.vestibule-auth]`) and saves the request over HTTP.

use std::sync::Weak;
use std::time::Duration;

use chassis::access::{BoxFuture, IssuedToken, ServiceTokens, TokenError, TokenIssuer};
use chassis::clock::SharedClock;
use chassis::secret::Token;
use oidc::scope::Scope;

use crate::app::App;
use crate::{clients, grants};

/// The scopes that calls of the user service need: to register users, and to follow its events.
const SCOPES: [&str; 2] = ["users:write", "events:read"];

/// Access tokens for the user service.
pub(crate) fn users_service_tokens(app: &Weak<App>, clock: SharedClock) -> ServiceTokens {
    ServiceTokens::issued_by(OwnTokens(app.clone()), clock)
}

struct OwnTokens(Weak<App>);

impl TokenIssuer for OwnTokens {
    fn issue(&self) -> BoxFuture<'_, Result<IssuedToken, TokenError>> {
        Box::pin(self.issue_token())
    }
}

impl OwnTokens {
    async fn issue_token(&self) -> Result<IssuedToken, TokenError> {
        let refused = |reason: &str| TokenError::Refused(reason.to_owned());
        let app = self.0.upgrade().ok_or_else(|| refused("the service is ending"))?;
        let id = app.settings.service.client_id.as_str();
        let client = clients::find(&app, id)
            .await
            .map_err(|error| TokenError::Failed(error.into()))?
            .ok_or_else(|| TokenError::Refused(format!("the configuration has no [clients.{id}]")))?;
        let scope = Scope::of(SCOPES).map_err(|error| TokenError::Failed(error.into()))?;
        let users = app.issuer.users().clone();
        let now = app.clock.now();
        let issued = grants::issue_client_token(&app, &client, Some(&scope), &[users])
            .map_err(|error| TokenError::Failed(error.into()))?;
        Ok(IssuedToken {
            token: Token::new(issued.access_token),
            expires_at: now + Duration::from_secs(u64::from(issued.expires_in)),
        })
    }
}
