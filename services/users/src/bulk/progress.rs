//! The progress of a bulk request: what was created, and the results so far.

use std::collections::{BTreeMap, BTreeSet};

use contract::{GroupId, UserId};
use scim::Error;
use scim::bulk::{BulkMethod, BulkRequest, BulkResult, Created, ErrorBudget, Step};

use crate::{groups, users};

/// A change, to be logged once it is committed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Line {
    UserCreated(UserId),
    UserChanged(UserId, users::Change),
    UserDeleted(UserId),
    GroupCreated(GroupId),
    GroupChanged(GroupId),
    GroupDeleted(GroupId),
}

impl Line {
    pub(super) fn write(self) {
        match self {
            Self::UserCreated(id) => users::log_created(id),
            Self::UserChanged(id, change) => change.log(id),
            Self::UserDeleted(id) => users::log_deleted(id),
            Self::GroupCreated(id) => groups::log_created(id),
            Self::GroupChanged(id) => groups::log_changed(id),
            Self::GroupDeleted(id) => groups::log_deleted(id),
        }
    }
}

/// The state between two steps of a request.
#[derive(Clone, Debug)]
pub(super) struct Progress {
    /// The number of the next step.
    pub(super) next: usize,
    /// The resources that were created, by `bulkId`.
    pub(super) created: Created,
    /// The operations whose resource is there without its circular references, with the id.
    pub(super) incomplete: BTreeMap<usize, uuid::Uuid>,
    budget: ErrorBudget,
    results: BTreeMap<usize, BulkResult>,
}

impl Progress {
    pub(super) fn new(fail_on_errors: Option<u64>) -> Self {
        Self {
            next: 0,
            created: Created::default(),
            incomplete: BTreeMap::new(),
            budget: ErrorBudget::new(fail_on_errors),
            results: BTreeMap::new(),
        }
    }

    /// True if there is a step to be run. Resources of circles are completed though the budget of errors is spent.
    pub(super) fn has_next(&self, steps: &[Step]) -> bool {
        self.next < steps.len() && (!self.is_spent() || !self.incomplete.is_empty())
    }

    /// True if no further operation may be begun (RFC 7644 §3.7.3, `failOnErrors`).
    pub(super) fn is_spent(&self) -> bool {
        self.budget.is_spent()
    }

    /// True if there is no result.
    pub(super) fn is_empty(&self) -> bool {
        self.results.is_empty()
    }

    /// True if an operation has its result.
    pub(super) fn has_result(&self, index: usize) -> bool {
        self.results.contains_key(&index)
    }

    /// True if an operation succeeded, false if it failed; nothing without a result.
    pub(super) fn has_succeeded(&self, index: usize) -> Option<bool> {
        self.results.get(&index).map(|result| result.status < 400)
    }

    /// Records the result of an operation.
    pub(super) fn record(&mut self, index: usize, result: BulkResult) {
        self.budget.record(result.status);
        self.results.insert(index, result);
    }

    /// Records that an operation failed.
    pub(super) fn fail(&mut self, index: usize, request: &BulkRequest, base: &str, error: &Error) {
        let Some(operation) = request.operations.get(index) else {
            return;
        };
        let target = operation
            .target
            .as_ref()
            .ok()
            .filter(|_| operation.method != BulkMethod::Post);
        // A reference without a resource has no URL.
        let target = target.and_then(|target| self.created.resolve_target(target).ok());
        let location = target.and_then(|target| Some(format!("{base}{}/{}", target.endpoint, target.id?)));
        self.record(index, BulkResult::failed(operation, location, error));
    }

    /// Records that all operations without a result failed.
    pub(super) fn fail_rest(&mut self, steps: &[Step], request: &BulkRequest, base: &str, error: &Error) {
        let all: BTreeSet<usize> = steps.iter().map(index_of).collect();
        for index in all {
            if !self.has_result(index) {
                self.fail(index, request, base, error);
            }
        }
        self.next = steps.len();
    }

    /// The results, in the order of the request.
    pub(super) fn into_results(self) -> Vec<BulkResult> {
        self.results.into_values().collect()
    }
}

/// The number of the operation of a step.
pub(super) fn index_of(step: &Step) -> usize {
    match step {
        Step::Run(index) | Step::Create(index, _) | Step::Complete(index, _) | Step::Conflict(index) => {
            *index
        }
    }
}
