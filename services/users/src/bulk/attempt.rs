//! One attempt at a transaction of a bulk request.

mod batch;
mod circle;

use std::collections::BTreeMap;

use chassis::db::{DbError, Tx};
use contract::UserState;
use scim::Error;
use scim::bulk::{BulkMethod, BulkOperation, BulkResult, Step};
use scim::version::etag;
use serde_json::Value;
use tokio::time::Instant;

use super::operation::{Done, Failed, Resolved};
use super::passwords::Passwords;
use super::permission::PermissionError;
use super::progress::{Line, Progress, index_of};
use super::{Bulk, Run, TRANSACTION_TIME, locks};
use crate::users::HandedOver;
use circle::unresolved;

/// The reason why an attempt committed nothing, or why nobody knows.
pub(super) enum AttemptError {
    /// The database failed before the commit.
    RolledBack(DbError),
    /// The database failed during the commit.
    CommitUnknown(DbError),
    /// The permission of the caller was lost, or could not be checked.
    Permission(PermissionError),
}

impl From<DbError> for AttemptError {
    fn from(error: DbError) -> Self {
        Self::RolledBack(error)
    }
}

/// An attempt to run the steps that are left in one transaction.
#[derive(Clone, Copy)]
pub(super) struct Attempt<'a> {
    pub(super) bulk: &'a Bulk,
    pub(super) run: Run<'a>,
    pub(super) passwords: &'a Passwords,
    /// The time at which the work before the commit is given up.
    pub(super) deadline: Instant,
    /// The operations that an earlier attempt found to be impossible, after others had referred to their resources.
    pub(super) refused: &'a BTreeMap<usize, Error>,
    /// True if all operations on circles of references are refused.
    pub(super) refuses_circles: bool,
}

/// The transaction of an attempt, and what waits for its commit.
struct Work {
    tx: Tx,
    /// Users who are inserted together, with the numbers of their operations.
    pending: Vec<(usize, UserState)>,
    lines: Vec<Line>,
    /// The operations whose circular references cannot be resolved.
    broken: BTreeMap<usize, Error>,
}

impl Attempt<'_> {
    /// Runs steps until they are done, or for [`TRANSACTION_TIME`], and commits. Nothing is committed when circular references
    /// could not be resolved: the result is then the operations that have to be refused from the start.
    ///
    /// # Errors
    /// See [`AttemptError`].
    pub(super) async fn run(self, progress: &mut Progress) -> Result<BTreeMap<usize, Error>, AttemptError> {
        let work = tokio::select! {
            done = self.run_steps(progress) => done?,
            ended = self.run.permission.ends() => return Err(AttemptError::Permission(ended)),
            () = tokio::time::sleep_until(self.deadline) => {
                return Err(DbError::Unavailable(sqlx::Error::PoolTimedOut).into());
            }
        };
        if work.broken.is_empty() {
            // Under the locks of the changes: what ended since the beginning allows nothing (SB-47).
            self.run
                .permission
                .check()
                .await
                .map_err(AttemptError::Permission)?;
            work.tx.commit().await.map_err(AttemptError::CommitUnknown)?;
            work.lines.into_iter().for_each(Line::write);
        } else {
            work.tx.rollback().await?;
        }
        Ok(work.broken)
    }

    /// Everything before the commit.
    async fn run_steps(self, progress: &mut Progress) -> Result<Work, DbError> {
        let mut work = Work {
            tx: self.bulk.db.begin("bulk").await?,
            pending: Vec::new(),
            lines: Vec::new(),
            broken: BTreeMap::new(),
        };
        let end = self.passwords.end();
        let left = self.run.steps.get(progress.next..end).unwrap_or_default();
        let authority = &self.run.rights.writer.authority;
        locks::acquire(&mut work.tx, self.bulk, (self.run.request, left), authority).await?;
        let started = Instant::now();
        while let Some(step) = self.run.steps.get(progress.next)
            && progress.has_next(self.run.steps)
        {
            self.step(&mut work, progress, step).await?;
            progress.next += 1;
            let is_due = progress.next >= end || started.elapsed() > TRANSACTION_TIME;
            if is_due && progress.incomplete.is_empty() {
                break;
            }
        }
        self.flush(&mut work, progress).await?;
        // No half of a resource is committed: it was not checked.
        let left = progress.incomplete.keys();
        work.broken.extend(left.map(|index| (*index, unresolved())));
        Ok(work)
    }

    async fn step(self, work: &mut Work, progress: &mut Progress, step: &Step) -> Result<(), DbError> {
        let index = index_of(step);
        let Some(operation) = self.run.request.operations.get(index) else {
            return Ok(());
        };
        let refusal = self.refused.get(&index).or_else(|| self.passwords.refusal(index));
        if let Some(error) = refusal {
            if !progress.has_result(index) && !progress.is_spent() {
                self.fail(progress, index, error);
            }
            return Ok(());
        }
        match step {
            Step::Complete(_, rest) => self.complete(work, progress, (index, rest)).await,
            _ if progress.is_spent() => Ok(()),
            Step::Run(_) if self.is_batched(operation) => {
                self.add_pending(work, progress, (index, operation)).await
            }
            Step::Run(_) => self.run_alone(work, progress, (index, operation, None)).await,
            Step::Create(_, _) if self.refuses_circles => {
                self.fail(progress, index, &unresolved());
                Ok(())
            }
            Step::Create(_, data) => {
                self.run_alone(work, progress, (index, operation, Some(data)))
                    .await
            }
            Step::Conflict(_) => {
                self.fail(progress, index, &unresolved());
                Ok(())
            }
        }
    }

    fn resolve(
        self,
        progress: &Progress,
        operation: &BulkOperation,
        data: Option<&Value>,
    ) -> Result<Resolved, Error> {
        self.bulk
            .resolve(operation, data, &progress.created, self.run.rights)
    }

    /// Runs an operation, or its first half with `data`, so that it can be rolled back alone.
    async fn run_alone(
        self,
        work: &mut Work,
        progress: &mut Progress,
        (index, operation, data): (usize, &BulkOperation, Option<&Value>),
    ) -> Result<(), DbError> {
        self.flush(work, progress).await?;
        let resolved = match self.resolve(progress, operation, data) {
            Ok(resolved) => resolved,
            Err(error) => {
                self.fail(progress, index, &error);
                return Ok(());
            }
        };
        match self.apply(work, resolved, self.passwords.handed(index)).await? {
            Ok(done) if data.is_some() => {
                progress.incomplete.insert(index, done.id);
                work.lines.extend(done.line);
                self.record_created(progress, operation, &done);
            }
            Ok(done) => self.succeed(work, progress, index, done),
            Err(error) => self.fail(progress, index, &error),
        }
        Ok(())
    }

    async fn apply(
        self,
        work: &mut Work,
        operation: Resolved,
        handed: Option<HandedOver>,
    ) -> Result<Result<Done, Error>, DbError> {
        work.tx.savepoint().await?;
        let rights = self.run.rights;
        match self.bulk.apply(&mut work.tx, operation, (rights, handed)).await {
            Ok(done) => {
                work.tx.release_savepoint().await?;
                Ok(Ok(done))
            }
            Err(Failed::Refused(error)) => {
                work.tx.roll_back_to_savepoint().await?;
                Ok(Err(error))
            }
            Err(Failed::Db(error)) => Err(error),
        }
    }

    fn succeed(self, work: &mut Work, progress: &mut Progress, index: usize, done: Done) {
        let Some(operation) = self.run.request.operations.get(index) else {
            return;
        };
        work.lines.extend(done.line);
        self.record_created(progress, operation, &done);
        let endpoint = operation.target.as_ref().map(|target| target.endpoint.as_str());
        let result = BulkResult {
            method: operation.method,
            bulk_id: operation.bulk_id.clone(),
            location: Some(format!(
                "{}{}/{}",
                self.bulk.base,
                endpoint.unwrap_or_default(),
                done.id
            )),
            version: done.version.map(etag),
            status: done.status,
            response: None,
        };
        progress.record(index, result);
    }

    fn record_created(self, progress: &mut Progress, operation: &BulkOperation, done: &Done) {
        if let (BulkMethod::Post, Some(bulk_id)) = (operation.method, &operation.bulk_id) {
            progress.created.record(bulk_id, &done.id.to_string());
        }
    }

    fn fail(self, progress: &mut Progress, index: usize, error: &Error) {
        progress.fail(index, self.run.request, &self.bulk.base, error);
    }
}
