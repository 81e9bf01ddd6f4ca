//! The import: batches of rows become users, and then their password hashes are sent while the next batch is created.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::future::join;
use futures_util::stream::{self, StreamExt};

use super::create::{ConflictPolicy, Creator, Outcome};
use super::credentials::{HashOutcome, PendingHash};
use super::dry_run;
use super::journal::{Journal, JournalError};
use super::progress::Progress;
use super::report::{Report, RowRef};
use super::summary::Summary;
use super::{Rejection, Row, Rows};
use crate::api::{ApiClient, ApiError};
use crate::error::{CommandError, ErrorCode};

/// The limits of a batch: its rows, and the bytes of the file that it may come from.
const BATCH_ROWS: usize = 1000;
const BATCH_BYTES: u64 = 4 << 20;

/// The options of an import.
#[derive(Debug)]
pub(crate) struct ImportOptions {
    /// The file.
    pub(crate) source: PathBuf,
    /// The report to write.
    pub(crate) report: PathBuf,
    /// The requests in flight at once.
    pub(crate) concurrency: usize,
    /// The decision about a name that belongs to another user.
    pub(crate) on_conflict: ConflictPolicy,
    /// Check the rows and change nothing.
    pub(crate) dry_run: bool,
    /// The time for which a request is repeated while a service is away.
    pub(crate) patience: Duration,
    /// Show the progress without a terminal too.
    pub(crate) progress: bool,
}

/// The outputs of an import.
pub(super) struct Outputs {
    pub(super) report: Report,
    pub(super) progress: Progress,
    pub(super) summary: Summary,
}

impl Outputs {
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

    pub(super) fn show(&mut self) {
        self.progress.update(self.summary.rows, self.summary.refused);
    }
}

/// Imports the rows of a file.
///
/// # Errors
/// When a file cannot be read or written, a service stays away, or a credential is refused. The same command goes on later.
pub(crate) async fn import(
    api: &ApiClient,
    rows: &mut Rows,
    options: &ImportOptions,
) -> Result<Summary, CommandError> {
    let creator = Creator {
        api,
        on_conflict: options.on_conflict,
        patience: options.patience,
    };
    if options.dry_run {
        return dry_run::check(&creator, rows, options).await;
    }
    let mut journal_path = options.report.clone().into_os_string();
    journal_path.push(".journal");
    let journal_path = PathBuf::from(journal_path);
    let mut journal =
        Journal::open(&journal_path, &options.source).map_err(|error| journal_error(&journal_path, error))?;
    let report = match journal.is_resumed() {
        true => Report::resume(&options.report, journal.done()),
        false => Report::create(&options.report),
    };
    let report = report.map_err(|error| file_error(&options.report, &error))?;
    let mut outputs = outputs(report, rows, options);
    let imported = import_rows(&creator, rows, &mut journal, &mut outputs, options.concurrency).await;
    outputs.progress.end();
    imported.map_err(|error| match error.code() {
        ErrorCode::Usage => error,
        _ => error.hint("The same command goes on where this one stopped."),
    })?;
    journal
        .delete()
        .map_err(|error| file_error(&journal_path, &error))?;
    Ok(outputs.summary)
}

/// The outputs at the beginning.
pub(super) fn outputs(report: Report, rows: &Rows, options: &ImportOptions) -> Outputs {
    let size = std::fs::metadata(&options.source).map_or(0, |file| file.len());
    Outputs {
        summary: Summary {
            refused: report.lines(),
            ..Summary::default()
        },
        report,
        progress: Progress::new(options.progress, rows.bytes_read(), size),
    }
}

async fn import_rows(
    creator: &Creator<'_>,
    rows: &mut Rows,
    journal: &mut Journal,
    outputs: &mut Outputs,
    concurrency: usize,
) -> Result<(), CommandError> {
    while outputs.summary.rows < journal.done() && next_row(rows)?.is_some() {
        outputs.summary.rows += 1;
    }
    outputs.summary.resumed = outputs.summary.rows;
    outputs.progress.skip(outputs.summary.rows);
    let mut pending = Vec::new();
    let mut finished = 0;
    loop {
        let batch = read_batch(rows)?;
        let last = batch.last().map(|row| row.number);
        let (created, hashes) = join(
            create_batch(creator, batch, journal, outputs, concurrency),
            creator.import_hashes(pending),
        )
        .await;
        finish_hashes(hashes?, outputs)?;
        if finished > 0 {
            journal.finish(finished).map_err(|error| {
                CommandError::new(ErrorCode::Failed, format!("cannot write the journal: {error}"))
            })?;
        }
        pending = created?;
        match last {
            Some(last) => finished = last,
            None => return Ok(()),
        }
    }
}

/// Reads the rows of a batch; none at the end.
pub(super) fn read_batch(rows: &mut Rows) -> Result<Vec<Row>, CommandError> {
    let mut batch = Vec::new();
    let start = rows.bytes_read().get();
    while batch.len() < BATCH_ROWS && rows.bytes_read().get() - start < BATCH_BYTES {
        match next_row(rows)? {
            Some(row) => batch.push(row),
            None => break,
        }
    }
    Ok(batch)
}

fn next_row(rows: &mut Rows) -> Result<Option<Row>, CommandError> {
    rows.next_row()
        .map_err(|error| CommandError::new(ErrorCode::Failed, format!("cannot read the file: {error}")))
}

/// Creates the users of a batch, and returns their password hashes.
async fn create_batch(
    creator: &Creator<'_>,
    batch: Vec<Row>,
    journal: &mut Journal,
    outputs: &mut Outputs,
    concurrency: usize,
) -> Result<Vec<PendingHash>, CommandError> {
    let known: Vec<(Row, Option<String>)> = batch
        .into_iter()
        .map(|row| {
            let id = journal.user(row.number).map(str::to_owned);
            (row, id)
        })
        .collect();
    let mut outcomes = stream::iter(known)
        .map(async |(row, id)| {
            let outcome = create_row(creator, &row, id).await;
            (row, outcome)
        })
        .buffered(concurrency);
    let mut pending = Vec::new();
    while let Some((row, outcome)) = outcomes.next().await {
        let (outcome, in_journal) = outcome?;
        let position = RowRef::from(&row);
        outputs.summary.rows += 1;
        outputs.summary.count(&outcome);
        if let Outcome::Rejected(rejection) = &outcome {
            outputs.reject(position, rejection, None)?;
        }
        if let (Some(id), Ok(record)) = (outcome.id(), row.record) {
            if !in_journal {
                journal.user_exists(row.number, id).map_err(|error| {
                    CommandError::new(ErrorCode::Failed, format!("cannot write the journal: {error}"))
                })?;
            }
            let user_name = record.user_name().to_owned();
            pending.extend(record.password_hash.map(|hash| PendingHash {
                row: position,
                user_name,
                id: id.to_owned(),
                hash,
            }));
        }
        outputs.show();
    }
    Ok(pending)
}

/// The outcome of a row, and whether the journal has it.
async fn create_row(
    creator: &Creator<'_>,
    row: &Row,
    id: Option<String>,
) -> Result<(Outcome, bool), ApiError> {
    Ok(match (&row.record, id) {
        (Err(rejection), _) => (Outcome::Rejected(rejection.clone()), false),
        (Ok(_), Some(id)) => (Outcome::Exists(id), true),
        (Ok(record), None) => (creator.create(record).await?, false),
    })
}

fn finish_hashes(hashes: HashOutcome, outputs: &mut Outputs) -> Result<(), CommandError> {
    outputs.summary.hashes += hashes.imported;
    outputs.summary.hashes_unchanged += hashes.unchanged;
    for (row, rejection, id) in &hashes.rejected {
        outputs.reject(*row, rejection, Some(id))?;
    }
    Ok(())
}

/// The error of a file that the import writes.
pub(super) fn file_error(path: &Path, error: &io::Error) -> CommandError {
    CommandError::new(
        ErrorCode::Failed,
        format!("cannot write {}: {error}", path.display()),
    )
}

fn journal_error(path: &Path, error: JournalError) -> CommandError {
    let shown = path.display();
    match error {
        JournalError::Io(error) => file_error(path, &error),
        JournalError::Locked => CommandError::new(ErrorCode::Conflict, format!("{shown}: {error}")),
        JournalError::OtherFile => CommandError::new(ErrorCode::Conflict, format!("{shown}: {error}"))
            .hint("Delete it to begin with the first row, or name another --report."),
    }
}
