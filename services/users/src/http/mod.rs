//! The HTTP endpoints, one file each. A handler takes its permission as an extractor; `routes.rs` lists which it is.

pub(crate) mod caller;
pub(crate) mod registrations;
pub(crate) mod scim;
#[cfg(test)]
mod tests;
pub(crate) mod user;

/// Reads a body of `POST /registrations`.
#[cfg(test)]
pub(crate) fn read_registration(
    body: serde_json::Value,
) -> Result<contract::RegistrationRequested, serde_json::Error> {
    serde_json::from_value::<registrations::Command>(body).map(registrations::Command::into_event)
}
