//! The authority of one person, read again in the transaction of a change.

use chassis::access::BoxFuture;
use chassis::db::{DbError, Tx};
use contract::UserId;

use super::Delegations;
use crate::authority::{Authority, Source};
use crate::users;

/// The delegations to one person.
pub(crate) struct DelegationsTo {
    pub(crate) delegations: Delegations,
    pub(crate) user: UserId,
}

impl Source for DelegationsTo {
    fn read<'a>(&'a self, tx: &'a mut Tx) -> BoxFuture<'a, Result<Option<Authority>, DbError>> {
        Box::pin(async move {
            let found = users::find_stored(tx, self.user).await?;
            match found.is_some_and(|user| user.active) {
                true => self.delegations.authority_of(tx, self.user).await,
                false => Ok(None),
            }
        })
    }
}
