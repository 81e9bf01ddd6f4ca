//! The HTTP endpoints for programs, one file each. A handler reads the request, calls a use case and maps its
//! outcome to a response. `routes.rs` lists which route has which handler and which permission.

pub(crate) mod admin_clients;
pub(crate) mod admin_credentials;
pub(crate) mod admin_keys;
pub(crate) mod admin_users;
pub(crate) mod authenticate;
pub(crate) mod authorize;
pub(crate) mod caller;
pub(crate) mod discovery;
pub(crate) mod jwks;
pub(crate) mod logout;
pub(crate) mod oauth_endpoint;
pub(crate) mod revocations;
pub(crate) mod revoke;
pub(crate) mod sign_in_gate;
pub(crate) mod token;
pub(crate) mod userinfo;

#[cfg(test)]
mod tests;
