//! The registration proof: a browser that registered signs in once without giving the password again.
//!
//! A proof is bound to the browser, is valid for [`PROOF_LIFETIME`], and ends with the sessions of the
//! account.

use std::time::Duration;

use chassis::clock::{SKEW, Timestamp};
use chassis::db::{DbError, Tx};
use chassis::secret::{Token, TokenHash};
use uuid::Uuid;

use super::{Registrations, store};

/// The lifetime of a proof.
pub(crate) const PROOF_LIFETIME: Duration = Duration::from_secs(15 * 60);

impl Registrations {
    /// Issues a proof of the registration `id` to the browser with the cookie `browser`. An earlier proof becomes
    /// invalid.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn issue_proof(&self, id: Uuid, browser: &Token) -> Result<Token, DbError> {
        let proof = self.random.token();
        let mut tx = self.db.begin("registration_proof").await?;
        store::set_proof(&mut tx, id, &bound_hash(&proof, browser), self.clock.now()).await?;
        tx.commit().await?;
        Ok(proof)
    }

    /// Replaces the proof of the registration `id`, for the second click of the same browser. Returns `None` when
    /// the proof was used or has expired.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn replace_proof(&self, id: Uuid, browser: &Token) -> Result<Option<Token>, DbError> {
        let proof = self.random.token();
        let now = self.clock.now();
        let mut tx = self.db.begin("registration_proof").await?;
        let replaced =
            store::replace_proof(&mut tx, id, &bound_hash(&proof, browser), validity_window(now)).await?;
        tx.commit().await?;
        Ok(replaced.then_some(proof))
    }

    /// True if `proof` is valid for the registration `id` in this browser. It changes nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn is_proof_valid(
        &self,
        id: Uuid,
        proof: &Token,
        browser: &Token,
    ) -> Result<bool, DbError> {
        let now = self.clock.now();
        let mut reader = self.db.reader().await?;
        store::has_proof(&mut reader, id, &bound_hash(proof, browser), validity_window(now)).await
    }

    /// Redeems the proof. Returns when the password was given, or `None` when the proof is invalid.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn redeem_proof(
        &self,
        id: Uuid,
        proof: &Token,
        browser: &Token,
    ) -> Result<Option<Timestamp>, DbError> {
        let now = self.clock.now();
        let mut tx = self.db.begin("registration_proof").await?;
        let given = store::use_proof(&mut tx, id, &bound_hash(proof, browser), validity_window(now)).await?;
        tx.commit().await?;
        Ok(given)
    }
}

/// The hash of a proof, bound to the browser.
fn bound_hash(proof: &Token, browser: &Token) -> TokenHash {
    TokenHash::of(&format!("registration:{}:{}", proof.expose(), browser.expose()))
}

/// The window in which a proof was issued that is valid at `now`: after the first time and not after the
/// second. The clock of the replica that issued it may be ahead of this one.
fn validity_window(now: Timestamp) -> (Timestamp, Timestamp) {
    (now - PROOF_LIFETIME, now + SKEW)
}

/// Deletes every proof, because the database was restored from a backup.
///
/// # Errors
/// When the database fails.
pub(crate) async fn after_restore(tx: &mut Tx) -> Result<(), DbError> {
    store::clear_all_proofs(tx).await
}
