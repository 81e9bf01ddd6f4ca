//! OAuth 2 and OpenID Connect as a protocol: requests, answers, errors and JOSE, parsed into types that cannot hold
//! a bad value.
//!
//! Nothing here does I/O, knows a database or asks the clock: time is an argument.

pub mod jose;
