//! The outputs of an import: its report, its progress on the screen, and its summary.

use super::progress::Progress;
use super::report::{Report, RowRef};
use super::run::{ImportOptions, file_error};
use super::summary::Summary;
use super::{Item, Rejection, Row, Rows};
use crate::error::CommandError;

/// The outputs of an import.
pub(super) struct Outputs {
    pub(super) report: Report,
    pub(super) progress: Progress,
    pub(super) summary: Summary,
    /// True if a group of the file has members, for whom the file is read once more.
    pub(super) has_members: bool,
}

impl Outputs {
    /// The outputs at the beginning.
    pub(super) fn begin(report: Report, rows: &Rows, options: &ImportOptions) -> Self {
        let size = std::fs::metadata(&options.source).map_or(0, |file| file.len());
        Self {
            summary: Summary {
                refused: report.lines(),
                ..Summary::default()
            },
            report,
            progress: Progress::new(options.progress, rows.bytes_read(), size),
            has_members: false,
        }
    }

    /// Remembers that a group has members.
    pub(super) fn note_members(&mut self, row: &Row) {
        let of_group = matches!(&row.item, Ok(Item::Group(group)) if !group.members.is_empty());
        self.has_members |= of_group;
    }

    /// Writes the line of a refused row.
    pub(super) fn reject(
        &mut self,
        row: RowRef,
        rejection: &Rejection,
        id: Option<&str>,
    ) -> Result<(), CommandError> {
        self.report
            .reject(row, rejection, id)
            .map_err(|error| file_error(self.report.path(), &error))?;
        self.summary.refused = self.report.lines();
        Ok(())
    }

    /// Shows the progress.
    pub(super) fn show(&mut self) {
        self.progress.update(self.summary.rows, self.summary.refused);
    }
}
