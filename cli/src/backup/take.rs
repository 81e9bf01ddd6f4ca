//! Taking a backup, while the services serve.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use chassis::clock::{Clock, SystemClock};
use chassis::db::{Db, SchemaLevel};

use super::manifest::{Applied, Copied, Manifest};
use super::store::{postgres, sqlite};
use super::{Store, Target, db_failure, io_failure};
use crate::failure::{Code, Failure};

/// Copies the databases of `targets` into the new folder `to`. The folder appears when all of it is there.
pub(crate) async fn take(targets: &[Target], to: &Path) -> Result<Vec<Manifest>, Failure> {
    if to.exists() {
        return Err(
            Failure::new(Code::Conflict, format!("{} is there already", to.display()))
                .hint("Name a folder that is not; a backup never overwrites another."),
        );
    }
    let folder = folder_of(to);
    let work = tempfile::Builder::new()
        .prefix(".backup-")
        .tempdir_in(folder)
        .map_err(|error| io_failure("write in", folder, &error))?;
    let mut manifests = Vec::new();
    for target in targets {
        let place = work.path().join(target.service);
        fs::DirBuilder::new()
            .mode(0o700)
            .create(&place)
            .map_err(|error| io_failure("create", &place, &error))?;
        // Before the copy: whatever happened since may be missing in it.
        let taken_at = SystemClock.now();
        let copied = match &target.store {
            Store::Sqlite(path) => sqlite::copy(target, path, &place).await?,
            Store::Postgres(database) => postgres::dump(target, database, &place).await?,
        };
        let manifest = Manifest::of(target, copied, &place, taken_at)?;
        manifest.write(&place)?;
        sync(&place)?;
        manifests.push(manifest);
    }
    sync(work.path())?;
    let work = work.keep();
    fs::rename(&work, to).map_err(|error| io_failure("create", to, &error))?;
    sync(folder)?;
    Ok(manifests)
}

/// Where a file stands.
pub(super) fn folder_of(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// Makes the names in a folder durable.
pub(super) fn sync(folder: &Path) -> Result<(), Failure> {
    fs::File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| io_failure("write", folder, &error))
}

/// How far the schema is; refuses a database that has none.
pub(super) async fn schema(db: &Db, target: &Target) -> Result<Vec<Applied>, Failure> {
    let place = target.store.place();
    let levels = db
        .schema_levels(&place, target.sets)
        .await
        .map_err(|error| db_failure(&error))?;
    if levels.iter().any(|level| level.newest == 0) {
        let why = format!("the database at {place} is not one of {}", target.service);
        return Err(Failure::new(Code::NotFound, why));
    }
    let applied = |level: &SchemaLevel| Applied {
        set: level.set.to_owned(),
        migration: level.newest,
    };
    Ok(levels.iter().map(applied).collect())
}

/// What became of a copy.
pub(super) fn copied(file: &'static str, schema: Vec<Applied>, last_position: i64) -> Copied {
    Copied {
        file,
        schema,
        last_position,
    }
}
