//! The options for the logo and the pages of a client (RFC 7591 §2), of `client add` and `client update`.

use oidc::client::{ClientMetadata, WebUri};

/// The options for the logo and the pages. What is not given is left as it is.
#[derive(Debug, clap::Args)]
pub(super) struct PageArgs {
    /// Home page of the application; the consent page leads to it
    #[arg(long, value_name = "URL")]
    client_uri: Option<WebUri>,
    /// Logo of the application: a PNG, JPEG, GIF or WebP image, which the service fetches and the consent page shows
    #[arg(long, value_name = "URL")]
    logo_uri: Option<WebUri>,
    /// Privacy policy of the application; the consent page leads to it
    #[arg(long, value_name = "URL")]
    policy_uri: Option<WebUri>,
    /// Terms of service of the application; the consent page leads to them
    #[arg(long, value_name = "URL")]
    tos_uri: Option<WebUri>,
}

impl PageArgs {
    /// True if an option was given.
    pub(super) fn is_given(&self) -> bool {
        let given = [&self.client_uri, &self.logo_uri, &self.policy_uri, &self.tos_uri];
        given.iter().any(|uri| uri.is_some())
    }

    /// Writes the given options into `metadata`.
    pub(super) fn apply(&self, metadata: &mut ClientMetadata) {
        for (given, member) in [
            (&self.client_uri, &mut metadata.client_uri),
            (&self.logo_uri, &mut metadata.logo_uri),
            (&self.policy_uri, &mut metadata.policy_uri),
            (&self.tos_uri, &mut metadata.tos_uri),
        ] {
            if given.is_some() {
                member.clone_from(given);
            }
        }
    }
}
