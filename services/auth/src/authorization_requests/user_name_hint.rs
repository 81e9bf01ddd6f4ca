//! The user name that the sign-in page offers, from `login_hint` or `id_token_hint` (OpenID Connect Core
//! §3.1.2.1).

use chassis::db::DbError;
use chassis::secret::Token;
use oidc::authorize::UnverifiedAuthorizationRequest;
use oidc::params::Params;

use super::{AuthorizationRequests, HANDLE_PARAMETER};
use crate::{accounts, subjects};

impl AuthorizationRequests {
    /// The user name that an authorization request hints at: its `login_hint`, or the user name of the subject of
    /// its `id_token_hint`. `query` is the query of the authorization request, and `browser` the browser's
    /// cookie. The name of an `id_token_hint` is shown only when `device` is a known device of that subject.
    /// Otherwise an old ID token would be enough to learn the name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn user_name_hint(
        &self,
        query: &str,
        browser: Option<&Token>,
        device: Option<&Token>,
    ) -> Result<Option<String>, DbError> {
        let handle = Params::parse_lenient(query)
            .ok()
            .and_then(|params| params.only(HANDLE_PARAMETER).map(Token::new));
        let saved = match (handle, browser) {
            (Some(handle), Some(browser)) => self.find(&handle, browser).await?,
            _ => None,
        };
        let query = saved.as_ref().map_or(query, |request| &request.query);
        let Some(request) = UnverifiedAuthorizationRequest::parse(query)
            .ok()
            .and_then(|asked| asked.validate().ok())
        else {
            return Ok(None);
        };
        if let Some(hint) = request.login_hint {
            return Ok(Some(hint).filter(|hint| !hint.chars().any(char::is_control)));
        }
        let hint = request
            .id_token_hint
            .and_then(|hint| self.tokens.id_token_hint(&hint).verified());
        let (Some(claims), Some(device)) = (hint, device) else {
            return Ok(None);
        };
        // The client knows the subject by a `sub` that may be another one than for the next client.
        let Some(client) = self.clients.find(&claims.aud).await? else {
            return Ok(None);
        };
        let mut reader = self.db.reader().await?;
        let account = accounts::account_of_device(&mut reader, device).await?;
        let Some(account) = account.filter(|id| self.tokens.subject(&client, *id) == claims.sub) else {
            return Ok(None);
        };
        Ok(subjects::find(&mut reader, account)
            .await?
            .map(|subject| subject.user_name))
    }
}
