//! What this service hears from `auth`.

use chassis::db::Tx;
use contract::Envelope;
use contract::{EventData, RegistrationRequested, SubjectErased};
use events::{Applied, Handler, HandlerError};

use crate::app::SharedApp;
use crate::users::{self, store as people_store};

/// Applies the events of the authentication service: registrations, and the word that a person is erased there.
#[derive(Clone)]
pub(crate) struct AuthEventHandler(pub(crate) SharedApp);

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
            Ok(Some(wanted)) => super::decide(&self.0, tx, wanted).await?,
            // Data that cannot make a person gets an answer too: somebody waits for it.
            Ok(None) | Err(_) => {
                tracing::warn!(event.id = %event.id, "a registration cannot be read, and is refused");
                super::decide_unreadable(&self.0, tx, event.subject).await?
            }
        };
        Ok(Applied::Yes)
    }

    async fn erasure(&self, tx: &mut Tx, event: &Envelope) -> Result<Applied, HandlerError> {
        if let Some(erased) = event.open::<SubjectErased>()? {
            users::bury_erased(&self.0, tx, erased.id).await?;
            people_store::record_erasure(tx, erased.id, erased.erased_at).await?;
        }
        Ok(Applied::Yes)
    }
}
