//! OAuth 2 and OpenID Connect as a protocol: requests, responses, errors and JOSE, parsed into types that cannot hold an
//! invalid value.
//!
//! This crate does no I/O, and knows no database and no clock: the time is an argument.

pub mod authorize;
pub mod claims;
pub mod client;
pub mod client_auth;
pub mod discovery;
pub mod error;
pub mod grant;
pub mod id_token_hint;
pub mod jose;
pub mod logout;
pub mod parameters;
pub mod params;
pub mod pkce;
pub mod redirect_uri;
pub mod resource;
pub mod revocation;
pub mod scope;
pub mod server;
#[cfg(test)]
mod testing;
pub mod token;
