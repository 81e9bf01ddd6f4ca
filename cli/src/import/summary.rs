//! [`Summary`]: the counts of an import.

use serde_json::{Value, json};

use super::create::Outcome;

/// The counts of an import.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    /// Rows of the file.
    pub(crate) rows: u64,
    /// Rows that an earlier run had finished.
    pub(crate) resumed: u64,
    /// Users who were created, or would be.
    pub(crate) created: u64,
    /// Users who existed already as the rows have them.
    pub(crate) existing: u64,
    /// Users who were replaced.
    pub(crate) updated: u64,
    /// Rows whose name belongs to another user, who stays.
    pub(crate) skipped: u64,
    /// Password hashes that were imported, or would be.
    pub(crate) hashes: u64,
    /// Password hashes of accounts that have a password already.
    pub(crate) hashes_unchanged: u64,
    /// Groups that were created, or would be.
    pub(crate) groups_created: u64,
    /// Groups that existed already.
    pub(crate) groups_existing: u64,
    /// Members that were added to groups.
    pub(crate) members: u64,
    /// Lines of the report.
    pub(crate) refused: u64,
}

impl Summary {
    /// The counts with their names.
    pub(crate) fn counts(&self) -> [(&'static str, u64); 12] {
        [
            ("rows", self.rows),
            ("done before", self.resumed),
            ("created", self.created),
            ("existing", self.existing),
            ("updated", self.updated),
            ("skipped", self.skipped),
            ("passwords", self.hashes),
            ("passwords unchanged", self.hashes_unchanged),
            ("groups created", self.groups_created),
            ("groups existing", self.groups_existing),
            ("members added", self.members),
            ("refused", self.refused),
        ]
    }

    /// The counts as a JSON object.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "rows": self.rows,
            "done_before": self.resumed,
            "created": self.created,
            "existing": self.existing,
            "updated": self.updated,
            "skipped": self.skipped,
            "passwords": self.hashes,
            "passwords_unchanged": self.hashes_unchanged,
            "groups_created": self.groups_created,
            "groups_existing": self.groups_existing,
            "members_added": self.members,
            "refused": self.refused,
        })
    }

    pub(super) fn count(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Created(_) => self.created += 1,
            Outcome::Exists(_) => self.existing += 1,
            Outcome::Updated(_) => self.updated += 1,
            Outcome::Skipped => self.skipped += 1,
            Outcome::Rejected(_) => {}
        }
    }
}
