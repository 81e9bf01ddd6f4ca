//! Tests of the readers, and of what an import decides.

mod columns;
mod encrypted;
mod exports;
mod files;
mod groups;
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
    let mut rows = source(path, format, options).open().expect("opened");
    let mut all = Vec::new();
    while let Some(row) = rows.next_row().expect("read") {
        all.push(row);
    }
    all
}

fn source(path: &Path, format: FileFormat, options: &ReaderOptions) -> RowSource {
    RowSource {
        path: path.to_owned(),
        format,
        options: options.clone(),
    }
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
    let mut rows = match source(&path, format, options).open() {
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
    let Ok(Item::User(record)) = &row.item else {
        panic!("no user: {row:?}");
    };
    let hash = record.password_hash.as_ref();
    (
        Value::Object(record.user.clone()),
        hash.map_or_else(String::new, |hash| hash.expose_secret().to_owned()),
    )
}

/// The group of a row.
fn group_of(row: &Row) -> &GroupRecord {
    match &row.item {
        Ok(Item::Group(group)) => group,
        _ => panic!("no group: {row:?}"),
    }
}

/// The field and the reason of a refused row.
fn refusal_of(row: &Row) -> (&str, &str) {
    let rejection = row.item.as_ref().expect_err("refused");
    (&rejection.field, &rejection.reason)
}
