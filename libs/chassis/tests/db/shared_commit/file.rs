//! A SQLite file, and units of work that wait for its writer.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chassis::db::{Db, DbConfig, DbError, Tx};
use testkit::eventually;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::{add, count, prepared};

/// A SQLite file in a folder of its own.
pub(super) struct File {
    pub(super) db: Db,
    pub(super) folder: tempfile::TempDir,
}

impl File {
    pub(super) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let db = open(&folder.path().join("probe.db")).await;
        prepared(&db).await;
        Self { db, folder }
    }

    /// One whose batches do not close while a test takes its steps.
    pub(super) async fn with_patience() -> Self {
        let Self { db, folder } = Self::new().await;
        let Db::Sqlite { read, write, shared } = db else {
            unreachable!("the file is one of SQLite")
        };
        let shared = shared.with_batches_open_for(Duration::from_secs(600));
        let db = Db::Sqlite { read, write, shared };
        Self { db, folder }
    }

    /// The number of rows that a new process would find if this one were killed now.
    pub(super) async fn rows_after_a_kill(&self) -> i64 {
        let copy = tempfile::tempdir().unwrap();
        for entry in std::fs::read_dir(self.folder.path()).unwrap() {
            let path = entry.unwrap().path();
            // The shared index of the log is built again by the first process that opens the file.
            if !path.to_string_lossy().ends_with("-shm") {
                std::fs::copy(&path, copy.path().join(path.file_name().unwrap())).unwrap();
            }
        }
        let db = open(&copy.path().join("probe.db")).await;
        let rows = count(&db).await;
        db.close().await;
        rows
    }

    /// Begins a unit of work behind the one that has the writer now.
    pub(super) async fn queue(&self, id: i64) -> Queued {
        let (db, gate, begun) = (
            self.db.clone(),
            Arc::new(Notify::new()),
            Arc::new(AtomicBool::new(false)),
        );
        let (opened, is_begun) = (Arc::clone(&gate), Arc::clone(&begun));
        let work = tokio::spawn(async move {
            let mut tx = db.begin_shared("probe").await?;
            is_begun.store(true, Ordering::SeqCst);
            opened.notified().await;
            let added = add(&mut tx, id, &format!("person {id}")).await;
            tx.finish(added).await
        });
        // So that it waits for its turn before the next one does.
        tokio::task::yield_now().await;
        Queued { work, gate, begun }
    }
}

/// A unit of work in a task of its own.
pub(super) struct Queued {
    pub(super) work: JoinHandle<Result<(), DbError>>,
    pub(super) gate: Arc<Notify>,
    pub(super) begun: Arc<AtomicBool>,
}

impl Queued {
    pub(super) async fn begun(&self) {
        eventually("the unit of work has begun", async || {
            self.begun.load(Ordering::SeqCst).then_some(())
        })
        .await;
    }

    /// Lets it write and end.
    pub(super) async fn end(self) -> Result<(), DbError> {
        self.gate.notify_one();
        self.work.await.unwrap()
    }
}

async fn open(path: &Path) -> Db {
    let path: PathBuf = path.to_owned();
    DbConfig::new(format!("sqlite:{}", path.display()))
        .open()
        .await
        .unwrap()
}

pub(super) async fn first(file: &File) -> Tx {
    let mut tx = file.db.begin_shared("probe").await.unwrap();
    add(&mut tx, 1, "ann").await.unwrap();
    tx
}

/// The first unit of work has ended and waits; the second one has begun in its transaction.
pub(super) async fn two(file: &File) -> (JoinHandle<Result<(), DbError>>, Queued) {
    let tx = first(file).await;
    let second = file.queue(2).await;
    let ended = tokio::spawn(tx.commit());
    second.begun().await;
    (ended, second)
}
