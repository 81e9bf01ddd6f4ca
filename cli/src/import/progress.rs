//! [`Progress`]: the rows so far, the rate and the time left, on standard error.

use std::io::{self, IsTerminal, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The time between two lines on a terminal, and elsewhere.
const INTERVALS: [Duration; 2] = [Duration::from_millis(200), Duration::from_secs(10)];

/// The count of the bytes that were read of a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct ByteCount(Arc<AtomicU64>);

impl ByteCount {
    /// The bytes so far.
    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A reader that counts.
#[derive(Debug)]
pub(super) struct Counted<R> {
    pub(super) inner: R,
    pub(super) count: ByteCount,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count.0.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// The display of the progress.
#[derive(Debug)]
pub(crate) struct Progress {
    shown: bool,
    terminal: bool,
    read: ByteCount,
    size: u64,
    /// The rows and bytes that an earlier run had finished, which say nothing about the rate.
    skipped: (u64, u64),
    started: Instant,
    last: Instant,
}

impl Progress {
    /// The progress through a file of `size` bytes. It is shown on a terminal, and elsewhere if `wanted`.
    pub(crate) fn new(wanted: bool, read: ByteCount, size: u64) -> Self {
        let terminal = io::stderr().is_terminal();
        let now = Instant::now();
        Self {
            shown: wanted || terminal,
            terminal,
            read,
            size,
            skipped: (0, 0),
            started: now,
            last: now,
        }
    }

    /// Leaves the rows so far out of the rate.
    pub(crate) fn skip(&mut self, rows: u64) {
        self.skipped = (rows, self.read.get());
        self.started = Instant::now();
    }

    /// Shows the progress if the last time was long enough ago.
    pub(crate) fn update(&mut self, rows: u64, refused: u64) {
        let interval = if self.terminal { INTERVALS[0] } else { INTERVALS[1] };
        if self.shown && self.last.elapsed() >= interval {
            self.last = Instant::now();
            self.print(&self.text(rows, refused));
        }
    }

    /// Removes the line from a terminal.
    pub(crate) fn end(&self) {
        if self.shown && self.terminal {
            self.print("");
        }
    }

    fn print(&self, text: &str) {
        let mut err = io::stderr().lock();
        // There is nowhere to report that standard error is gone.
        let _ = match self.terminal {
            true => write!(err, "\r\x1b[K{text}").and_then(|()| err.flush()),
            false => writeln!(err, "{text}"),
        };
    }

    fn text(&self, rows: u64, refused: u64) -> String {
        line(
            (rows, refused),
            rows.saturating_sub(self.skipped.0),
            (self.read.get(), self.skipped.1, self.size),
            self.started.elapsed(),
        )
    }
}

/// The text of a line. `fresh` rows were handled in `elapsed`; of `size` bytes `read` are read, `skipped` of them without work.
pub(super) fn line(
    (rows, refused): (u64, u64),
    fresh: u64,
    (read, skipped, size): (u64, u64, u64),
    elapsed: Duration,
) -> String {
    let seconds = elapsed.as_millis().max(1);
    let rate = u128::from(fresh) * 1000 / seconds;
    let mut text = format!("{rows} rows, {refused} refused, {rate} a second");
    let handled = u128::from(read.saturating_sub(skipped));
    if handled > 0 && size > 0 {
        let left = seconds * u128::from(size.saturating_sub(read)) / handled / 1000;
        text.push_str(&format!(
            ", {:02}:{:02}:{:02} left",
            left / 3600,
            left / 60 % 60,
            left % 60
        ));
    }
    text
}
