//! Asking the user service.

use std::future::Future;
use std::pin::Pin;

use events::contract::{RegistrationRequested, UserState};

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

/// The user service over HTTP.
pub struct HttpUsers;
