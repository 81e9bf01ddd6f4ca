//! OAuth 2 and OpenID Connect as a protocol: requests, responses, errors and JOSE, parsed into types that cannot hold an
//! invalid value.
//!
//! This crate does no I/O, and knows no database and no clock: the time is an argument.

pub mod acr;
pub mod assignment;
pub mod authorization_details;
pub mod authorize;
pub mod claims;
pub mod claims_request;
pub mod client;
pub mod client_auth;
pub mod consent;
pub mod device;
pub mod discovery;
pub mod dpop;
pub mod error;
pub mod exchange;
pub mod grant;
pub mod id_token_hint;
pub mod introspection;
pub mod jose;
pub mod logout;
pub mod parameters;
pub mod params;
pub mod pkce;
pub mod redirect_uri;
pub mod registration;
pub mod resource;
pub mod revocation;
pub mod scope;
pub mod server;
pub mod subject;
#[cfg(test)]
mod testing;
pub mod token;
