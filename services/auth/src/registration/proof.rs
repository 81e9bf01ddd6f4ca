//! The proof that a browser made a registration which is being set up: it signs in once, from that browser, for
//! [`PROOF_LIFETIME`], and ends with the sessions of the account.

use std::time::Duration;

use chassis::clock::{SKEW, Timestamp};
use chassis::db::DbError;
use chassis::secret::{Token, TokenHash};
use uuid::Uuid;

use super::store;
use crate::app::App;

/// How long a browser may come back to a registration without giving the password again.
pub(crate) const PROOF_LIFETIME: Duration = Duration::from_secs(15 * 60);

/// Gives the browser with the secret `browser` a proof for the registration `id`. The earlier one is worthless from then on.
///
/// # Errors
/// When the database fails.
pub(crate) async fn issue(app: &App, id: Uuid, browser: &Token) -> Result<Token, DbError> {
    let proof = app.random.token();
    let mut tx = app.db.begin("registration_proof").await?;
    store::set_proof(&mut tx, id, &bound_hash(&proof, browser), app.clock.now()).await?;
    tx.commit().await?;
    Ok(proof)
}

/// A new proof in place of the one that the registration `id` has, for the same browser's second click; nothing when that
/// was used, or has ended.
///
/// # Errors
/// When the database fails.
pub(crate) async fn replace(app: &App, id: Uuid, browser: &Token) -> Result<Option<Token>, DbError> {
    let proof = app.random.token();
    let now = app.clock.now();
    let mut tx = app.db.begin("registration_proof").await?;
    let replaced =
        store::replace_proof(&mut tx, id, &bound_hash(&proof, browser), validity_window(now)).await?;
    tx.commit().await?;
    Ok(replaced.then_some(proof))
}

/// Whether `proof` is good for the registration `id` in this browser. Changes nothing.
///
/// # Errors
/// When the database fails.
pub(crate) async fn is_valid(app: &App, id: Uuid, proof: &Token, browser: &Token) -> Result<bool, DbError> {
    let now = app.clock.now();
    let mut reader = app.db.reader().await?;
    store::has_proof(&mut reader, id, &bound_hash(proof, browser), validity_window(now)).await
}

/// Uses the proof up. When the password was given that it stands for, or nothing when it is no good.
///
/// # Errors
/// When the database fails.
pub(crate) async fn redeem(
    app: &App,
    id: Uuid,
    proof: &Token,
    browser: &Token,
) -> Result<Option<Timestamp>, DbError> {
    let now = app.clock.now();
    let mut tx = app.db.begin("registration_proof").await?;
    let given = store::use_proof(&mut tx, id, &bound_hash(proof, browser), validity_window(now)).await?;
    tx.commit().await?;
    Ok(given)
}

/// The hash of a proof in one browser: in another, it is another proof.
fn bound_hash(proof: &Token, browser: &Token) -> TokenHash {
    TokenHash::of(&format!("registration:{}:{}", proof.expose(), browser.expose()))
}

/// When a proof was given that is good at `now`: after the first, and not after the second. The clock of the replica that gave it
/// may be ahead of this one.
fn validity_window(now: Timestamp) -> (Timestamp, Timestamp) {
    (now - PROOF_LIFETIME, now + SKEW)
}
