//! `UsersService`: the client of the user service's `POST /registrations`.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use chassis::access::ServiceTokens;
use chassis::http_client::HttpClient;
use chassis::telemetry::root_cause;
use contract::paths;
use contract::{RegistrationRequested, RejectionReason, UserState};
use http::StatusCode;
use serde::Deserialize;
use url::Url;

use crate::registration::Rejection;

/// The decision of the user service on a registration.
#[derive(Clone, Debug)]
pub enum RegistrationDecision {
    /// The user was created.
    Accepted(Box<UserState>),
    /// The registration was rejected.
    Rejected(Rejection),
}

/// The user service gave no valid response in time. The text says why.
#[derive(Debug)]
pub struct UsersUnavailable(pub String);

/// The user service, as a registration needs it.
pub trait UsersService: Send + Sync + 'static {
    /// Submits a registration. The call is idempotent.
    ///
    /// # Errors
    /// [`UsersUnavailable`] within two seconds.
    fn register<'a>(
        &'a self,
        request: &'a RegistrationRequested,
    ) -> Pin<Box<dyn Future<Output = Result<RegistrationDecision, UsersUnavailable>> + Send + 'a>>;
}

/// The timeout of the whole call.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The user service over HTTP.
pub struct HttpUsersService {
    registrations: Url,
    http: HttpClient,
    tokens: ServiceTokens,
}

impl HttpUsersService {
    /// The user service at `base`. `tokens` have the scope `users:write`.
    pub fn new(base: &Url, http: HttpClient, tokens: ServiceTokens) -> Self {
        let mut registrations = base.clone();
        registrations.set_path(&format!(
            "{}{}",
            base.path().trim_end_matches('/'),
            paths::users::REGISTRATIONS
        ));
        Self {
            registrations,
            http,
            tokens,
        }
    }

    async fn send(&self, request: &RegistrationRequested) -> Result<RegistrationDecision, UsersUnavailable> {
        let token = self.tokens.token().await.map_err(|error| no_answer(&error))?;
        let sent = self
            .http
            .post(self.registrations.clone())
            .template(paths::users::REGISTRATIONS)
            .bearer_auth(token.expose())
            .json(request)
            .send()
            .await
            .map_err(|error| no_answer(&error))?;
        match sent.status() {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED => {
                self.tokens.forget(&token).await;
                return Err(UsersUnavailable("it refuses our token".to_owned()));
            }
            status => return Err(UsersUnavailable(format!("it answered {status}"))),
        }
        let body: DecisionBody = sent.json().await.map_err(|error| no_answer(&error))?;
        Ok(match body {
            DecisionBody::Accepted { user } => RegistrationDecision::Accepted(user),
            DecisionBody::Rejected { reason } => RegistrationDecision::Rejected(reason.into()),
        })
    }
}

/// Takes the innermost cause, which says most: `connection refused` rather than `error sending request`.
fn no_answer(error: &(dyn Error + 'static)) -> UsersUnavailable {
    UsersUnavailable(root_cause(error))
}

/// The body of a response with the status 200.
#[derive(Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
enum DecisionBody {
    Accepted { user: Box<UserState> },
    Rejected { reason: RejectionReason },
}

impl UsersService for HttpUsersService {
    fn register<'a>(
        &'a self,
        request: &'a RegistrationRequested,
    ) -> Pin<Box<dyn Future<Output = Result<RegistrationDecision, UsersUnavailable>> + Send + 'a>> {
        Box::pin(async move {
            tokio::time::timeout(TIMEOUT, self.send(request))
                .await
                .unwrap_or_else(|_| Err(UsersUnavailable("it took too long".to_owned())))
        })
    }
}
