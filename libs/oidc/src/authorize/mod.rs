//! `/oauth2/authorize`: authorization request, decision and response (RFC 6749 §4.1.1–2, OpenID Connect Core §3.1.2,
//! RFC 9207), and `/oauth2/par`, to which clients push requests (RFC 9126). A request may come in a signed object (RFC 9101).
//!
//! The caller parses a request ([`UnverifiedAuthorizationRequest::parse`]), reads the client that it names, checks the request
//! against the client ([`check()`]), reads the browser's session, and decides ([`CheckedRequest::decide`]).

mod check;
mod decision;
mod mode;
mod pushed;
mod request;
mod request_object;
mod response;

#[cfg(test)]
mod tests;

pub use check::{CheckedRequest, check};
pub use decision::{CodeGrant, Decision, Session};
pub use mode::ResponseMode;
pub use pushed::{PUSHED_REQUEST_SECONDS, PushedResponse, check_pushed, pushed_reference, pushed_request};
pub use request::{AuthorizationRequest, Prompt, REPEATABLE, UnverifiedAuthorizationRequest};
pub use request_object::{RequestObjectError, refuse_request_object};
pub use response::{
    AuthorizationError, AuthorizationResponse, EncodedResponse, ErrorRedirect, PageError, ResponseClaims,
    ResponseTarget,
};
