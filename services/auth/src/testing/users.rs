//! People, and the user service that these tests play.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Mutex;

use contract::{RegistrationRequested, UserState};
use uuid::Uuid;

use super::BEGINNING;
use crate::registration::Rejection;
use crate::sign_up::{RegistrationDecision, UsersService, UsersUnavailable};

/// A user service to be told what to answer. It accepts everybody at first.
pub(crate) struct FakeUsers(Mutex<Behaviour>);

/// The kind of answer that a [`FakeUsers`] gives.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Behaviour {
    Accept,
    Reject(Rejection),
    Down,
}

impl FakeUsers {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Behaviour::Accept))
    }

    pub(crate) fn behave(&self, behaviour: Behaviour) {
        *self.0.lock().unwrap() = behaviour;
    }
}

impl UsersService for FakeUsers {
    fn register<'a>(
        &'a self,
        request: &'a RegistrationRequested,
    ) -> Pin<Box<dyn Future<Output = Result<RegistrationDecision, UsersUnavailable>> + Send + 'a>> {
        let behaviour = *self.0.lock().unwrap();
        Box::pin(async move {
            match behaviour {
                Behaviour::Accept => Ok(RegistrationDecision::Accepted(Box::new(state_of(request)))),
                Behaviour::Reject(why) => Ok(RegistrationDecision::Rejected(why)),
                Behaviour::Down => Err(UsersUnavailable("switched off".to_owned())),
            }
        })
    }
}

/// The state that the user service makes of a registration.
pub(crate) fn state_of(request: &RegistrationRequested) -> UserState {
    UserState {
        id: request.id,
        user_name: request.user_name.clone(),
        name: request.name.clone().unwrap_or_default(),
        emails: Vec::new(),
        locale: request.locale.clone(),
        zoneinfo: None,
        active: true,
        attributes: BTreeMap::new(),
        groups: request.groups.clone(),
        group_ids: None,
        external_ids: Default::default(),
        credential_id: None,
        deleted_at: None,
        version: 1,
        created_at: request.requested_at,
        updated_at: request.requested_at,
    }
}

/// A person called `name`.
pub(crate) fn person_state(id: Uuid, name: &str) -> UserState {
    UserState {
        id,
        user_name: name.parse().unwrap(),
        name: contract::PersonName::default(),
        emails: Vec::new(),
        locale: None,
        zoneinfo: None,
        active: true,
        attributes: BTreeMap::new(),
        groups: Vec::new(),
        group_ids: None,
        external_ids: Default::default(),
        credential_id: None,
        deleted_at: None,
        version: 1,
        created_at: BEGINNING,
        updated_at: BEGINNING,
    }
}
