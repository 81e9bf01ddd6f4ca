//! SQLite: copies a database while the service writes, and installs a restored file.

use chassis::telemetry::error_text;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use chassis::db::{Db, DbError};
use events::restore;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};
use uuid::Uuid;

use super::{GoneUsers, deleted_ids_query, erased_ids_query};

use crate::backup::create::{database_copy, parent_folder, schema_levels, sync_folder};
use crate::backup::manifest::{DatabaseCopy, Manifest};
use crate::backup::restore::RestorationNote;
use crate::backup::{BackupTarget, db_error, io_error, sql_error, sqlite_config};
use crate::error::{CommandError, ErrorCode};

const FILE: &str = "database.sqlite";

/// Creates a file that only its owner can read.
pub(in crate::backup) fn private_file(path: &Path) -> Result<File, CommandError> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| io_error("create", path, &error))
}

/// Copies a consistent state of the database at `path`. Readers and the writer are not blocked.
pub(in crate::backup) async fn copy(
    target: &BackupTarget,
    path: &Path,
    to: &Path,
) -> Result<DatabaseCopy, CommandError> {
    if !path.exists() {
        return Err(CommandError::new(
            ErrorCode::NotFound,
            format!("{} is not there", path.display()),
        ));
    }
    let db = sqlite_config(path)
        .open()
        .await
        .map_err(|error| db_error(&error))?;
    let schema = schema_levels(&db, target).await?;
    let file = to.join(FILE);
    // SQLite takes an empty file, and leaves its mode as it is.
    drop(private_file(&file)?);
    if let Db::Sqlite { write, .. } = &db {
        let into = sqlx::query("VACUUM INTO $1").bind(file.display().to_string());
        into.execute(write)
            .await
            .map_err(|error| copy_error(path, &file, error))?;
    }
    db.close().await;
    File::open(&file)
        .and_then(|file| file.sync_all())
        .map_err(|error| io_error("write", &file, &error))?;
    let reading = SqliteConnectOptions::new().filename(&file).read_only(true);
    let mut copy = reading.connect().await.map_err(sql_error)?;
    let last: i64 = sqlx::query_scalar("SELECT last FROM outbox_feed")
        .fetch_one(&mut copy)
        .await
        .map_err(sql_error)?;
    copy.close().await.map_err(sql_error)?;
    Ok(database_copy(FILE, schema, last))
}

/// The error of a copy. SQLite's `database or disk is full` does not name the disk, so the hint does.
fn copy_error(from: &Path, to: &Path, error: sqlx::Error) -> CommandError {
    let full = matches!(&error, sqlx::Error::Database(error) if error.code().as_deref() == Some("13"));
    let error = error_text(&DbError::from(error));
    let (from, folder) = (from.display(), parent_folder(to).display());
    let failure = CommandError::new(
        ErrorCode::Failed,
        format!("cannot copy {from} to {}: {error}", to.display()),
    );
    match full {
        true => failure.hint(format!("The disk that holds {folder} is full.")),
        false => failure.hint(format!(
            "See whether the disk that holds {folder} is full or broken."
        )),
    }
}

/// True if there is a file with content at `path`.
pub(in crate::backup) fn has_content(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.len() > 0)
}

/// Fails while another process has the file open.
pub(in crate::backup) async fn refuse_if_open(service: &str, path: &Path) -> Result<(), CommandError> {
    if !path.exists() {
        return Ok(());
    }
    let options = SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(std::time::Duration::ZERO);
    // A file that is not a database is not in use.
    let Ok(mut connection) = options.connect().await else {
        return Ok(());
    };
    // Only a connection that is the only one can leave WAL mode.
    let left = sqlx::query("PRAGMA journal_mode = DELETE")
        .execute(&mut connection)
        .await;
    let _ = connection.close().await;
    match left.map_err(chassis::db::DbError::from) {
        Err(error) if error.is_transient() => Err(crate::backup::restore::in_use_error(service)),
        _ => Ok(()),
    }
}

/// The ids of the users who are gone in the database of `service` at `path`.
pub(in crate::backup) async fn gone_users(service: &str, path: &Path) -> Result<GoneUsers, CommandError> {
    let reading = SqliteConnectOptions::new().filename(path).read_only(true);
    let mut connection = reading.connect().await.map_err(sql_error)?;
    let found = async {
        let erased: Vec<Uuid> = sqlx::query_scalar(erased_ids_query(service))
            .fetch_all(&mut connection)
            .await?;
        let knows: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM sqlite_master WHERE name IN ('deleted_users', 'subjects')",
        )
        .fetch_one(&mut connection)
        .await?;
        let deleted: Vec<Uuid> = match knows {
            0 => Vec::new(),
            _ => {
                sqlx::query_scalar(deleted_ids_query(service))
                    .fetch_all(&mut connection)
                    .await?
            }
        };
        Ok(GoneUsers {
            erased: erased.into_iter().collect(),
            deleted: deleted.into_iter().collect(),
        })
    };
    let found = found.await.map_err(sql_error);
    connection.close().await.map_err(sql_error)?;
    found
}

/// Prepares the restored database in a file beside `path`: copies it, migrates it and writes the restoration note.
pub(in crate::backup) async fn prepare_file(
    target: &BackupTarget,
    manifest: &Manifest,
    from: &Path,
    path: &Path,
    note: &RestorationNote<'_>,
) -> Result<PathBuf, CommandError> {
    let new = sibling_path(path, "restoring");
    for old in [new.clone(), sibling_path(&new, "wal"), sibling_path(&new, "shm")] {
        let _ = fs::remove_file(old);
    }
    let source = from.join(&manifest.file);
    let mut file = private_file(&new)?;
    File::open(&source)
        .and_then(|mut source| std::io::copy(&mut source, &mut file))
        .map_err(|error| io_error("copy", &source, &error))?;
    drop(file);
    let db = sqlite_config(&new)
        .open()
        .await
        .map_err(|error| db_error(&error))?;
    db.migrate(&new.display().to_string(), target.sets)
        .await
        .map_err(|error| db_error(&error))?;
    let noted = async {
        let mut tx = db.begin("restore").await?;
        restore::note_in(&mut tx, &note.restoration).await?;
        restore::note_erased_in(&mut tx, note.erased).await?;
        restore::note_deleted_in(&mut tx, note.deleted).await?;
        tx.commit().await
    };
    noted.await.map_err(|error| db_error(&error))?;
    if let Db::Sqlite { write, .. } = &db {
        let sound: String = sqlx::query_scalar("PRAGMA quick_check(1)")
            .fetch_one(write)
            .await
            .map_err(sql_error)?;
        if sound != "ok" {
            return Err(CommandError::new(
                ErrorCode::Failed,
                format!("{}: {sound}", source.display()),
            ));
        }
    }
    db.close().await;
    File::open(&new)
        .and_then(|file| file.sync_all())
        .map_err(|error| io_error("write", &new, &error))?;
    Ok(new)
}

/// Moves `new` to `path`. The replaced file is kept beside it.
pub(in crate::backup) fn install(new: &Path, path: &Path) -> Result<(), CommandError> {
    for suffix in ["", "-wal", "-shm"] {
        let old = PathBuf::from(format!("{}{suffix}", path.display()));
        let kept = PathBuf::from(format!("{}.replaced{suffix}", path.display()));
        let _ = fs::remove_file(&kept);
        if old.exists() {
            fs::rename(&old, &kept).map_err(|error| io_error("put aside", &old, &error))?;
        }
    }
    fs::rename(new, path).map_err(|error| io_error("create", path, &error))?;
    sync_folder(parent_folder(path))
}

fn sibling_path(path: &Path, suffix: &str) -> PathBuf {
    let joint = if suffix == "restoring" { '.' } else { '-' };
    PathBuf::from(format!("{}{joint}{suffix}", path.display()))
}
