//! The consumer of the user service's events.

use chassis::db::Tx;
use contract::Envelope;
use contract::{
    GroupCreated, GroupDeleted, GroupState, GroupUpdated, RegistrationRejected, UserCreated, UserDeactivated,
    UserDeleted, UserReactivated, UserState, UserUpdated,
};
use events::{Applied, Handler, HandlerError};

use super::Provisioning;
use crate::groups;

/// Applies the events of the user service to the subjects and the graph of groups.
#[derive(Clone)]
pub struct UserEventHandler(Provisioning);

impl UserEventHandler {
    /// A handler that has `provisioning` apply what the events say.
    pub fn new(provisioning: Provisioning) -> Self {
        Self(provisioning)
    }
}

impl Handler for UserEventHandler {
    async fn apply(&self, tx: &mut Tx, event: &Envelope) -> Result<Applied, HandlerError> {
        if let Some(state) = state_from(event)? {
            self.0.apply_state(tx, &state).await?;
        } else if let Some(deleted) = event.open::<UserDeleted>()? {
            self.0.erase(tx, deleted.id).await?;
        } else if let Some(rejected) = event.open::<RegistrationRejected>()? {
            self.0
                .reject_registration(tx, rejected.id, rejected.reason.into())
                .await?;
        } else if let Some(state) = group_state_from(event)? {
            groups::upsert_if_newer(tx, &state).await?;
        } else if let Some(deleted) = event.open::<GroupDeleted>()? {
            groups::insert_tombstone_if_newer(tx, &deleted).await?;
        } else {
            return Ok(Applied::Ignored);
        }
        Ok(Applied::Yes)
    }
}

fn group_state_from(event: &Envelope) -> Result<Option<GroupState>, HandlerError> {
    Ok(match event.open::<GroupCreated>()? {
        Some(GroupCreated(state)) => Some(state),
        None => event.open::<GroupUpdated>()?.map(|GroupUpdated(state)| state),
    })
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
