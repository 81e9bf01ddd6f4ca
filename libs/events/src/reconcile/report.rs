//! The report of a comparison.

use std::collections::BTreeMap;

use chassis::clock::Timestamp;
use chassis::db::DbError;
use serde::{Deserialize, Serialize};

use super::compare::{Difference, Kind};
use crate::feed::FeedError;

/// Differences that a report names. Beyond, they are only counted.
const NAMED: usize = 100;

/// The reason why two services could not be compared.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// The other service cannot be asked.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
    /// Others wait already, or the service is about to end.
    #[error("too many comparisons wait, or none can be made now")]
    Busy,
}

/// The result of a comparison.
#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(rename = "ReconciliationReport")]
pub struct Report {
    /// The time at which it was finished.
    pub at: Timestamp,
    /// Aggregates compared.
    pub compared: u64,
    /// True if the consumer had applied what was published before the comparison. If not, nothing was
    /// counted: what is on its way is no drift.
    pub caught_up: bool,
    /// Drift that was repaired, by kind. The release before stored it as `mended`.
    #[serde(alias = "mended")]
    pub repaired: BTreeMap<Kind, u64>,
    /// Drift that is left, by kind.
    pub drift: BTreeMap<Kind, u64>,
    /// The first of what is left.
    pub differences: Vec<Difference>,
}

impl Report {
    /// The text to store. While the release before may run, it has that release's name for what was repaired, so that the
    /// replicas of both can read it.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub(super) fn to_stored(&self) -> serde_json::Result<String> {
        let mut stored = serde_json::to_value(self)?;
        if let Some(members) = stored.as_object_mut()
            && let Some(repaired) = members.remove("repaired")
        {
            members.insert("mended".to_owned(), repaired);
        }
        serde_json::to_string(&stored)
    }

    pub(super) fn new(at: Timestamp) -> Self {
        Self {
            at,
            compared: 0,
            caught_up: true,
            repaired: BTreeMap::new(),
            drift: BTreeMap::new(),
            differences: Vec::new(),
        }
    }

    /// The number of differences of a kind that are left.
    pub fn left(&self, kind: Kind) -> u64 {
        self.drift.get(&kind).copied().unwrap_or_default()
    }

    pub(super) fn count_repaired(&mut self, kind: Kind) {
        *self.repaired.entry(kind).or_default() += 1;
    }

    pub(super) fn count_left(&mut self, difference: Difference) {
        *self.drift.entry(difference.kind).or_default() += 1;
        if self.differences.len() < NAMED {
            self.differences.push(difference);
        }
    }
}
