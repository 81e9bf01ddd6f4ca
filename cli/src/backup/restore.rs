//! `vestibule restore`: replaces the databases by a backup while the services do not run.

use std::path::Path;

use chassis::clock::{Clock, SystemClock};
use events::restore::Restoration;
use uuid::Uuid;

use super::manifest::Manifest;
use super::store::{GoneUsers, postgres, sqlite};
use super::{BackupTarget, Store};
use crate::error::{CommandError, ErrorCode};
use crate::output;

/// The options of a restoration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RestoreOptions {
    /// True if an existing database may be replaced.
    pub(crate) replace: bool,
    /// True if the sessions and tokens of the backup stay valid.
    pub(crate) keep_sessions: bool,
}

/// The note in the restored database, which the service reads at its next start.
#[derive(Clone, Copy, Debug)]
pub(super) struct RestorationNote<'a> {
    pub(super) restoration: Restoration,
    /// The ids of the users who were erased in the databases that are replaced.
    pub(super) erased: &'a [Uuid],
    /// The ids of those who were deleted in them, and can be restored.
    pub(super) deleted: &'a [Uuid],
}

/// The users who are gone in the existing database. The restoration goes on when it cannot be read.
async fn gone_users_in(target: &BackupTarget) -> GoneUsers {
    let found = match &target.store {
        Store::Sqlite(path) if !sqlite::has_content(path) => return GoneUsers::default(),
        Store::Sqlite(path) => sqlite::gone_users(target.service, path).await,
        Store::Postgres(database) => postgres::gone_users(target.service, database).await,
    };
    found.unwrap_or_else(|failure| {
        output::print_remark(format!(
            "the database of {} that is replaced cannot be asked who was deleted since the backup: {failure}",
            target.service
        ));
        GoneUsers::default()
    })
}

/// The error when a service runs on the database.
pub(super) fn in_use_error(service: &str) -> CommandError {
    CommandError::new(
        ErrorCode::Conflict,
        format!("the database of {service} is in use: a restoration needs it for itself"),
    )
    .hint("Stop every replica of the service first.")
}

/// Restores each of `targets` from its folder in `from`. All checks are done before the first change.
pub(crate) async fn restore(
    targets: &[BackupTarget],
    from: &Path,
    options: RestoreOptions,
) -> Result<Vec<Manifest>, CommandError> {
    let mut manifests = Vec::new();
    for target in targets {
        let folder = from.join(target.service);
        let manifest = Manifest::read(&folder)?.ok_or_else(|| {
            let what = format!("{} holds no backup of {}", from.display(), target.service);
            CommandError::new(ErrorCode::NotFound, what)
        })?;
        manifest.check_compatible(target)?;
        check_replaceable(target, options).await?;
        manifests.push(manifest);
    }
    // Each service knows some of those who are gone; the note of both lists all of them.
    let mut gone = GoneUsers::default();
    for target in targets {
        let found = gone_users_in(target).await;
        gone.erased.extend(found.erased);
        gone.deleted.extend(found.deleted);
    }
    let deleted: Vec<Uuid> = gone.deleted.difference(&gone.erased).copied().collect();
    let erased: Vec<Uuid> = gone.erased.into_iter().collect();
    let restored_at = SystemClock.now();
    let noted = |manifest: &Manifest| RestorationNote {
        restoration: Restoration {
            taken_at: manifest.taken_at,
            restored_at,
            keep_sessions: options.keep_sessions,
        },
        erased: &erased,
        deleted: &deleted,
    };
    // The steps of SQLite files that can fail come first; at the end the files are only renamed.
    let mut files = Vec::new();
    for (target, manifest) in targets.iter().zip(&manifests) {
        if let Store::Sqlite(path) = &target.store {
            let folder = from.join(target.service);
            let new = sqlite::prepare_file(target, manifest, &folder, path, &noted(manifest)).await?;
            files.push((new, path));
        }
    }
    for (target, manifest) in targets.iter().zip(&manifests) {
        if let Store::Postgres(database) = &target.store {
            let folder = from.join(target.service);
            postgres::install(target, manifest, &folder, database, &noted(manifest)).await?;
        }
    }
    for (new, path) in files {
        sqlite::install(&new, path)?;
    }
    Ok(manifests)
}

/// Fails for a database that is in use, or that has content and may not be replaced.
async fn check_replaceable(target: &BackupTarget, options: RestoreOptions) -> Result<(), CommandError> {
    let taken = match &target.store {
        Store::Sqlite(path) => {
            let taken = sqlite::has_content(path);
            if taken && options.replace {
                sqlite::refuse_if_open(target.service, path).await?;
            }
            taken
        }
        Store::Postgres(database) => postgres::inspect(target.service, database).await?,
    };
    if taken && !options.replace {
        let what = format!("there is a database at {} already", target.store.location());
        return Err(CommandError::new(ErrorCode::Conflict, what)
            .hint("Add --replace to put the backup in its place."));
    }
    Ok(())
}
