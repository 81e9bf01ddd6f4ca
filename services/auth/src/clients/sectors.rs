//! Documents of sectors: a `sector_identifier_uri` lists all redirect URIs of its clients (OpenID Connect Core §8.1, Registration
//! §5). The party that can write the document vouches for them. That says nothing of the client, so a client that registers itself has to prove its sector
//! in every other way too: see [`ClientMetadata::check_proof_of_sector`].

use oidc::client::WebUri;

use super::fetches;
use super::model::Origin;
use super::{ClientError, ClientMetadata, Clients, InvalidMetadata};

/// The member that errors are about.
const MEMBER: &str = "sector_identifier_uri";
/// The largest document in bytes.
const MAX_BYTES: usize = 64 * 1024;

impl Clients {
    /// Checks the document of a sector for the client `id`, which an administrator makes or changes. Nobody is called for a change
    /// that is refused anyway.
    ///
    /// # Errors
    /// [`ClientError::Invalid`]; [`ClientError::Changed`] if it has another version than `expected`;
    /// [`ClientError::Configured`]; and when the database fails.
    pub(super) async fn check_sector_of(
        &self,
        id: &str,
        expected: Option<i64>,
        metadata: &ClientMetadata,
    ) -> Result<(), ClientError> {
        let Some(uri) = &metadata.sector_identifier_uri else {
            return Ok(());
        };
        let known = self.find_newest(id).await?;
        match &known {
            Some(known) => known.check_changeable(expected)?,
            None if expected.is_some() => return Ok(()),
            None => {}
        }
        // An address that the client chose itself is fetched as such, also when an administrator adds a redirect URI or writes an old
        // copy back.
        let is_same = |client: &super::Client| client.metadata.sector_identifier_uri.as_ref() == Some(uri);
        let origin = match &known {
            Some(client) if expected.is_none() || is_same(client) => client.address_origin(uri.as_str()),
            _ => Origin::Administrator,
        };
        let known = known.as_ref().map(|client| &client.metadata);
        Ok(self.check_sector(origin, known, metadata).await?)
    }

    /// Checks that the document of `sector_identifier_uri` lists every redirect URI, unless `known` was registered with the same.
    /// It is fetched for a client of this origin.
    ///
    /// # Errors
    /// [`InvalidMetadata`]. It does not say why the document cannot be read: a caller must not learn what this server can reach.
    pub(super) async fn check_sector(
        &self,
        origin: Origin,
        known: Option<&ClientMetadata>,
        metadata: &ClientMetadata,
    ) -> Result<(), InvalidMetadata> {
        let Some(uri) = sector_to_check(known, metadata) else {
            return Ok(());
        };
        let outbound = self.assertions.key_sets().outbound(origin);
        let read = fetches::read(outbound, uri.as_url(), "application/json", MAX_BYTES).await;
        let document = read.map_err(|error| {
            tracing::warn!(error.message = %error, "the document of a sector_identifier_uri cannot be read");
            InvalidMetadata {
                field: MEMBER,
                detail: "the document cannot be read: expected a JSON array at an https URL that this server can call",
            }
        })?;
        if metadata.is_listed_in(&document) {
            return Ok(());
        }
        Err(InvalidMetadata {
            field: MEMBER,
            detail: "the document is not a JSON array that lists every one of redirect_uris",
        })
    }
}

/// The `sector_identifier_uri`, if its document has to be read.
pub(super) fn sector_to_check<'a>(
    known: Option<&ClientMetadata>,
    metadata: &'a ClientMetadata,
) -> Option<&'a WebUri> {
    let is_checked = known.is_some_and(|known| {
        known.sector_identifier_uri == metadata.sector_identifier_uri
            && metadata
                .redirect_uris
                .iter()
                .all(|uri| known.redirect_uris.contains(uri))
    });
    metadata.sector_identifier_uri.as_ref().filter(|_| !is_checked)
}
