//! The creations of users that are inserted together.

use chassis::db::DbError;
use contract::UserState;
use scim::bulk::{BulkMethod, BulkOperation};

use super::{Attempt, Work};
use crate::bulk::operation::{Failed, user_created};
use crate::bulk::progress::Progress;

impl Attempt<'_> {
    /// True if an operation is a creation of a user that can be run together with others. With `failOnErrors`, the result of each
    /// operation decides about the next one.
    pub(super) fn is_batched(self, operation: &BulkOperation) -> bool {
        let is_of_users = |endpoint: &str| endpoint == self.bulk.registry.users().endpoint;
        let target = operation.target.as_ref();
        self.run.request.fail_on_errors.is_none()
            && operation.method == BulkMethod::Post
            && target.is_ok_and(|target| is_of_users(&target.endpoint))
    }

    /// Adds a creation to those that are run together.
    pub(super) async fn add_pending(
        self,
        work: &mut Work,
        progress: &mut Progress,
        (index, operation): (usize, &BulkOperation),
    ) -> Result<(), DbError> {
        let mut resolved = self.resolve(progress, operation, None);
        if resolved.is_err() && !work.pending.is_empty() {
            // It may refer to one of them.
            self.flush(work, progress).await?;
            resolved = self.resolve(progress, operation, None);
        }
        let prepared = resolved.map_err(Failed::Refused).and_then(|creation| {
            let handed = self.passwords.handed(index);
            self.bulk.prepare_user(&creation, self.run.rights, handed)
        });
        match prepared {
            Ok(state) => work.pending.push((index, state)),
            Err(Failed::Refused(error)) => self.fail(progress, index, &error),
            Err(Failed::Db(error)) => return Err(error),
        }
        Ok(())
    }

    /// Inserts the users who are to be inserted together.
    pub(super) async fn flush(self, work: &mut Work, progress: &mut Progress) -> Result<(), DbError> {
        if work.pending.is_empty() {
            return Ok(());
        }
        let (indexes, states): (Vec<usize>, Vec<UserState>) =
            std::mem::take(&mut work.pending).into_iter().unzip();
        let authority = &self.run.rights.writer.authority;
        let mut refused = self
            .bulk
            .users
            .insert_all_new(&mut work.tx, &states, authority)
            .await?;
        for (place, (index, state)) in indexes.into_iter().zip(&states).enumerate() {
            match refused.remove(&place).map(Failed::from) {
                None => self.succeed(work, progress, index, user_created(state)),
                Some(Failed::Refused(error)) => self.fail(progress, index, &error),
                Some(Failed::Db(error)) => return Err(error),
            }
        }
        Ok(())
    }
}
