//! The consumer of the user service's events.

use chassis::db::Tx;
use contract::Envelope;
use contract::{
    RegistrationRejected, UserCreated, UserDeactivated, UserDeleted, UserReactivated, UserState, UserUpdated,
};
use events::{Applied, Handler, HandlerError};

use super::apply;
use crate::app::SharedApp;
use crate::registration;

/// Applies the events of the user service to the subjects.
#[derive(Clone)]
pub struct UserEventHandler(SharedApp);

impl UserEventHandler {
    /// A handler that writes to the database of `app`.
    pub fn new(app: SharedApp) -> Self {
        Self(app)
    }
}

impl Handler for UserEventHandler {
    async fn apply(&self, tx: &mut Tx, event: &Envelope) -> Result<Applied, HandlerError> {
        if let Some(state) = state_from(event)? {
            apply::apply_state(&self.0, tx, &state).await?;
        } else if let Some(deleted) = event.open::<UserDeleted>()? {
            apply::erase(&self.0, tx, deleted.id).await?;
        } else if let Some(rejected) = event.open::<RegistrationRejected>()? {
            registration::reject(&self.0, tx, rejected.id, rejected.reason.into()).await?;
        } else {
            return Ok(Applied::Ignored);
        }
        Ok(Applied::Yes)
    }
}

fn state_from(event: &Envelope) -> Result<Option<UserState>, HandlerError> {
    Ok(match event.open::<UserCreated>()? {
        Some(UserCreated(state)) => Some(state),
        None => match event.open::<UserUpdated>()? {
            Some(UserUpdated(state)) => Some(state),
            None => match event.open::<UserDeactivated>()? {
                Some(UserDeactivated(state)) => Some(state),
                None => event
                    .open::<UserReactivated>()?
                    .map(|UserReactivated(state)| state),
            },
        },
    })
}
