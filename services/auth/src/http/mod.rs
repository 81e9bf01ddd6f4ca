//! The HTTP endpoints for programs, one file each. A handler reads the request, calls a use case and maps its
//! outcome to a response. `routes.rs` lists which route has which handler and which permission.

pub(crate) mod admin_assignments;
pub(crate) mod admin_client_secrets;
pub(crate) mod admin_clients;
pub(crate) mod admin_consents;
pub(crate) mod admin_credentials;
pub(crate) mod admin_initial_tokens;
pub(crate) mod admin_keys;
pub(crate) mod admin_personal_data;
pub(crate) mod admin_protected_hosts;
pub(crate) mod admin_scopes;
pub(crate) mod admin_sessions;
pub(crate) mod admin_users;
pub(crate) mod authenticate;
pub(crate) mod authorize;
pub(crate) mod caller;
pub(crate) mod device_authorization;
pub(crate) mod discovery;
pub(crate) mod dpop;
pub(crate) mod forward_auth;
pub(crate) mod introspect;
pub(crate) mod jwks;
pub(crate) mod logout;
pub(crate) mod managed;
pub(crate) mod oauth_endpoint;
pub(crate) mod par;
pub(crate) mod pending_credentials;
mod preconditions;
pub(crate) mod register;
pub(crate) mod revocations;
pub(crate) mod revoke;
pub(crate) mod sign_in_gate;
pub(crate) mod token;
pub(crate) mod userinfo;

#[cfg(test)]
mod tests;
