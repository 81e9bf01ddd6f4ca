//! Protected hosts that a declarative file manages. Each is written together with its mark, so that no failure leaves one without it.

mod store;
#[cfg(test)]
mod tests;

use chassis::db::{DbError, Tx};
use forward_auth::Origin;

use super::store as hosts;
use super::{HostSettings, ProtectedHost, ProtectedHostError, ProtectedHosts, check};
use crate::managed::{Ending, Expected, FileName, Managed};

/// A protected host as a declarative file wants it.
#[derive(Debug)]
pub struct WantedHost {
    /// The name of the file.
    pub managed_by: FileName,
    /// The file that manages it so far; without one, no file does. Nothing is expected of what does not exist.
    pub owner: Option<FileName>,
    /// The origin.
    pub origin: Origin,
    /// The whole settings.
    pub settings: HostSettings,
}

impl ProtectedHosts {
    /// Makes or changes a host as a declarative file wants it, and marks it as managed by the file.
    ///
    /// # Errors
    /// [`ProtectedHostError::Taken`] when it exists against the expectation, and [`ProtectedHostError::Changed`] when it has another
    /// version, is gone, or is managed by another file than expected.
    pub async fn apply(
        &self,
        expected: Expected,
        wanted: WantedHost,
    ) -> Result<ProtectedHost, ProtectedHostError> {
        let WantedHost {
            managed_by,
            owner,
            origin,
            settings,
        } = wanted;
        let mut tx = self.db.begin("apply_protected_host").await?;
        let applied = match expected {
            Expected::Absent => {
                let made = self.insert_new(&mut tx, origin, settings).await?;
                store::insert(&mut tx, &made, &managed_by, self.clock.now()).await?;
                made
            }
            Expected::Version(version) => {
                let changed = self.change(&mut tx, (&origin, version), settings).await?;
                let files = (owner.as_ref(), &managed_by);
                if !store::claim(&mut tx, &changed, files, self.clock.now()).await? {
                    return Err(ProtectedHostError::Changed);
                }
                changed
            }
        };
        tx.commit().await?;
        self.cache.remove(&applied.origin);
        Ok(applied)
    }

    /// Writes the settings of a host of this version, unless it has them.
    async fn change(
        &self,
        tx: &mut Tx,
        (origin, version): (&Origin, i64),
        settings: HostSettings,
    ) -> Result<ProtectedHost, ProtectedHostError> {
        check(&settings)?;
        let host = origin.host();
        // The lock keeps another change from coming between what is read and the mark.
        if !hosts::lock_version(tx, &host, version).await? {
            return Err(ProtectedHostError::Changed);
        }
        let known = hosts::find(tx, &host).await?;
        let known = known.ok_or(ProtectedHostError::Changed)?;
        if known.origin != *origin {
            return Err(ProtectedHostError::Scheme);
        }
        if known.settings == settings {
            return Ok(known);
        }
        hosts::update(tx, &host, &settings, self.clock.now()).await?;
        let changed = hosts::find(tx, &host).await?;
        changed.ok_or(ProtectedHostError::Changed)
    }

    /// Ends the management of a host of this version by a file; with a deletion the sessions there end. Returns whether the file
    /// manages it and, for a deletion, made it.
    ///
    /// # Errors
    /// [`ProtectedHostError::Changed`] when it has another version.
    pub async fn end_management(
        &self,
        host: &str,
        managed_by: &FileName,
        version: i64,
        ending: Ending,
    ) -> Result<bool, ProtectedHostError> {
        let mut tx = self.db.begin("end_management_of_host").await?;
        let Some(found) = hosts::find(&mut tx, host).await? else {
            return Ok(false);
        };
        // The mark is read under the lock: another file may take the host over without changing its version.
        if !hosts::lock_version(&mut tx, host, version).await? {
            return Err(ProtectedHostError::Changed);
        }
        if !store::unmark(&mut tx, host, managed_by, ending).await? {
            return Ok(false);
        }
        if ending == Ending::Delete {
            hosts::delete(&mut tx, host).await?;
        }
        tx.commit().await?;
        self.cache.remove(&found.origin);
        Ok(true)
    }

    /// One page of the marks of hosts after `after`, in their order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_managed(&self, after: &str, limit: u16) -> Result<Vec<Managed>, DbError> {
        store::list(&mut self.db.reader().await?, after, i64::from(limit)).await
    }
}
