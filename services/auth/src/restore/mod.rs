//! The start after the database was restored from a backup.
//!
//! The backup has sessions that ended since, refresh tokens and codes that were used or revoked, invitations
//! that were used, and signing keys that may have leaked. All of them are revoked, unless the operator
//! restored with `--keep-sessions`.

mod sign_in_gate;
mod store;
#[cfg(test)]
mod tests;

use chassis::db::{Db, DbError};
use contract::SessionEnd;
use events::restore::{claim_pending, note_catching_up, pending, take_erased};

pub(crate) use sign_in_gate::{
    SignInGate, check_people_admitted, check_tokens_issued, close_sign_in, gate_api, gate_page, open_sign_in,
};

use crate::app::App;
use crate::{sessions, subjects};

/// Deletes the signing keys of the backup. It runs before the keys are read, so that new ones are generated.
///
/// # Errors
/// When the database fails.
pub(crate) async fn delete_restored_keys(db: &Db) -> Result<(), DbError> {
    let noted = pending(&mut db.reader().await?).await?;
    let Some(restoration) = noted.filter(|restoration| !restoration.keep_sessions) else {
        return Ok(());
    };
    let mut tx = db.begin("restored_keys").await?;
    store::delete_restored_keys(&mut tx, restoration.restored_at).await?;
    tx.commit().await
}

/// Raises every version above what was given out before the restoration, and revokes what must not come back.
/// One replica runs it once.
///
/// # Errors
/// When the database fails. Nothing is changed in that case.
pub(crate) async fn after_restore(app: &App) -> Result<(), DbError> {
    let mut tx = app.db.begin("restored").await?;
    let Some(restoration) = claim_pending(&mut tx).await? else {
        return Ok(());
    };
    note_catching_up(&mut tx, restoration.restored_at).await?;
    store::raise_versions(&mut tx, restoration.raises_by()).await?;
    for erased in take_erased(&mut tx).await? {
        subjects::erase(app, &mut tx, erased).await?;
    }
    if !restoration.keep_sessions {
        for account in store::accounts_with_sessions(&mut tx).await? {
            sessions::end_all(app, &mut tx, account, SessionEnd::Revoked).await?;
        }
        store::delete_one_time_secrets(&mut tx, app.clock.now()).await?;
    }
    tx.commit().await?;
    tracing::warn!(
        "the database was restored from a backup of {}; {}",
        restoration.taken_at,
        if restoration.keep_sessions {
            "its sessions and tokens are good again, as was asked for"
        } else {
            "everybody has to sign in again"
        }
    );
    Ok(())
}
