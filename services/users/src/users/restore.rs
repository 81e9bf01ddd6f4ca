//! What follows when the database of this service was restored from a backup.

use chassis::db::{DbError, Tx};
use contract::{UserDeactivated, UserId, UserState, UserUpdated};
use events::restore::{claim_pending, take_erased};
use uuid::Uuid;

use super::{AGGREGATE, bury_erased, outbox_failed, store};
use crate::app::App;

/// People told of in one statement.
const PAGE: i64 = 500;

/// Raises every version above what was given out before, and tells of everybody anew: whoever follows, over whatever
/// transport, then knows what this service knows. Once, by one replica.
///
/// # Errors
/// When the database fails; nothing is changed then.
pub(crate) async fn after_restore(app: &App) -> Result<(), DbError> {
    let mut tx = app.db.begin("restored").await?;
    let Some(restoration) = claim_pending(&mut tx).await? else {
        return Ok(());
    };
    store::raise_versions(&mut tx, restoration.raises_by()).await?;
    let mut after = Uuid::nil();
    loop {
        let page = store::states_after(&mut tx, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        for state in page {
            append_updated(app, &mut tx, state.id, state).await?;
        }
    }
    after = Uuid::nil();
    loop {
        let page = store::buried_after(&mut tx, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = last.id;
        for gone in page {
            let told = app
                .outbox
                .append(&mut tx, AGGREGATE, gone.id, gone.version, &gone);
            told.await.map_err(outbox_failed)?;
        }
    }
    // Last: what is told of them above is older.
    for erased in take_erased(&mut tx).await? {
        bury_erased(app, &mut tx, erased).await?;
    }
    tx.commit().await?;
    tracing::warn!(
        "the database was restored from a backup of {}; everybody is told of anew",
        restoration.taken_at
    );
    Ok(())
}

async fn append_updated(app: &App, tx: &mut Tx, id: UserId, state: UserState) -> Result<(), DbError> {
    let (version, outbox) = (state.version, &app.outbox);
    let told = if state.active {
        outbox
            .append(tx, AGGREGATE, id, version, &UserUpdated(state))
            .await
    } else {
        outbox
            .append(tx, AGGREGATE, id, version, &UserDeactivated(state))
            .await
    };
    told.map(drop).map_err(outbox_failed)
}
