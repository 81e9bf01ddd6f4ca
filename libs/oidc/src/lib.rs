//! OAuth 2 and OpenID Connect as a protocol: requests, answers, errors and JOSE, parsed into types that cannot hold
//! a bad value.
//!
//! Nothing here does I/O, knows a database or asks the clock: time is an argument.

pub mod authorize;
pub mod claims;
pub mod client_auth;
pub mod discovery;
pub mod error;
pub mod jose;
pub mod logout;
pub mod params;
pub mod pkce;
pub mod redirect_uri;
pub mod resource;
pub mod scope;
pub mod token;
