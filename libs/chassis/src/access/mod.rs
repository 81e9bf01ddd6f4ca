//! Access control: offline verification of access tokens (RFC 9068), scopes as extractors, and service tokens for own
//! calls.

mod cache;
mod extract;
mod remote_keys;
mod service_tokens;
mod token;
mod verifier;

#[cfg(test)]
mod tests;

pub use extract::{
    Admin, Bearer, EventsRead, GroupsRead, GroupsWrite, HasVerifier, OpenId, Scope, Scoped, UsersRead,
    UsersWrite,
};
pub use futures_util::future::BoxFuture;
pub use remote_keys::RemoteKeys;
pub use service_tokens::{ClientCredentials, IssuedToken, ServiceTokens, TokenError, TokenIssuer};
pub use token::AccessToken;
pub use verifier::{AccessError, FixedKeys, KeySource, KeysUnavailable, Verifier};
