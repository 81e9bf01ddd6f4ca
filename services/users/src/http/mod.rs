//! The HTTP endpoints, one file each. A handler takes its permission as an extractor; `routes.rs` lists which it is.

pub(crate) mod admin_users;
pub(crate) mod caller;
pub(crate) mod delegations;
pub(crate) mod deleted_users;
pub(crate) mod exports;
pub(crate) mod imports;
pub(crate) mod personal_data;
pub(crate) mod protected_resource;
pub(crate) mod provisioning_clients;
pub(crate) mod registrations;
pub(crate) mod scim;
#[cfg(test)]
mod tests;
pub(crate) mod user;

use http::header::{CACHE_CONTROL, HeaderName};

/// The header of responses with personal data or secrets (SB-18).
const NO_STORE: [(HeaderName, &str); 1] = [(CACHE_CONTROL, "no-store")];

/// Reads a body of `POST /registrations`.
#[cfg(test)]
pub(crate) fn read_registration(
    body: serde_json::Value,
) -> Result<contract::RegistrationRequested, serde_json::Error> {
    serde_json::from_value::<registrations::Command>(body).map(registrations::Command::into_event)
}
