//! Putting a backup in place, while the services do not run.

use std::collections::BTreeSet;
use std::path::Path;

use chassis::clock::{Clock, SystemClock};
use events::restore::Restoration;
use uuid::Uuid;

use super::manifest::Manifest;
use super::store::{postgres, sqlite};
use super::{Store, Target};
use crate::failure::{Code, Failure};
use crate::output;

/// How to restore.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish {
    /// Whether what is there may be replaced.
    pub(crate) replace: bool,
    /// Whether the sessions and tokens of the backup are to go on.
    pub(crate) keep_sessions: bool,
}

/// What the restored service finds at its next start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Note<'a> {
    pub(super) restoration: Restoration,
    /// Who was erased in the databases that are replaced.
    pub(super) erased: &'a [Uuid],
}

/// Who is erased in the database that is there. One that cannot be read is no reason not to restore.
async fn erased_in(target: &Target) -> Vec<Uuid> {
    let found = match &target.store {
        Store::Sqlite(path) if !sqlite::is_taken(path) => return Vec::new(),
        Store::Sqlite(path) => sqlite::erased(target.service, path).await,
        Store::Postgres(database) => postgres::erased(target.service, database).await,
    };
    found.unwrap_or_else(|failure| {
        output::remark(format!(
            "the database of {} that is replaced cannot be asked who was erased since the backup: {failure}",
            target.service
        ));
        Vec::new()
    })
}

/// A service runs on the database.
pub(super) fn in_use(service: &str) -> Failure {
    Failure::new(
        Code::Conflict,
        format!("the database of {service} is in use: a restoration needs it for itself"),
    )
    .hint("Stop every replica of the service first.")
}

/// Restores each of `targets` from its folder in `from`. Everything is looked at before anything is changed.
pub(crate) async fn restore(targets: &[Target], from: &Path, wish: Wish) -> Result<Vec<Manifest>, Failure> {
    let mut manifests = Vec::new();
    for target in targets {
        let folder = from.join(target.service);
        let manifest = Manifest::read(&folder)?.ok_or_else(|| {
            let what = format!("{} holds no backup of {}", from.display(), target.service);
            Failure::new(Code::NotFound, what)
        })?;
        manifest.suits(target)?;
        allowed(target, wish).await?;
        manifests.push(manifest);
    }
    // Either service knows who was erased, and both are told.
    let mut erased = BTreeSet::new();
    for target in targets {
        erased.extend(erased_in(target).await);
    }
    let erased: Vec<Uuid> = erased.into_iter().collect();
    let restored_at = SystemClock.now();
    let noted = |manifest: &Manifest| Note {
        restoration: Restoration {
            taken_at: manifest.taken_at,
            restored_at,
            keep_sessions: wish.keep_sessions,
        },
        erased: &erased,
    };
    // What can fail for files comes first; then they are only renamed.
    let mut files = Vec::new();
    for (target, manifest) in targets.iter().zip(&manifests) {
        if let Store::Sqlite(path) = &target.store {
            let folder = from.join(target.service);
            let new = sqlite::prepare(target, manifest, &folder, path, &noted(manifest)).await?;
            files.push((new, path));
        }
    }
    for (target, manifest) in targets.iter().zip(&manifests) {
        if let Store::Postgres(database) = &target.store {
            let folder = from.join(target.service);
            postgres::put(target, manifest, &folder, database, &noted(manifest)).await?;
        }
    }
    for (new, path) in files {
        sqlite::put(&new, path)?;
    }
    Ok(manifests)
}

/// Refuses a database that is in use, or full when it may not be replaced.
async fn allowed(target: &Target, wish: Wish) -> Result<(), Failure> {
    let taken = match &target.store {
        Store::Sqlite(path) => {
            let taken = sqlite::is_taken(path);
            if taken && wish.replace {
                sqlite::refuse_if_open(target.service, path).await?;
            }
            taken
        }
        Store::Postgres(database) => postgres::look(target.service, database).await?,
    };
    if taken && !wish.replace {
        let what = format!("there is a database at {} already", target.store.place());
        return Err(Failure::new(Code::Conflict, what).hint("Add --replace to put the backup in its place."));
    }
    Ok(())
}
