//! Tests of the readers, and of what an import decides.

mod columns;
mod exports;
mod files;
mod journal;
mod requests;

use std::path::{Path, PathBuf};

use secrecy::ExposeSecret;
use serde_json::Value;
use tempfile::TempDir;

use super::*;

/// The rows of a file.
fn rows_of(content: &[u8], format: FileFormat, options: &ReaderOptions) -> Vec<Row> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = file(&folder, "users", content);
    rows_in(&path, format, options)
}

fn rows_in(path: &Path, format: FileFormat, options: &ReaderOptions) -> Vec<Row> {
    let mut rows = open(path, format, options).expect("opened");
    let mut all = Vec::new();
    while let Some(row) = rows.next_row().expect("read") {
        all.push(row);
    }
    all
}

fn file(folder: &TempDir, name: &str, content: &[u8]) -> PathBuf {
    let path = folder.path().join(name);
    std::fs::write(&path, content).expect("written");
    path
}

/// The error of a file that cannot be read to its end, or opened.
fn error_of(content: &[u8], format: FileFormat, options: &ReaderOptions) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let path = file(&folder, "users", content);
    let mut rows = match open(&path, format, options) {
        Ok(rows) => rows,
        Err(error) => return error.to_string(),
    };
    loop {
        match rows.next_row() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the file was read to its end"),
            Err(error) => return error.to_string(),
        }
    }
}

/// The user and the hash of a row.
fn user_of(row: &Row) -> (Value, String) {
    let record = row.record.as_ref().expect("a user");
    let hash = record.password_hash.as_ref();
    (
        Value::Object(record.user.clone()),
        hash.map_or_else(String::new, |hash| hash.expose_secret().to_owned()),
    )
}

/// The field and the reason of a refused row.
fn refusal_of(row: &Row) -> (&str, &str) {
    let rejection = row.record.as_ref().expect_err("refused");
    (&rejection.field, &rejection.reason)
}
