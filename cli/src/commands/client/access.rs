//! The options that stand for the APIs that a client calls or is, and for its access tokens.

use clap::ValueEnum;
use oidc::client::{AccessTokenFormat, ClientMetadata};
use oidc::redirect_uri::RedirectUri;
use oidc::resource::Resource;

/// The options about access tokens, and about the end of sessions. What is not given is left as it is.
#[derive(Debug, clap::Args)]
pub(super) struct AccessArgs {
    /// API that it may get access tokens for (RFC 8707), by its URI; may be given several times [default: both services of
    /// Vestibule]
    #[arg(long, value_name = "URI", value_parser = Resource::parse)]
    audience: Vec<Resource>,
    /// API that it is itself, by its URI: it may introspect the access tokens for it
    #[arg(long, value_name = "URI", value_parser = Resource::parse)]
    resource: Option<Resource>,
    /// Format of its access tokens [default: jwt]
    #[arg(long, value_name = "FORMAT")]
    access_token_format: Option<Format>,
    /// It gets access tokens that are bound to a key of its own alone (DPoP) [default: false]
    #[arg(long, value_name = "BOOL")]
    dpop_bound_access_tokens: Option<bool>,
    /// URI that is called when a session ends in which somebody used it (Back-Channel Logout)
    #[arg(long, value_name = "URI")]
    backchannel_logout_uri: Option<RedirectUri>,
}

/// The formats of access tokens.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// APIs verify them by themselves (RFC 9068)
    Jwt,
    /// APIs have to introspect them
    Opaque,
}

impl AccessArgs {
    /// True if an option was given.
    pub(super) fn is_given(&self) -> bool {
        !self.audience.is_empty()
            || self.resource.is_some()
            || self.access_token_format.is_some()
            || self.dpop_bound_access_tokens.is_some()
            || self.backchannel_logout_uri.is_some()
    }

    /// Writes the given options into `metadata`.
    pub(super) fn apply(&self, metadata: &mut ClientMetadata) {
        if !self.audience.is_empty() {
            metadata.audiences.clone_from(&self.audience);
        }
        if self.resource.is_some() {
            metadata.resource.clone_from(&self.resource);
        }
        if let Some(format) = self.access_token_format {
            metadata.access_token_format = match format {
                Format::Jwt => AccessTokenFormat::Jwt,
                Format::Opaque => AccessTokenFormat::Opaque,
            };
        }
        if let Some(bound) = self.dpop_bound_access_tokens {
            metadata.dpop_bound_access_tokens = bound;
        }
        if self.backchannel_logout_uri.is_some() {
            metadata
                .backchannel_logout_uri
                .clone_from(&self.backchannel_logout_uri);
        }
    }
}
