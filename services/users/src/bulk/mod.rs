//! Bulk requests (RFC 7644 §3.7): many changes of users and groups, which share transactions.
//!
//! Each operation is rolled back alone when it fails, and a thousand creations cost one durable commit. A result is reported
//! only after its commit.

mod attempt;
mod locks;
mod operation;
mod passwords;
mod permission;
mod progress;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use chassis::db::{Db, DbError};
use scim::bulk::{BulkLimits, BulkRequest, BulkResult, Plan, Step};
use scim::schema::Registry;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::groups::Groups;
use crate::users::{Users, Writer};
use attempt::{Attempt, AttemptError};
use passwords::Passwords;
use permission::CheckedPermission;
pub(crate) use permission::{Permission, PermissionError};
use progress::Progress;

/// Bulk requests that are run at the same time by a replica: each has a connection to the database.
const CONCURRENT: usize = 2;
/// The longest that a bulk request waits for others.
const PATIENCE: Duration = Duration::from_secs(5);
/// The time after which a transaction is committed, so that others can write between two transactions of a large request.
const TRANSACTION_TIME: Duration = Duration::from_secs(1);
/// The time after which no further transaction is begun, from the arrival of the request.
const REQUEST_TIME: Duration = Duration::from_secs(20);
/// The time after which a transaction is rolled back that is not at its end: the client is told of all before it, which would be
/// lost to it when the whole request is given up.
const LAST_TIME: Duration = Duration::from_secs(25);
/// Attempts at a transaction that the engine ended, because it and another one waited for each other.
const MAX_ATTEMPTS: u32 = 5;
/// Attempts at a transaction with circular references that cannot be resolved. After that all are refused.
const MAX_CIRCLE_ATTEMPTS: u32 = 3;

/// The reason why nothing of a request was run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BulkError {
    /// Other bulk requests are run.
    #[error("too many bulk requests at the same time")]
    Busy,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// The rights of a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rights {
    /// True if the caller may change users.
    pub(crate) users: bool,
    /// True if the caller may change groups.
    pub(crate) groups: bool,
    /// The caller as a writer of users and groups.
    pub(crate) writer: Writer,
}

/// A request that is run.
#[derive(Clone, Copy)]
struct Run<'a> {
    request: &'a BulkRequest,
    steps: &'a [Step],
    rights: &'a Rights,
    permission: &'a CheckedPermission<'a>,
    /// The time of its arrival.
    started: Instant,
}

/// The collaborators of bulk requests. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Bulk {
    db: Db,
    users: Users,
    groups: Groups,
    registry: Arc<Registry>,
    /// The URL of `/scim/v2`.
    base: Arc<str>,
    limits: BulkLimits,
    permits: Arc<Semaphore>,
}

/// The parts of a [`Bulk`].
pub(crate) struct Parts {
    pub(crate) db: Db,
    pub(crate) users: Users,
    pub(crate) groups: Groups,
    pub(crate) registry: Arc<Registry>,
    /// The URL of `/scim/v2`.
    pub(crate) base: Arc<str>,
    pub(crate) limits: BulkLimits,
}

impl Bulk {
    pub(crate) fn new(parts: Parts) -> Self {
        Self {
            db: parts.db,
            users: parts.users,
            groups: parts.groups,
            registry: parts.registry,
            base: parts.base,
            limits: parts.limits,
            permits: Arc::new(Semaphore::new(CONCURRENT)),
        }
    }

    /// The number of requests that are run.
    #[cfg(test)]
    pub(crate) fn running(&self) -> usize {
        CONCURRENT - self.permits.available_permits()
    }

    /// The limits of a request.
    pub(crate) fn limits(&self) -> &BulkLimits {
        &self.limits
    }

    /// The attribute registry.
    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Runs the operations of a request. Returns the results of those that were run, in the order of the request.
    ///
    /// # Errors
    /// See [`BulkError`]; then nothing was changed.
    pub(crate) async fn run(
        &self,
        request: &BulkRequest,
        (rights, permission): (&Rights, &dyn Permission),
    ) -> Result<Vec<BulkResult>, BulkError> {
        let started = Instant::now();
        let permit = tokio::time::timeout(PATIENCE, self.permits.acquire()).await;
        let Ok(Ok(_permit)) = permit else {
            return Err(BulkError::Busy);
        };
        let steps = Plan::new(request, &self.registry).steps;
        let permission = CheckedPermission::new(permission);
        let mut passwords = Passwords::default();
        let mut progress = Progress::new(request.fail_on_errors);
        let run = Run {
            request,
            steps: &steps,
            rights,
            permission: &permission,
            started,
        };
        let outcome = self.run_all(run, &mut progress, &mut passwords).await;
        passwords.cancel_all(self).await;
        outcome.map(|()| progress.into_results())
    }

    /// Runs transactions until all steps are done.
    async fn run_all(
        &self,
        run: Run<'_>,
        progress: &mut Progress,
        passwords: &mut Passwords,
    ) -> Result<(), BulkError> {
        let Run {
            request,
            steps,
            started,
            ..
        } = run;
        while progress.has_next(steps) {
            if started.elapsed() > REQUEST_TIME {
                let reason = scim::Error::new(
                    503,
                    "the request took too long before this operation; send it again",
                );
                progress.fail_rest(steps, request, &self.base, &reason);
                return Ok(());
            }
            let (error, reason) = match self.transaction(run, progress, passwords).await {
                Ok(()) => {
                    passwords.settle(self, progress).await;
                    continue;
                }
                Err(AttemptError::Permission(ended)) => {
                    log_ended(&ended);
                    progress.fail_rest(steps, request, &self.base, ended.error());
                    return Ok(());
                }
                Err(AttemptError::RolledBack(error)) => {
                    let reason = unavailable(&error);
                    (error, reason)
                }
                Err(AttemptError::CommitUnknown(error)) => {
                    // Changes that may have been made keep their passwords: `auth` deletes those of the others later.
                    *passwords = Passwords::default();
                    let reason = unavailable(&error);
                    (error, reason)
                }
            };
            if progress.is_empty() {
                return Err(error.into());
            }
            // The transactions before are durable.
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "a transaction of a bulk request failed: its operations are reported as failed"
            );
            progress.fail_rest(steps, request, &self.base, &reason);
        }
        Ok(())
    }

    /// Runs the next steps in one transaction and commits them, after their passwords were handed over.
    async fn transaction(
        &self,
        run: Run<'_>,
        progress: &mut Progress,
        passwords: &mut Passwords,
    ) -> Result<(), AttemptError> {
        let deadline = run.started + LAST_TIME;
        passwords
            .hand_over(self, progress, (run.request, run.steps), run.rights, deadline)
            .await
            .map_err(AttemptError::RolledBack)?;
        run.permission.check().await.map_err(AttemptError::Permission)?;
        let (mut attempts, mut circles) = (1, 1);
        let mut refused = std::collections::BTreeMap::new();
        loop {
            let attempt = Attempt {
                bulk: self,
                run,
                passwords,
                deadline,
                refused: &refused,
                refuses_circles: circles > MAX_CIRCLE_ATTEMPTS,
            };
            let mut next = progress.clone();
            match attempt.run(&mut next).await {
                Ok(broken) if broken.is_empty() => {
                    *progress = next;
                    return Ok(());
                }
                Ok(broken) => {
                    circles = circles.saturating_add(1);
                    refused.extend(broken);
                }
                Err(AttemptError::RolledBack(error)) if error.is_deadlock() && attempts < MAX_ATTEMPTS => {
                    attempts += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// Logs that the rest of a request was not run. The line has the caller, as every line of a request.
fn log_ended(ended: &PermissionError) {
    let error = ended.error();
    match ended {
        PermissionError::Lost(_) => tracing::warn!(
            "a bulk request was ended, because its caller may not make it any more: {}",
            error.detail
        ),
        PermissionError::Unchecked(_) => tracing::warn!(
            "a bulk request was ended, because the permission of its caller could not be checked: {}",
            error.detail
        ),
    }
}

/// The failure of a transaction, as the error of its operations.
fn unavailable(error: &DbError) -> scim::Error {
    match error.is_transient() {
        true => scim::Error::new(503, "the database is not available; send the operation again"),
        false => scim::Error::new(500, "the database failed"),
    }
}
