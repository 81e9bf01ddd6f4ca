//! `[authorization]` of the configuration: the limits on waiting authorization requests, and whether they are pushed.

use schemars::JsonSchema;
use serde::Deserialize;

/// `[authorization]`: authorization requests that wait while a person signs in, for 10 minutes at most. One that finds
/// no room still works, unless it is large or asks for a new sign-in. Device codes wait here too.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AuthorizationSettings {
    /// Requests from one address that may wait, as many that clients without a secret have pushed from it, and as many of
    /// their device codes. Raise it when very many people share an address.
    pub waiting_per_source: u32,
    /// Requests that may wait in all. Each takes 12 KiB at most.
    pub waiting_in_all: u32,
    /// Pushed requests (RFC 9126) of one client that may wait for their browsers, for 90 seconds each.
    pub pushed_per_client: u32,
    /// Pushed requests that may be stored in all, those included that were used or have expired a minute ago. Each takes
    /// 12 KiB at most.
    pub pushed_in_all: u32,
    /// Device codes (RFC 8628) of one client that may wait for tokens, for ten minutes each.
    pub devices_per_client: u32,
    /// Device codes that may wait for tokens in all.
    pub devices_in_all: u32,
    /// Requires every client to push its requests. A client can be required to by its registration alone.
    pub require_pushed_authorization_requests: bool,
}

impl Default for AuthorizationSettings {
    fn default() -> Self {
        Self {
            waiting_per_source: 500,
            waiting_in_all: 20_000,
            pushed_per_client: 10_000,
            pushed_in_all: 40_000,
            devices_per_client: 10_000,
            devices_in_all: 40_000,
            require_pushed_authorization_requests: false,
        }
    }
}
