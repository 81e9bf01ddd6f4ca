//! `/oauth2/authorize`: authorization request, decision and response (RFC 6749 §4.1.1–2, OpenID Connect Core §3.1.2,
//! RFC 9207).
//!
//! The caller parses a request ([`UnverifiedAuthorizationRequest::parse`]), reads the client that it names, checks the request
//! against the client ([`check`]), reads the browser's session, and decides ([`CheckedRequest::decide`]).

mod decision;
mod request;
mod response;

#[cfg(test)]
mod tests;

pub use decision::{CheckedRequest, CodeGrant, Decision, Session, check};
pub use request::{AuthorizationRequest, Prompt, UnverifiedAuthorizationRequest};
pub use response::{AuthorizationError, ErrorRedirect, PageError, ResponseTarget};
