//! The history of a run, as the workers record it.
//!
//! Workers send entries over a datagram socket. A sent entry has reached the driver, even if the worker dies the moment
//! after or its disk is full.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HistoryEntry {
    /// A transaction is about to begin.
    Intent {
        /// Its own name.
        nonce: Uuid,
        /// The person that it will change.
        person: Uuid,
    },
    /// Its commit has returned: the change is acknowledged.
    Acknowledged {
        /// The transaction.
        nonce: Uuid,
        /// The person that it changed.
        person: Uuid,
        /// The version that the person has after it.
        version: i64,
    },
    /// It was rolled back.
    RolledBack {
        /// The transaction.
        nonce: Uuid,
    },
    /// The transport confirmed so many events.
    Sent {
        /// The number of events.
        count: u64,
    },
    /// A worker crashes itself at an armed crash point.
    Died {
        /// The crash point.
        point: String,
    },
}

/// The worker's end of the history.
#[derive(Clone, Debug)]
pub struct HistoryWriter(Arc<UnixDatagram>);

impl HistoryWriter {
    /// The log at `path`.
    ///
    /// # Errors
    /// When there is no listener.
    pub fn to(path: &Path) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        socket.connect(path)?;
        Ok(Self(Arc::new(socket)))
    }

    /// Sends an entry. It returns only when the driver has it.
    ///
    /// # Errors
    /// When the driver is gone.
    pub fn record(&self, entry: &HistoryEntry) -> io::Result<()> {
        let line = serde_json::to_vec(entry)?;
        self.0.send(&line).map(|_| ())
    }
}

/// The driver's end of the history: a thread that stores all entries.
#[derive(Debug)]
pub struct HistoryLog {
    entries: Arc<Mutex<Vec<HistoryEntry>>>,
    closed: Arc<Mutex<bool>>,
}

impl HistoryLog {
    /// A log that listens at `path`.
    ///
    /// # Errors
    /// When it cannot.
    pub fn at(path: &Path) -> io::Result<Self> {
        let socket = UnixDatagram::bind(path)?;
        socket.set_read_timeout(Some(Duration::from_millis(50)))?;
        let log = Self {
            entries: Arc::default(),
            closed: Arc::default(),
        };
        let (entries, closed) = (Arc::clone(&log.entries), Arc::clone(&log.closed));
        std::thread::spawn(move || {
            let mut buffer = vec![0; 4096];
            loop {
                match socket.recv(&mut buffer) {
                    Ok(count) => {
                        let line = buffer.get(..count).unwrap_or_default();
                        if let Ok(entry) = serde_json::from_slice(line) {
                            entries.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
                        }
                    }
                    Err(_) if *closed.lock().unwrap_or_else(PoisonError::into_inner) => return,
                    Err(_) => {}
                }
            }
        });
        Ok(log)
    }

    /// All entries so far.
    pub fn entries(&self) -> Vec<HistoryEntry> {
        self.entries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The number of entries that `wanted` accepts.
    pub fn count(&self, wanted: impl Fn(&HistoryEntry) -> bool) -> usize {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.iter().filter(|entry| wanted(entry)).count()
    }
}

impl Drop for HistoryLog {
    fn drop(&mut self) {
        *self.closed.lock().unwrap_or_else(PoisonError::into_inner) = true;
    }
}
