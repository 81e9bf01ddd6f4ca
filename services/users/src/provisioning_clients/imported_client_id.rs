//! Ids of provisioning clients that come from outside: from another installation, or from an import.

use std::collections::BTreeSet;

use chassis::db::{DbError, Tx};
use uuid::Uuid;

use super::model::invalid;
use super::{ProvisioningClients, ProvisioningError, store};

impl ProvisioningClients {
    /// Those of the `client_id`s that are of provisioning clients by their form, and of none that is here.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn unknown_among(&self, clients: &BTreeSet<&str>) -> Result<BTreeSet<String>, DbError> {
        let asked: BTreeSet<Uuid> = clients.iter().filter_map(|client| client_id_of(client)).collect();
        if asked.is_empty() {
            return Ok(BTreeSet::new());
        }
        let known = store::existing(&mut self.db.reader().await?, &asked).await?;
        Ok(asked.difference(&known).map(Uuid::to_string).collect())
    }
}

/// Checks that a new client may have this id.
///
/// # Errors
/// [`ProvisioningError::Invalid`] for what is no id of a provisioning client, [`ProvisioningError::IdTaken`].
pub(super) async fn check_free(tx: &mut Tx, id: Uuid) -> Result<(), ProvisioningError> {
    if client_id_of(&id.to_string()).is_none() {
        return Err(invalid(
            "id",
            "expected the id of a provisioning client, a UUID of version 7",
        ));
    }
    // What a deleted client gave is still being removed by its id.
    let is_taken = store::find_client(tx, id).await?.is_some() || store::deleted(tx).await?.contains(&id);
    match is_taken {
        true => Err(ProvisioningError::IdTaken),
        false => Ok(()),
    }
}

/// The id of the provisioning client that a `client_id` is, if it has the form of one (version 7).
pub(super) fn client_id_of(client: &str) -> Option<Uuid> {
    let id: Uuid = client.parse().ok()?;
    (id.get_version_num() == 7 && id.to_string() == client).then_some(id)
}
