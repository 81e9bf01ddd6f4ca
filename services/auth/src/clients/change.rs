//! The change of a client: its metadata as a whole (RFC 7592 §2.2).

use std::collections::BTreeSet;
use std::iter;
use std::time::Duration;

use chassis::clock::Timestamp;
use chassis::db::{DbError, Tx};

use super::cache::MAX_AGE;
use super::model::{Client, Origin};
use super::registration::SignedStatement;
use super::secrets::{ClientSecret, MAX_SECRETS};
use super::{ClientError, ClientMetadata, Clients, CreatedClient, store};
use crate::assignments;
use crate::grants;
use crate::logouts;

/// The time after a deletion, or a change that takes something from a client, up to which its access tokens are void. A replica
/// may issue tokens by the client as it was for [`MAX_AGE`]. The rest is for the difference of their clocks, and because the
/// change is committed later than the time that it writes.
const VOID_AHEAD: Duration = MAX_AGE.saturating_add(Duration::from_secs(2));

/// A change of the metadata of a client.
pub(super) struct ClientChange<'a> {
    /// The origin of clients that its author may change, which the client has from then on.
    pub(super) origin: Origin,
    /// The metadata as a whole.
    pub(super) metadata: ClientMetadata,
    /// False if the author does not say whether people are asked.
    pub(super) says_consent: bool,
    /// The software statement that the metadata come from, if it is a new one.
    pub(super) statement: Option<SignedStatement<'a>>,
}

/// The state that a client is to have, apart from its origin.
pub(super) struct Replacement {
    /// The metadata as a whole.
    pub(super) metadata: ClientMetadata,
    /// A secret that it is to have.
    pub(super) secret: Option<ClientSecret>,
    /// True if its author names the version that is replaced, and so knows the addresses before.
    pub(super) is_conditional: bool,
    /// True if it has another software statement, and so another version, even when the metadata are the same.
    pub(super) is_restated: bool,
}

impl Clients {
    /// Replaces the metadata of a client, if it still has the version `expected`. A client that authenticates with a secret from
    /// now on is given one. The keys of its algorithms are published before it can use them. Returns `None` if there is no such client.
    /// Without `says_consent` people are asked as before. One that registered itself is managed by administrators from now on: it could undo what they took from it.
    ///
    /// # Errors
    /// [`ClientError::Invalid`] names the member; [`ClientError::Changed`] if it has another version.
    pub async fn update(
        &self,
        id: &str,
        expected: Option<i64>,
        metadata: ClientMetadata,
        says_consent: bool,
    ) -> Result<Option<CreatedClient>, ClientError> {
        metadata.check()?;
        self.check_sector_of(id, expected, &metadata).await?;
        let change = ClientChange {
            origin: Origin::Administrator,
            metadata,
            says_consent,
            statement: None,
        };
        self.update_as(id, expected, change).await
    }

    /// The same, by the author of `change`.
    pub(super) async fn update_as(
        &self,
        id: &str,
        expected: Option<i64>,
        change: ClientChange<'_>,
    ) -> Result<Option<CreatedClient>, ClientError> {
        let mut metadata = change.metadata;
        metadata.check()?;
        self.keys.publish(&metadata.signing_algorithms()).await?;
        let mut tx = self.db.begin("update_client").await?;
        let Some(known) = store::find(&mut tx, id).await? else {
            return Ok(None);
        };
        known.check_changeable(expected)?;
        if !change.says_consent {
            metadata.require_consent |= known.metadata.require_consent;
        }
        let is_restated = match &change.statement {
            // The lock keeps another change from coming between the metadata and the statement that they come from.
            Some(_) if !store::lock_version(&mut tx, &known).await? => return Err(ClientError::Changed),
            Some(statement) => statement.store(&mut tx, id).await?,
            None => false,
        };
        let replacement = Replacement {
            metadata,
            secret: None,
            is_conditional: expected.is_some(),
            is_restated,
        };
        let updated = self.replace(&mut tx, known, change.origin, replacement).await?;
        tx.commit().await?;
        self.cache.remove(id);
        Ok(Some(updated))
    }

    /// Writes the new metadata and the origin of `known`, unless they are the same, and a secret that it is to have. A secret that
    /// it does not have becomes its newest; of those before, the newest stays.
    pub(super) async fn replace(
        &self,
        tx: &mut Tx,
        known: Client,
        origin: Origin,
        replacement: Replacement,
    ) -> Result<CreatedClient, ClientError> {
        let Replacement {
            metadata,
            secret: given,
            is_conditional,
            is_restated,
        } = replacement;
        let has = |given: &ClientSecret| known.secrets.iter().any(|secret| secret.hash == given.hash);
        let given = given.filter(|given| !has(given));
        if known.metadata == metadata && known.origin == origin && given.is_none() && !is_restated {
            return Ok(CreatedClient {
                client: known,
                secret: None,
            });
        }
        let now = self.clock.now();
        let uses_secret = metadata.token_endpoint_auth_method.uses_secret();
        let needs_one = uses_secret && known.secrets.is_empty() && given.is_none();
        let secret = needs_one.then(|| self.random.token());
        let secrets = match (&secret, given) {
            _ if !uses_secret => Vec::new(),
            (Some(secret), _) => vec![ClientSecret::new(&secret.hash(), now)],
            (None, Some(given)) => iter::once(given)
                .chain(known.secrets.iter().cloned())
                .take(MAX_SECRETS)
                .collect(),
            (None, None) => known.secrets.clone(),
        };
        let administrator_addresses = match (origin, &known.registration_token_hash) {
            (Origin::Administrator, Some(_)) => known.chosen_by_administrators(&metadata, is_conditional),
            _ => BTreeSet::new(),
        };
        let voided = self.void_lost_access(tx, &known, &metadata).await?;
        let client = Client {
            secrets,
            metadata,
            origin,
            administrator_addresses,
            tokens_void_until: voided.or(known.tokens_void_until),
            ..known.changed_at(now)
        };
        self.change(tx, &client).await?;
        Ok(CreatedClient { client, secret })
    }

    /// Voids the access tokens of a client that may do less by its metadata `after` (SB-47), and deletes what people were given of
    /// roles that it does not define any more. If it will know people by other identifiers, its grants end too: the `sub` of a refreshed ID token is that of the
    /// first (OpenID Connect Core §12.2). Resource servers verify offline and follow the revocation list. Returns the time up to which they are void.
    pub(super) async fn void_lost_access(
        &self,
        tx: &mut Tx,
        known: &Client,
        after: &ClientMetadata,
    ) -> Result<Option<Timestamp>, DbError> {
        if !known.metadata.loses_access(after) {
            return Ok(None);
        }
        let (id, now) = (known.id.as_str(), self.clock.now());
        let until = void_until(known, now);
        if known.metadata.keeps_subjects(after) {
            grants::void_tokens_of_client(tx, id, until).await?;
        } else {
            grants::revoke_for_client(tx, id, now, until).await?;
            let sector = known.registered().identifier_sector();
            logouts::end_for_client(tx, id, sector.as_deref(), now).await?;
        }
        let (before, after) = (&known.metadata.roles, &after.roles);
        let is_defined = |role: &str| after.contains_key(role);
        assignments::delete_undefined(tx, id, before.keys(), is_defined).await?;
        Ok(Some(until))
    }
}

/// The time up to which the access tokens of a client are void when it is changed or deleted at `now`. Those that it was issued soon
/// after an earlier change have an `iat` in the future: see [`Client::issued_at`].
pub(super) fn void_until(client: &Client, now: Timestamp) -> Timestamp {
    let latest_issued = client
        .tokens_void_until
        .map(|until| until + Duration::from_secs(1));
    latest_issued.unwrap_or(now).max(now + VOID_AHEAD)
}
