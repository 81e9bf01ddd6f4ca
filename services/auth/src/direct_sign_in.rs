//! Direct sign-in: the use case of `POST /authenticate`, for first-party applications, command lines and tests.

use std::time::Duration;

use chassis::db::{Db, DbError};
use chassis::http::ClientInfo;
use chassis::secret::Token;
use oidc::dpop::Confirmation;
use oidc::error::OAuthError;
use oidc::scope::Scope;
use oidc::token::TokenResponse;

use crate::accounts::{Accounts, SignInError, SignInRequest, SignedIn};
use crate::clients::{Clients, DIRECT_CLIENT};
use crate::grants::TokenSettings;
use crate::sessions::{SessionLifetime, Sessions, StartError};
use crate::subjects::{self, Subject};
use crate::tokens::{self, Grant, GrantError, Tokens};

/// Signs in with a password and issues tokens.
#[derive(Clone)]
pub struct DirectSignIn {
    db: Db,
    accounts: Accounts,
    sessions: Sessions,
    clients: Clients,
    tokens: Tokens,
    lifetime: SessionLifetime,
    enabled: bool,
}

/// The result of a direct sign-in.
#[derive(Debug)]
pub struct DirectTokens {
    /// The tokens.
    pub tokens: TokenResponse,
    /// The subject that has signed in.
    pub subject: Subject,
    /// The device token, when one was asked for and the device was not known.
    pub device: Option<Token>,
}

/// The reason why a direct sign-in gives no tokens.
#[derive(Debug, thiserror::Error)]
pub enum DirectSignInError {
    /// The sign-in failed.
    #[error(transparent)]
    SignIn(#[from] SignInError),
    /// The account may not sign in any more.
    #[error("the account may not sign in now")]
    Refused,
    /// The password is right and the requested scope is not allowed.
    #[error(transparent)]
    Scope(OAuthError),
    /// The client of direct sign-ins does not exist.
    #[error("there is no client for direct sign-ins")]
    NoClient,
    /// The tokens could not be issued.
    #[error(transparent)]
    Grant(GrantError),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<StartError> for DirectSignInError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Refused => Self::Refused,
            StartError::Db(error) => Self::Db(error),
        }
    }
}

impl From<OAuthError> for DirectSignInError {
    fn from(error: OAuthError) -> Self {
        Self::Scope(error)
    }
}

impl From<GrantError> for DirectSignInError {
    fn from(error: GrantError) -> Self {
        match error {
            GrantError::OAuth(error) => Self::Scope(error),
            other => Self::Grant(other),
        }
    }
}

impl DirectSignIn {
    /// A direct sign-in with these collaborators. Its sessions have no cookie, so they live as long as their
    /// refresh tokens may.
    pub fn new(
        db: Db,
        (accounts, sessions): (Accounts, Sessions),
        (clients, tokens): (Clients, Tokens),
        settings: &TokenSettings,
        enabled: bool,
    ) -> Self {
        let life = Duration::from_secs(u64::from(settings.refresh_days) * 86_400);
        Self {
            db,
            accounts,
            sessions,
            clients,
            tokens,
            lifetime: SessionLifetime {
                idle: life,
                absolute: life,
            },
            enabled,
        }
    }

    /// True if `POST /authenticate` answers.
    pub fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// Signs in and issues tokens with the scope `asked`. `remember` asks for a device token.
    ///
    /// # Errors
    /// [`DirectSignInError`]. A right password with a scope that is not allowed does not count as a failure.
    pub async fn sign_in(
        &self,
        attempt: SignInRequest,
        asked: &Scope,
        remember: bool,
    ) -> Result<DirectTokens, DirectSignInError> {
        let caller = attempt.client.clone();
        let who = self.accounts.sign_in(attempt).await?;
        let remember = remember && !who.known_device;
        let granted = self.start_and_issue(&who, &caller, asked, remember).await;
        if let Err(DirectSignInError::Scope(_)) = &granted {
            let mut tx = self.db.begin("authenticate_refused").await?;
            who.clear_failures(&mut tx).await?;
            tx.commit().await?;
        }
        granted
    }

    /// Starts a session and grants access in one transaction, and signs the tokens after it.
    async fn start_and_issue(
        &self,
        who: &SignedIn,
        caller: &ClientInfo,
        asked: &Scope,
        remember: bool,
    ) -> Result<DirectTokens, DirectSignInError> {
        let client = self.clients.find(DIRECT_CLIENT).await?;
        let client = client.ok_or(DirectSignInError::NoClient)?;
        let mut tx = self.db.begin("authenticate").await?;
        let started = self
            .sessions
            .start_with_lifetime(&mut tx, who, caller, self.lifetime)
            .await?;
        let subject = subjects::find(&mut tx, who.account_id).await?;
        let subject = subject.ok_or(DirectSignInError::Refused)?;
        let audiences = self.tokens.audiences(&client, &[])?;
        let grant = Grant {
            subject: subject.id,
            scope: tokens::subject_scope(&client, &subject, asked)?,
            audiences: audiences.clone(),
            session_id: Some(started.session.id),
            auth_time: who.auth_time,
            amr: who.amr.clone(),
            nonce: None,
            details: Default::default(),
            confirmation: Confirmation::default(),
        };
        let pending = self.tokens.issue(&mut tx, &client, grant).await?;
        let device = match remember {
            true => Some(self.accounts.remember_device(&mut tx, subject.id).await?),
            false => None,
        };
        tx.commit().await?;
        Ok(DirectTokens {
            tokens: self.tokens.sign(pending, &client, &audiences)?,
            subject,
            device,
        })
    }
}
