//! Known devices: a browser or program in which a person signed in before is counted for itself when a sign-in fails.

use chassis::db::{DbError, Tx};
use chassis::secret::Token;
use uuid::Uuid;

use super::store;
use crate::app::App;

/// Makes a token that marks a browser or program as known to this account, to be kept by it for long. Only its hash
/// is stored. It proves nothing but an earlier sign-in (SB-7).
///
/// # Errors
/// When the database fails.
pub async fn remember_device(app: &App, tx: &mut Tx, account: Uuid) -> Result<Token, DbError> {
    let token = app.random.token();
    store::insert_device(tx, &token.hash(), account, app.clock.now()).await?;
    Ok(token)
}
