//! `vestibule backup`: copies the databases while the services run.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use chassis::clock::{Clock, SystemClock};
use chassis::db::{Db, SchemaLevel};

use super::manifest::{AppliedMigration, DatabaseCopy, Manifest};
use super::store::{postgres, sqlite};
use super::{BackupTarget, Store, db_error, io_error};
use crate::error::{CommandError, ErrorCode};

/// Copies the databases of `targets` into the new folder `to`. The folder appears only when it is complete.
pub(crate) async fn create_backup(
    targets: &[BackupTarget],
    to: &Path,
) -> Result<Vec<Manifest>, CommandError> {
    if to.exists() {
        return Err(
            CommandError::new(ErrorCode::Conflict, format!("{} is there already", to.display()))
                .hint("Name a folder that is not; a backup never overwrites another."),
        );
    }
    let folder = parent_folder(to);
    let work = tempfile::Builder::new()
        .prefix(".backup-")
        .tempdir_in(folder)
        .map_err(|error| io_error("write in", folder, &error))?;
    let mut manifests = Vec::new();
    for target in targets {
        let folder = work.path().join(target.service);
        fs::DirBuilder::new()
            .mode(0o700)
            .create(&folder)
            .map_err(|error| io_error("create", &folder, &error))?;
        // Before the copy: whatever happened since may be missing in it.
        let taken_at = SystemClock.now();
        let copied = match &target.store {
            Store::Sqlite(path) => sqlite::copy(target, path, &folder).await?,
            Store::Postgres(database) => postgres::dump(target, database, &folder).await?,
        };
        let manifest = Manifest::for_copy(target, copied, &folder, taken_at)?;
        manifest.write(&folder)?;
        sync_folder(&folder)?;
        manifests.push(manifest);
    }
    sync_folder(work.path())?;
    let work = work.keep();
    fs::rename(&work, to).map_err(|error| io_error("create", to, &error))?;
    sync_folder(folder)?;
    Ok(manifests)
}

/// The folder of a file.
pub(super) fn parent_folder(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// Makes the entries of a folder durable (fsync).
pub(super) fn sync_folder(folder: &Path) -> Result<(), CommandError> {
    fs::File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| io_error("write", folder, &error))
}

/// The newest applied migration of each set. Fails for a database that has no schema of ours.
pub(super) async fn schema_levels(
    db: &Db,
    target: &BackupTarget,
) -> Result<Vec<AppliedMigration>, CommandError> {
    let location = target.store.location();
    let levels = db
        .schema_levels(&location, target.sets)
        .await
        .map_err(|error| db_error(&error))?;
    if levels.iter().any(|level| level.newest == 0) {
        let why = format!("the database at {location} is not one of {}", target.service);
        return Err(CommandError::new(ErrorCode::NotFound, why));
    }
    let applied = |level: &SchemaLevel| AppliedMigration {
        set: level.set.to_owned(),
        migration: level.newest,
    };
    Ok(levels.iter().map(applied).collect())
}

/// The description of a copy.
pub(super) fn database_copy(
    file: &'static str,
    schema: Vec<AppliedMigration>,
    last_position: i64,
) -> DatabaseCopy {
    DatabaseCopy {
        file,
        schema,
        last_position,
    }
}
