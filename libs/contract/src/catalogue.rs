//! Every type of event there is.

use schemars::Schema;
#[cfg(test)]
use schemars::SchemaGenerator;

use super::{
    ClientCreated, ClientDeleted, ClientUpdated, ConsentGranted, ConsentWithdrawn, CredentialAdded,
    CredentialRemoved, EmailVerified, EventData, GroupCreated, GroupDeleted, GroupUpdated, LoginFailed,
    RegistrationRejected, RegistrationRequested, RoleAssigned, RoleWithdrawn, SessionEnded, SessionStarted,
    SubjectErased, TokenReuseDetected, UserCreated, UserDeactivated, UserDeleted, UserReactivated,
    UserUpdated,
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

/// A type of event, and whose it is.
#[cfg(test)]
#[derive(Clone, Debug)]
pub(super) struct Told {
    /// `vestibule.user.created.v1`.
    pub(super) name: &'static str,
    /// The service that tells it.
    pub(super) by: &'static str,
    /// The schema of its data, which refers to the definitions of the generator.
    pub(super) schema: serde_json::Value,
}

/// Calls a macro with every type and the service that tells it.
macro_rules! every_type {
    ($each:ident) => {
        [
            $each!("users", UserCreated),
            $each!("users", UserUpdated),
            $each!("users", UserDeactivated),
            $each!("users", UserReactivated),
            $each!("users", UserDeleted),
            $each!("users", RegistrationRejected),
            $each!("users", GroupCreated),
            $each!("users", GroupUpdated),
            $each!("users", GroupDeleted),
            $each!("auth", RegistrationRequested),
            $each!("auth", SubjectErased),
            $each!("auth", EmailVerified),
            $each!("auth", SessionStarted),
            $each!("auth", SessionEnded),
            $each!("auth", LoginFailed),
            $each!("auth", CredentialAdded),
            $each!("auth", CredentialRemoved),
            $each!("auth", ClientCreated),
            $each!("auth", ClientUpdated),
            $each!("auth", ClientDeleted),
            $each!("auth", TokenReuseDetected),
            $each!("auth", ConsentGranted),
            $each!("auth", ConsentWithdrawn),
            $each!("auth", RoleAssigned),
            $each!("auth", RoleWithdrawn),
        ]
    };
}

/// All types, those of the user service first.
pub fn catalogue() -> Vec<EventType> {
    macro_rules! each {
        ($by:literal, $data:ty) => {
            entry::<$data>($by)
        };
    }
    every_type!(each).to_vec()
}

/// All types, with schemas that share the definitions of `generator`.
#[cfg(test)]
pub(super) fn entries(generator: &mut SchemaGenerator) -> Vec<Told> {
    macro_rules! each {
        ($by:literal, $data:ty) => {
            Told {
                name: <$data>::TYPE,
                by: $by,
                schema: generator.subschema_for::<$data>().to_value(),
            }
        };
    }
    every_type!(each).to_vec()
}
