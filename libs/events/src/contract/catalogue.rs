//! Every type of event there is.

use schemars::Schema;

use super::{
    ClientCreated, ClientDeleted, ClientUpdated, ConsentGranted, ConsentWithdrawn, CredentialAdded,
    CredentialRemoved, EmailVerified, EventData, LoginFailed, RegistrationRejected, RegistrationRequested,
    SessionEnded, SessionStarted, SubjectErased, TokenReuseDetected, UserCreated, UserDeactivated,
    UserDeleted, UserReactivated, UserUpdated,
};

/// One type of event.
#[derive(Clone, Debug)]
pub struct EventType {
    /// `vestibule.user.created.v1`.
    pub name: &'static str,
    /// The JSON Schema (2020-12) of its data.
    pub schema: Schema,
}

fn entry<T: EventData>() -> EventType {
    let mut schema = schemars::SchemaGenerator::from(schemars::generate::SchemaSettings::draft2020_12())
        .into_root_schema_for::<T>();
    schema.insert("title".to_owned(), T::TYPE.into());
    EventType {
        name: T::TYPE,
        schema,
    }
}

/// All types, those of the user service first.
pub fn catalogue() -> Vec<EventType> {
    vec![
        entry::<UserCreated>(),
        entry::<UserUpdated>(),
        entry::<UserDeactivated>(),
        entry::<UserReactivated>(),
        entry::<UserDeleted>(),
        entry::<RegistrationRejected>(),
        entry::<RegistrationRequested>(),
        entry::<SubjectErased>(),
        entry::<EmailVerified>(),
        entry::<SessionStarted>(),
        entry::<SessionEnded>(),
        entry::<LoginFailed>(),
        entry::<CredentialAdded>(),
        entry::<CredentialRemoved>(),
        entry::<ClientCreated>(),
        entry::<ClientUpdated>(),
        entry::<ClientDeleted>(),
        entry::<TokenReuseDetected>(),
        entry::<ConsentGranted>(),
        entry::<ConsentWithdrawn>(),
    ]
}
