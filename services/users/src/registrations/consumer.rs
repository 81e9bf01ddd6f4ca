//! The handler of the events of `auth`.

use chassis::db::Tx;
use contract::Envelope;
use contract::{EventData, RegistrationRequested, SubjectErased};
use events::{Applied, Handler, HandlerError};

use super::Registrations;
use crate::users::{self, Users};

/// Applies the events of `auth`: `registration.requested`, and `subject.erased`.
#[derive(Clone)]
pub(crate) struct AuthEventHandler {
    pub(crate) registrations: Registrations,
    pub(crate) users: Users,
}

impl Handler for AuthEventHandler {
    async fn apply(&self, tx: &mut Tx, event: &Envelope) -> Result<Applied, HandlerError> {
        match event.kind.as_str() {
            RegistrationRequested::TYPE => self.registration(tx, event).await,
            SubjectErased::TYPE => self.erasure(tx, event).await,
            _ => Ok(Applied::Ignored),
        }
    }
}

impl AuthEventHandler {
    async fn registration(&self, tx: &mut Tx, event: &Envelope) -> Result<Applied, HandlerError> {
        match event.open::<RegistrationRequested>() {
            Ok(Some(wanted)) => self.registrations.decide(tx, wanted).await?,
            // Data that cannot make a user gets an answer too: somebody waits for it.
            Ok(None) | Err(_) => {
                tracing::warn!(event.id = %event.id, "registration event cannot be parsed: registration rejected");
                self.registrations.decide_unreadable(tx, event.subject).await?
            }
        };
        Ok(Applied::Yes)
    }

    async fn erasure(&self, tx: &mut Tx, event: &Envelope) -> Result<Applied, HandlerError> {
        if let Some(erased) = event.open::<SubjectErased>()? {
            self.users.delete_erased(tx, erased.id).await?;
            users::record_erasure(tx, erased.id, erased.erased_at).await?;
        }
        Ok(Applied::Yes)
    }
}
