//! The contract between the services: the words they share, the events they publish and the envelope around them.
//!
//! Changes are additive only: a field may be added when old readers can do without it; everything else is a new
//! version of the type beside the old one. Readers ignore fields that they do not know. For every type there is a
//! JSON Schema under `schemas/` and an example that never changes under `golden/`.

mod accounts;
mod asyncapi;
mod catalogue;
mod envelope;
#[cfg(test)]
mod examples;
mod file_name;
mod groups;
pub mod paths;
mod people;
mod profile;
pub mod scopes;
#[cfg(test)]
mod tests;
mod user_name;
mod vocabulary;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

pub use accounts::{
    ClientCreated, ClientDeleted, ClientRemoved, ClientState, ClientUpdated, ConsentChange, ConsentGranted,
    ConsentWithdrawn, CredentialAdded, CredentialChange, CredentialKind, CredentialRemoved, EmailVerified,
    LoginFailed, LoginFailure, RegistrationRequested, RoleAssigned, RoleChange, RoleWithdrawn, SessionEnd,
    SessionEnded, SessionStarted, SubjectErased, TokenReuseDetected,
};
pub use asyncapi::ASYNCAPI;
pub use catalogue::{EventType, catalogue};
pub use envelope::{Envelope, EnvelopeError, EventContext, SpecVersion};
pub use file_name::{FileName, FileNameError};
pub use groups::{ADMINISTRATORS_ID, GroupCreated, GroupDeleted, GroupState, GroupUpdated, MAX_GROUP_LEVELS};
pub use people::{
    Email, PersonName, RegistrationRejected, RejectionReason, UserCreated, UserDeactivated, UserDeleted,
    UserReactivated, UserState, UserUpdated,
};
pub use profile::{MAX_NAME_LENGTH, is_language_tag};
pub use user_name::{InvalidUserName, UserName};
pub use vocabulary::{EmailAddress, InvalidEmailAddress};

/// The id of a person, the same in every service.
pub type UserId = Uuid;

/// The id of a group, the same in every service.
pub type GroupId = Uuid;

/// The data of one type of event in one version.
pub trait EventData: Serialize + DeserializeOwned + JsonSchema + Send + Sync {
    /// The CloudEvents `type`: `vestibule.user.created.v1`.
    const TYPE: &'static str;
    /// The version at the end of [`EventData::TYPE`].
    const SCHEMA_VERSION: i32;
}

/// Implements [`EventData`] and, for `NAME(STATE)`, a type of its own around a shared state.
macro_rules! event_data {
    ($($(#[$meta:meta])* $name:ident($state:ty) = $type:literal, $version:literal;)+) => {$(
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub $state);

        crate::event_data!(impl $name = $type, $version);
    )+};
    (impl $name:ty = $type:literal, $version:literal) => {
        impl $crate::EventData for $name {
            const TYPE: &'static str = $type;
            const SCHEMA_VERSION: i32 = $version;
        }
    };
}
use event_data;
