//! The start after the database was restored from a backup.
//!
//! The backup has sessions that ended since, refresh tokens and codes that were used or revoked, invitations
//! that were used, and signing keys that may have leaked. All of them are revoked, unless the operator
//! restored with `--keep-sessions`.

mod sign_in_gate;
#[cfg(test)]
mod tests;

use chassis::db::{Db, DbError};
use events::restore::{claim_pending, note_catching_up, pending, take_erased};

pub(crate) use sign_in_gate::{
    SignInGate, check_people_admitted, check_tokens_issued, close_sign_in, gate_api, gate_page, open_sign_in,
};

use crate::app::App;
use crate::{
    accounts, authorization_requests, clients, form_submissions, grants, keys, registration, sessions, setup,
    subjects,
};

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
    keys::delete_restored(&mut tx, restoration.restored_at).await?;
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
    let by = restoration.raises_by();
    accounts::raise_versions(&mut tx, by).await?;
    clients::raise_versions(&mut tx, by).await?;
    subjects::raise_versions(&mut tx, by).await?;
    for erased in take_erased(&mut tx).await? {
        subjects::erase(app, &mut tx, erased).await?;
    }
    if !restoration.keep_sessions {
        sessions::after_restore(app, &mut tx).await?;
        grants::revoke_all(&mut tx, app.clock.now()).await?;
        authorization_requests::after_restore(&mut tx).await?;
        form_submissions::after_restore(&mut tx).await?;
        accounts::forget_all_devices(&mut tx).await?;
        registration::proof::after_restore(&mut tx).await?;
        setup::after_restore(&mut tx).await?;
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
