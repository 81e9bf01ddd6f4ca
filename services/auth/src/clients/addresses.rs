//! Addresses that this server calls for a client, and the party that chose each of them (SB-32).

use std::collections::BTreeSet;

use oidc::client::WebUri;
use oidc::redirect_uri::RedirectUri;

use super::ClientMetadata;
use super::model::{Client, Origin};

/// The addresses that this server calls for a client, each with its member. A stranger may choose them, so this list is the one
/// that is checked at the registration.
pub(super) fn called_addresses(
    metadata: &ClientMetadata,
) -> impl DoubleEndedIterator<Item = (&'static str, &str)> {
    let logout = metadata.backchannel_logout_uri.as_ref().map(RedirectUri::as_str);
    let objects = metadata.request_uris.iter();
    [
        ("jwks_uri", metadata.jwks_uri.as_ref().map(WebUri::as_str)),
        ("backchannel_logout_uri", logout),
        ("logo_uri", metadata.logo_uri.as_ref().map(WebUri::as_str)),
        (
            "sector_identifier_uri",
            metadata.sector_identifier_uri.as_ref().map(WebUri::as_str),
        ),
    ]
    .into_iter()
    .filter_map(|(member, url)| Some((member, url?)))
    .chain(objects.map(|uri| ("request_uris", uri.document().as_str())))
}

impl Client {
    /// The party that chose `address`, an address of the metadata. What a client chose when it registered itself stays its choice when
    /// an administrator changes the client and leaves the address: the exceptions of the operator do not hold for it.
    pub(crate) fn address_origin(&self, address: &str) -> Origin {
        match self.origin {
            Origin::Administrator
                if self.registration_token_hash.is_some()
                    && !self.administrator_addresses.contains(address) =>
            {
                Origin::Registration
            }
            origin => origin,
        }
    }

    /// The addresses of `metadata` that administrators chose, if one of them writes it to this client, which registered itself: those
    /// that they chose before, and those that the client did not have. The latter only if the change `is_conditional`, for the version
    /// that was read: who writes an old copy back repeats what the client chose at that time.
    pub(super) fn chosen_by_administrators(
        &self,
        metadata: &ClientMetadata,
        is_conditional: bool,
    ) -> BTreeSet<String> {
        let known: BTreeSet<&str> = called_addresses(&self.metadata).map(|(_, url)| url).collect();
        let is_new = |url: &str| is_conditional && !known.contains(url);
        called_addresses(metadata)
            .map(|(_, url)| url)
            .filter(|url| is_new(url) || self.administrator_addresses.contains(*url))
            .map(str::to_owned)
            .collect()
    }
}
