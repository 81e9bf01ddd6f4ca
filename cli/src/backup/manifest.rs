//! The manifest of a backup: service, engine, version, schema and checksum.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use aws_lc_rs::digest::{Context, SHA256};
use chassis::clock::Timestamp;
use serde::{Deserialize, Serialize};

use super::{BackupTarget, io_error};
use crate::error::{CommandError, ErrorCode};

/// The file name of the manifest.
const NAME: &str = "manifest.json";
/// The version of the format. It is raised when older programs cannot read a new backup.
const FORMAT: u32 = 1;

/// The manifest of one service's part of a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) format: u32,
    pub(crate) service: String,
    /// `sqlite` or `postgres`.
    pub(crate) engine: String,
    /// The version of the program that created the backup.
    pub(crate) version: String,
    pub(crate) taken_at: Timestamp,
    pub(crate) schema: Vec<AppliedMigration>,
    /// The last position in the feed of the service.
    pub(crate) last_position: i64,
    /// The file beside the manifest, with its length and its SHA-256.
    pub(crate) file: String,
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

/// The newest applied migration of one set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AppliedMigration {
    pub(crate) set: String,
    pub(crate) migration: i64,
}

/// The description of a copied database.
pub(super) struct DatabaseCopy {
    pub(super) file: &'static str,
    pub(super) schema: Vec<AppliedMigration>,
    pub(super) last_position: i64,
}

impl Manifest {
    /// The manifest of the copy that was just written to `folder`.
    pub(super) fn for_copy(
        target: &BackupTarget,
        copied: DatabaseCopy,
        folder: &Path,
        taken_at: Timestamp,
    ) -> Result<Self, CommandError> {
        let (bytes, sha256) = digest(&folder.join(copied.file))?;
        Ok(Self {
            format: FORMAT,
            service: target.service.to_owned(),
            engine: target.store.engine().to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            taken_at,
            schema: copied.schema,
            last_position: copied.last_position,
            file: copied.file.to_owned(),
            bytes,
            sha256,
        })
    }

    /// Writes the manifest beside the file that it describes.
    pub(super) fn write(&self, folder: &Path) -> Result<(), CommandError> {
        let path = folder.join(NAME);
        let text = serde_json::to_string_pretty(self).map_err(|error| {
            CommandError::new(ErrorCode::Failed, format!("cannot write the manifest: {error}"))
        })?;
        let file = super::store::sqlite::private_file(&path)?;
        std::io::Write::write_all(&mut &file, format!("{text}\n").as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(|error| io_error("write", &path, &error))
    }

    /// Reads the manifest of `folder` and checks its file; none when there is no manifest.
    ///
    /// # Errors
    /// When the file is not what the manifest says.
    pub(super) fn read(folder: &Path) -> Result<Option<Self>, CommandError> {
        let path = folder.join(NAME);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_error("read", &path, &error)),
        };
        let damaged =
            |why: String| CommandError::new(ErrorCode::Failed, format!("{}: {why}", folder.display()));
        let manifest: Self =
            serde_json::from_str(&text).map_err(|error| damaged(format!("unreadable manifest: {error}")))?;
        if manifest.format != FORMAT {
            return Err(damaged(format!(
                "made by a newer version (format {}), which this one cannot read",
                manifest.format
            )));
        }
        let file = folder.join(&manifest.file);
        if file.parent() != Some(folder) {
            return Err(damaged("the manifest names a file elsewhere".to_owned()));
        }
        if digest(&file)? != (manifest.bytes, manifest.sha256.clone()) {
            return Err(damaged(format!(
                "{} is not the file that was written: it is damaged or was changed",
                manifest.file
            )));
        }
        Ok(Some(manifest))
    }

    /// Fails when the backup does not fit `target`: another service, another engine or a newer schema.
    pub(super) fn check_compatible(&self, target: &BackupTarget) -> Result<(), CommandError> {
        let refused = |why: String| {
            Err(CommandError::new(
                ErrorCode::Usage,
                format!("{}: {why}", target.service),
            ))
        };
        if self.service != target.service {
            return refused(format!("this is a backup of {}", self.service));
        }
        let engine = target.store.engine();
        if self.engine != engine {
            return refused(format!(
                "the backup is of {}, the database is {engine}",
                self.engine
            ));
        }
        for applied in &self.schema {
            let known = target.sets.iter().find(|set| set.name == applied.set);
            let newest = known.map_or(0, |set| {
                set.sqlite
                    .iter()
                    .map(|file| file.version)
                    .max()
                    .unwrap_or_default()
            });
            if applied.migration > newest {
                return refused(format!(
                    "the backup was made by version {}, with migration {} of {}; this version knows {newest}: take that one",
                    self.version, applied.migration, applied.set
                ));
            }
        }
        Ok(())
    }
}

fn digest(path: &Path) -> Result<(u64, String), CommandError> {
    let read = || -> std::io::Result<(u64, String)> {
        let mut file = File::open(path)?;
        let (mut context, mut buffer, mut bytes) = (Context::new(&SHA256), vec![0_u8; 1 << 16], 0_u64);
        loop {
            let count = file.read(&mut buffer)?;
            let Some(read) = buffer.get(..count).filter(|read| !read.is_empty()) else {
                break;
            };
            context.update(read);
            bytes += count as u64;
        }
        let hex = context
            .finish()
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Ok((bytes, hex))
    };
    read().map_err(|error| io_error("read", path, &error))
}
