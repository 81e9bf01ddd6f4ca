//! Software statements of clients that register themselves (RFC 7591 §2.3).

use chassis::db::{DbError, Tx};
use oidc::registration::RegistrationRequest;

use super::store;

/// The software statement of a request that was accepted (RFC 7591 §2.3).
pub(in crate::clients) struct SignedStatement<'a> {
    issuer: String,
    statement: &'a str,
}

impl<'a> SignedStatement<'a> {
    pub(super) fn of(request: &'a RegistrationRequest) -> Option<Self> {
        Some(Self {
            issuer: request.statement_issuer()?,
            statement: request.software_statement()?,
        })
    }

    /// Stores it as the one of a client, in the transaction that writes the metadata that come from it. Returns whether the client
    /// had another one, or none.
    pub(in crate::clients) async fn store(&self, tx: &mut Tx, client_id: &str) -> Result<bool, DbError> {
        store::set_statement(tx, client_id, &self.issuer, self.statement).await
    }
}
