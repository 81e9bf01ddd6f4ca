//! Asking the user service.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use chassis::access::ServiceTokens;
use chassis::http_client::HttpClient;
use contract::{RegistrationRequested, RejectionReason, UserState};
use http::StatusCode;
use serde::Deserialize;
use url::Url;

use super::Rejection;

/// What the user service decided.
#[derive(Clone, Debug)]
pub enum Answer {
    /// The person is there now.
    Accepted(Box<UserState>),
    /// The person cannot be.
    Rejected(Rejection),
}

/// The user service did not answer in time, or not as agreed: the text says why.
#[derive(Debug)]
pub struct NoAnswer(pub String);

/// The user service, as a registration needs it.
pub trait Users: Send + Sync + 'static {
    /// Sends the command. Repeating it changes nothing: the answer is the same.
    ///
    /// # Errors
    /// [`NoAnswer`] within two seconds.
    fn register<'a>(
        &'a self,
        request: &'a RegistrationRequested,
    ) -> Pin<Box<dyn Future<Output = Result<Answer, NoAnswer>> + Send + 'a>>;
}

/// How long an answer may take, all in all.
const PATIENCE: Duration = Duration::from_secs(2);

/// The user service over HTTP.
pub struct HttpUsers {
    registrations: Url,
    http: HttpClient,
    tokens: ServiceTokens,
}

impl HttpUsers {
    /// The user service whose public URL is `base`, called with `tokens` that have the scope `users:write`.
    pub fn new(base: &Url, http: HttpClient, tokens: ServiceTokens) -> Self {
        let mut registrations = base.clone();
        registrations.set_path(&format!("{}/registrations", base.path().trim_end_matches('/')));
        Self {
            registrations,
            http,
            tokens,
        }
    }

    async fn ask(&self, request: &RegistrationRequested) -> Result<Answer, NoAnswer> {
        let token = self.tokens.token().await.map_err(|error| no_answer(&error))?;
        let sent = self
            .http
            .post(self.registrations.clone())
            .template("/registrations")
            .bearer_auth(token.expose())
            .json(request)
            .send()
            .await
            .map_err(|error| no_answer(&error))?;
        match sent.status() {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED => {
                self.tokens.forget(&token).await;
                return Err(NoAnswer("it refuses our token".to_owned()));
            }
            status => return Err(NoAnswer(format!("it answered {status}"))),
        }
        let body: Body = sent.json().await.map_err(|error| no_answer(&error))?;
        Ok(match body {
            Body::Accepted { user } => Answer::Accepted(user),
            Body::Rejected { reason } => Answer::Rejected(reason.into()),
        })
    }
}

/// The innermost cause says most: `connection refused` rather than `error sending request`.
fn no_answer(error: &(dyn Error + 'static)) -> NoAnswer {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    NoAnswer(cause.to_string())
}

/// The body of a 200.
#[derive(Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
enum Body {
    Accepted { user: Box<UserState> },
    Rejected { reason: RejectionReason },
}

impl Users for HttpUsers {
    fn register<'a>(
        &'a self,
        request: &'a RegistrationRequested,
    ) -> Pin<Box<dyn Future<Output = Result<Answer, NoAnswer>> + Send + 'a>> {
        Box::pin(async move {
            tokio::time::timeout(PATIENCE, self.ask(request))
                .await
                .unwrap_or_else(|_| Err(NoAnswer("it took too long".to_owned())))
        })
    }
}
