//! Access control: offline verification of access tokens (RFC 9068), scopes as extractors, and service tokens for own
//! calls.

mod cache;
mod challenge;
mod dpop;
mod extract;
mod possession;
mod remote_keys;
mod scope;
mod service_tokens;
mod token;
mod verifier;

#[cfg(test)]
mod tests;

pub use challenge::{Scheme, check_recent_sign_in, insufficient_scope, invalid_token, revoked_token};
pub use dpop::{DPOP, DPOP_NONCE, Dpop, NonceChecked, add_dpop_nonce};
pub use extract::{Bearer, HasVerifier, Scoped, bearer_token};
pub use futures_util::future::BoxFuture;
pub use remote_keys::RemoteKeys;
pub use scope::{
    Admin, AnyRead, AnyWrite, EventsRead, GroupsRead, GroupsWrite, OpenId, Scope, UsersRead, UsersWrite,
};
pub use service_tokens::{ClientCredentials, IssuedToken, ServiceTokens, TokenError, TokenIssuer};
pub use token::AccessToken;
pub use verifier::{AccessError, FixedKeys, KeySource, KeysUnavailable, Verifier};
