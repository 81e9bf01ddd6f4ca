//! The passwords of the operations of a bulk request, which are handed to the authentication service before the transaction of the
//! operation begins, as those of single requests are. See [`crate::credentials`].
//!
//! A transaction ends before the first operation whose password was not handed over. That is so when many are to be hashed, and
//! when the operation depends on one before it, as a change of a user who is created in the same request.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use chassis::db::DbError;
use scim::Error;
use scim::bulk::{BulkMethod, BulkOperation, BulkRequest, Created, Step};
use serde_json::Value;
use tokio::time::{Instant, timeout, timeout_at};
use uuid::Uuid;

use super::operation::Failed;
use super::progress::{Progress, index_of};
use super::{Bulk, Rights};
use crate::users::{HandedOver, NewPassword};

/// The passwords that are handed over before one transaction: the first operations wait until all of them are hashed.
const MAX_PASSWORDS: usize = 32;
/// The passwords that are handed over at the same time, so that they do not fill the queue of those who sign in.
const LANES: usize = 2;
/// The passwords that the authentication service may fail to take before the request asks it for no other one.
const MAX_FAILURES: u32 = 3;
/// The longest that a request waits for cancellations. `auth` deletes later what is not cancelled.
const CANCEL_TIME: Duration = Duration::from_secs(2);

/// The passwords of a request that were handed over, and those that were refused.
#[derive(Default)]
pub(super) struct Passwords {
    outcomes: BTreeMap<usize, Result<HandedOver, Error>>,
    failures: u32,
    end: usize,
}

/// The search for passwords in the steps before one transaction.
struct Scan {
    found: Vec<(usize, NewPassword)>,
    created: Created,
    /// Resources of circles of references that are begun and not completed: a transaction cannot end there.
    open: usize,
    /// True if there is a step that is not refused.
    has_work: bool,
}

impl Passwords {
    /// The number of the step before which the next transaction ends.
    pub(super) fn end(&self) -> usize {
        self.end
    }

    /// The password of an operation that was handed over.
    pub(super) fn handed(&self, index: usize) -> Option<HandedOver> {
        self.outcomes.get(&index)?.as_ref().ok().copied()
    }

    /// The refusal of an operation whose password was not taken.
    pub(super) fn refusal(&self, index: usize) -> Option<&Error> {
        self.outcomes.get(&index)?.as_ref().err()
    }

    /// Hands over the passwords of the operations that the next transaction may run.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn hand_over(
        &mut self,
        bulk: &Bulk,
        progress: &Progress,
        (request, steps): (&BulkRequest, &[Step]),
        rights: &Rights,
        deadline: Instant,
    ) -> Result<(), DbError> {
        self.end = steps.len();
        if progress.is_spent() {
            return Ok(());
        }
        let mut scan = Scan {
            found: Vec::new(),
            created: progress.created.clone(),
            open: 0,
            has_work: false,
        };
        for (number, step) in steps.iter().enumerate().skip(progress.next) {
            let index = index_of(step);
            let Some(operation) = request.operations.get(index) else {
                continue;
            };
            if !self
                .scan_step(bulk, &mut scan, (index, step, operation), rights)
                .await?
            {
                self.end = number;
                break;
            }
        }
        self.send(bulk, &scan.found, deadline).await;
        Ok(())
    }

    /// Finds the password of a step; `false` when the transaction has to end before the step.
    async fn scan_step(
        &mut self,
        bulk: &Bulk,
        scan: &mut Scan,
        (index, step, operation): (usize, &Step, &BulkOperation),
        rights: &Rights,
    ) -> Result<bool, DbError> {
        let may_end = scan.open == 0 && scan.has_work;
        let data = match step {
            Step::Run(_) => Some(None),
            Step::Create(_, data) => Some(Some(data)),
            Step::Complete(_, _) | Step::Conflict(_) => None,
        };
        if let Some(data) = data
            && !self.outcomes.contains_key(&index)
            && may_set_password(bulk, operation)
        {
            if may_end && scan.found.len() >= MAX_PASSWORDS {
                return Ok(false);
            }
            match bulk.find_password((operation, data), &scan.created, rights).await {
                Ok(Some(new)) => scan.found.push((index, new)),
                Ok(None) => {}
                // What an operation before it does may change that.
                Err(Failed::Refused(_)) if may_end => return Ok(false),
                Err(Failed::Refused(error)) => {
                    self.outcomes.insert(index, Err(error));
                }
                Err(Failed::Db(error)) => return Err(error),
            }
        }
        match step {
            Step::Create(_, _) => scan.open = scan.open.saturating_add(1),
            Step::Complete(_, _) => scan.open = scan.open.saturating_sub(1),
            Step::Run(_) | Step::Conflict(_) => {}
        }
        scan.has_work |= self.refusal(index).is_none();
        if let (BulkMethod::Post, Some(bulk_id)) = (operation.method, &operation.bulk_id) {
            // Nobody has this id, so a change of the resource has to wait until it is there.
            scan.created.record(bulk_id, &Uuid::nil().to_string());
        }
        Ok(true)
    }

    /// Sends passwords to the authentication service.
    async fn send(&mut self, bulk: &Bulk, found: &[(usize, NewPassword)], deadline: Instant) {
        let failures = AtomicU32::new(self.failures);
        let failures = &failures;
        let lane = |lane: usize| async move {
            let mut outcomes = Vec::new();
            for (index, new) in found.iter().skip(lane).step_by(LANES) {
                let outcome = match failures.load(Ordering::Relaxed) < MAX_FAILURES {
                    true => send_one(bulk, new, deadline).await,
                    false => Err(unavailable()),
                };
                if outcome.as_ref().is_err_and(|error| error.status >= 500) {
                    failures.fetch_add(1, Ordering::Relaxed);
                }
                outcomes.push((*index, outcome));
            }
            outcomes
        };
        let (one, other) = tokio::join!(lane(0), lane(1));
        self.outcomes.extend(one.into_iter().chain(other));
        self.failures = failures.load(Ordering::Relaxed);
    }

    /// Forgets the passwords of operations that are done, and cancels those of operations that failed.
    pub(super) async fn settle(&mut self, bulk: &Bulk, progress: &Progress) {
        let mut failed = Vec::new();
        self.outcomes.retain(|index, outcome| {
            let Some(succeeded) = progress.has_succeeded(*index) else {
                return true;
            };
            if let (false, Ok(handed)) = (succeeded, outcome) {
                failed.push(*handed);
            }
            false
        });
        cancel(bulk, failed).await;
    }

    /// Cancels all passwords whose operations are not done.
    pub(super) async fn cancel_all(self, bulk: &Bulk) {
        let left = self.outcomes.into_values().filter_map(Result::ok);
        cancel(bulk, left.collect()).await;
    }
}

async fn send_one(bulk: &Bulk, new: &NewPassword, deadline: Instant) -> Result<HandedOver, Error> {
    match timeout_at(deadline, bulk.users.hand_over_password(new)).await {
        Ok(Ok(handed)) => Ok(handed),
        Ok(Err(error)) => Err(error.into_scim().unwrap_or_else(|_| unavailable())),
        Err(_) => Err(unavailable()),
    }
}

async fn cancel(bulk: &Bulk, handed: Vec<HandedOver>) {
    let all = async {
        for one in handed {
            bulk.users.cancel_password(one).await;
        }
    };
    if timeout(CANCEL_TIME, all).await.is_err() {
        tracing::debug!(
            "passwords of a bulk request were not all cancelled: the authentication service deletes the rest later"
        );
    }
}

fn unavailable() -> Error {
    Error::new(503, crate::users::NO_CREDENTIALS)
}

/// True if an operation is a change of a user that may set a password. What it does is found out by reading it.
fn may_set_password(bulk: &Bulk, operation: &BulkOperation) -> bool {
    let is_of_users = operation
        .target
        .as_ref()
        .is_ok_and(|target| target.endpoint == bulk.registry.users().endpoint);
    is_of_users && operation.method != BulkMethod::Delete && names_password(&operation.data)
}

/// True if a member, or a path, names a password.
fn names_password(value: &Value) -> bool {
    let is_named = |text: &str| text.to_ascii_lowercase().contains("password");
    match value {
        Value::Object(members) => members.iter().any(|(name, value)| {
            let is_path = name.eq_ignore_ascii_case("path") && value.as_str().is_some_and(is_named);
            is_named(name) || is_path || names_password(value)
        }),
        Value::Array(items) => items.iter().any(names_password),
        _ => false,
    }
}
