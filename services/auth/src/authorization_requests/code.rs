//! The authorization code of a saved request: one for each request, however often the browser sends the answer of the person.
//!
//! A double click sends the answer twice, and the browser shows only the second response. So the code is derived from the handle, and
//! the second response has the code of the first, as long as nobody has used it. The row of the request is locked by then, so that of
//! answers that come at once one inserts the code and the others find it.

use chassis::db::{DbError, Tx};
use chassis::secret::Token;

use super::{ANSWERED_LIFETIME, AuthorizationRequests, store};
use crate::grants::{self, CodeRow, MAX_CODE_LIFETIME};
use crate::tokens::Grant;

/// The code that answers a saved request.
#[derive(Debug)]
pub(crate) enum RequestCode {
    /// The request has no code yet. The one that is inserted has to be this.
    Unissued(Token),
    /// The request has this code for the same grant. Nobody has used it, and it has not expired.
    Issued(Token),
    /// The request has expired, or its code has, was used or is for another grant.
    Over,
}

impl AuthorizationRequests {
    /// Claims the code of the saved request with this handle for a grant to `client`, in the transaction that inserts it. The request is answered
    /// by then: it expires within [`ANSWERED_LIFETIME`], so that it makes room for others.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn claim_code(
        &self,
        tx: &mut Tx,
        handle: &Token,
        (client, grant): (&str, &Grant),
    ) -> Result<RequestCode, DbError> {
        let now = self.clock.now();
        if !store::claim(tx, &handle.hash(), now, now + ANSWERED_LIFETIME).await? {
            return Ok(RequestCode::Over);
        }
        let mut first = None;
        for code in self.tokens.codes_of_request(handle) {
            if let Some(row) = grants::find_code(tx, &code.hash()).await? {
                let is_unused =
                    row.grant_id.is_none() && !row.expires_at.left(now, MAX_CODE_LIFETIME).is_zero();
                return Ok(match is_unused && row.client_id == client && is_of(&row, grant) {
                    true => RequestCode::Issued(code),
                    false => RequestCode::Over,
                });
            }
            first.get_or_insert(code);
        }
        Ok(first.map_or(RequestCode::Over, RequestCode::Unissued))
    }
}

/// True if a code stands for this access of the same person, in the same session.
fn is_of(row: &CodeRow, grant: &Grant) -> bool {
    row.subject == grant.subject
        && row.session_id == grant.session_id
        && row.scope == grant.scope.to_string()
        && row.audiences.0 == grant.audiences
}
