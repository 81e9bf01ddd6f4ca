//! The import: batches of rows become users and groups, and then password hashes and memberships are sent while the next batch is
//! created.

mod batch;

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use futures_util::future::join3;

use super::create::{ConflictPolicy, Creator};
use super::credentials::HashOutcome;
use super::groups::MembershipOutcome;
use super::journal::{Journal, JournalError};
use super::outputs::Outputs;
use super::report::Report;
use super::summary::Summary;
use super::{Row, RowSource, Rows};
use super::{dry_run, members};
use crate::api::ApiClient;
use crate::error::{CommandError, ErrorCode};
use batch::{Pending, create_batch};

/// The limits of a batch: its rows, and the bytes of the file that it may come from.
const BATCH_ROWS: usize = 2000;
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

/// Imports the rows of a file.
///
/// # Errors
/// When a file cannot be read or written, a service stays away, or a credential is refused. The same command goes on later.
pub(crate) async fn import(
    api: &ApiClient,
    source: &RowSource,
    options: &ImportOptions,
) -> Result<Summary, CommandError> {
    let creator = Creator {
        api,
        one_by_one: AtomicBool::new(false),
        on_conflict: options.on_conflict,
        patience: options.patience,
    };
    let mut rows = source.open()?;
    if options.dry_run {
        return dry_run::check(&creator, &mut rows, options).await;
    }
    let mut journal_path = options.report.clone().into_os_string();
    journal_path.push(".journal");
    let journal_path = PathBuf::from(journal_path);
    let mut journal =
        Journal::open(&journal_path, &options.source).map_err(|error| journal_error(&journal_path, error))?;
    let report = match journal.is_resumed() {
        true => Report::resume(&options.report, journal.done(), journal.members_done()),
        false => Report::create(&options.report),
    };
    let report = report.map_err(|error| file_error(&options.report, &error))?;
    let mut outputs = Outputs::begin(report, &rows, options);
    let imported = async {
        import_rows(
            &creator,
            &mut rows,
            &mut journal,
            &mut outputs,
            options.concurrency,
        )
        .await?;
        members::import(&creator, source, &mut journal, &mut outputs).await
    }
    .await;
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

async fn import_rows(
    creator: &Creator<'_>,
    rows: &mut Rows,
    journal: &mut Journal,
    outputs: &mut Outputs,
    concurrency: usize,
) -> Result<(), CommandError> {
    while outputs.summary.rows < journal.done() {
        let Some(row) = next_row(rows)? else { break };
        outputs.note_members(&row);
        outputs.summary.rows += 1;
    }
    outputs.summary.resumed = outputs.summary.rows;
    outputs.progress.skip(outputs.summary.rows);
    let mut pending = Pending::default();
    let mut finished = 0;
    loop {
        let batch = read_batch(rows)?;
        let last = batch.last().map(|row| row.number);
        let (created, hashes, memberships) = join3(
            create_batch(creator, batch, journal, outputs, concurrency),
            creator.import_hashes(pending.hashes),
            creator.import_memberships(pending.memberships),
        )
        .await;
        finish_hashes(hashes?, outputs)?;
        finish_memberships(memberships?, outputs)?;
        if finished > 0 {
            journal.finish(finished).map_err(|error| not_written(&error))?;
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
            Some(row) => batch.push(rows.decrypt_hash(row).map_err(|error| not_read(&error))?),
            None => break,
        }
    }
    Ok(batch)
}

pub(super) fn next_row(rows: &mut Rows) -> Result<Option<Row>, CommandError> {
    rows.next_row().map_err(|error| not_read(&error))
}

fn not_read(error: &io::Error) -> CommandError {
    match error.kind() {
        // No key fits an encrypted password hash.
        ErrorKind::InvalidInput => CommandError::new(ErrorCode::Usage, error.to_string()),
        _ => CommandError::new(ErrorCode::Failed, format!("cannot read the file: {error}")),
    }
}

fn finish_memberships(outcome: MembershipOutcome, outputs: &mut Outputs) -> Result<(), CommandError> {
    outputs.summary.groups_created += outcome.groups_created;
    outputs.summary.members += outcome.added;
    for (row, rejection, id) in &outcome.rejected {
        outputs.reject(*row, rejection, Some(id))?;
    }
    Ok(())
}

/// The error of a journal that cannot be written.
pub(super) fn not_written(error: &io::Error) -> CommandError {
    CommandError::new(ErrorCode::Failed, format!("cannot write the journal: {error}"))
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
