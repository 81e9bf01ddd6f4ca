//! The file of an export: readable for its owner alone, there when it is complete, and encrypted if recipients are given.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use chassis::random::SystemRandom;
use tempfile::NamedTempFile;

use super::{Counts, ExportError, Options, export};
use crate::api::ApiClient;
use crate::error::CommandError;

/// Writes a file.
pub(super) async fn export_to(
    api: &ApiClient,
    path: &Path,
    options: &Options,
) -> Result<Counts, CommandError> {
    let describe = |error: ExportError| error.describe(&path.display().to_string());
    let write = |error: io::Error| describe(ExportError::Write(error));
    let mut file = NamedTempFile::new_in(folder_of(path)).map_err(write)?;
    let count = encrypt_or_not(api, BufWriter::new(&mut file), options)
        .await
        .map_err(describe)?;
    file.as_file().sync_all().map_err(write)?;
    file.persist(path).map_err(|error| write(error.error))?;
    Ok(count)
}

/// Writes a document to a file, as [`export_to`].
pub(super) fn write_document(path: &Path, document: &str) -> Result<(), CommandError> {
    let write = || {
        let mut file = NamedTempFile::new_in(folder_of(path))?;
        writeln!(file, "{document}")?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(|error| ExportError::Write(error).describe(&path.display().to_string()))
}

/// Writes an export to `out`: encrypted to the recipients, if there are any. What is not encrypted never reaches `out` then.
pub(super) async fn encrypt_or_not(
    api: &ApiClient,
    mut out: impl Write,
    options: &Options,
) -> Result<Counts, ExportError> {
    if options.recipients.is_empty() {
        return export(api, &mut out, options).await;
    }
    let random = SystemRandom::default();
    let mut encrypted = age_format::encrypt(&options.recipients, &random, out).map_err(ExportError::Write)?;
    let count = export(api, &mut encrypted, options).await?;
    let mut out = encrypted.finish().map_err(ExportError::Write)?;
    out.flush().map_err(ExportError::Write)?;
    Ok(count)
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}
