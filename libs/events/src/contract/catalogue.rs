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
    /// The service that publishes it: `auth` or `users`.
    pub service: &'static str,
    /// The JSON Schema (2020-12) of its data.
    pub schema: Schema,
}

fn entry<T: EventData>(service: &'static str) -> EventType {
    let mut schema = schemars::SchemaGenerator::from(schemars::generate::SchemaSettings::draft2020_12())
        .into_root_schema_for::<T>();
    schema.insert("title".to_owned(), T::TYPE.into());
    EventType {
        name: T::TYPE,
        service,
        schema,
    }
}

/// All types, those of the user service first.
pub fn catalogue() -> Vec<EventType> {
    vec![
        entry::<UserCreated>("users"),
        entry::<UserUpdated>("users"),
        entry::<UserDeactivated>("users"),
        entry::<UserReactivated>("users"),
        entry::<UserDeleted>("users"),
        entry::<RegistrationRejected>("users"),
        entry::<RegistrationRequested>("auth"),
        entry::<SubjectErased>("auth"),
        entry::<EmailVerified>("auth"),
        entry::<SessionStarted>("auth"),
        entry::<SessionEnded>("auth"),
        entry::<LoginFailed>("auth"),
        entry::<CredentialAdded>("auth"),
        entry::<CredentialRemoved>("auth"),
        entry::<ClientCreated>("auth"),
        entry::<ClientUpdated>("auth"),
        entry::<ClientDeleted>("auth"),
        entry::<TokenReuseDetected>("auth"),
        entry::<ConsentGranted>("auth"),
        entry::<ConsentWithdrawn>("auth"),
    ]
}
