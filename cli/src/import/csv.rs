//! [`CsvReader`]: rows of CSV (RFC 4180), each of a limited length.

use std::io::{self, BufRead};

use super::lines::{BYTE_ORDER_MARK, too_long_record};
use super::{MAX_RECORD_BYTES, Rejection};

/// A reader of CSV rows. Fields are separated by commas, may stand in quotes, and may then have line breaks.
#[derive(Debug)]
pub(super) struct CsvReader<R> {
    input: R,
    line: u64,
    begun: bool,
}

/// A row: the line on which it begins, and its fields.
pub(super) type CsvRow = (u64, Result<Vec<String>, Rejection>);

/// The place of the reader in a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FieldState {
    Start,
    Plain,
    Quoted,
    /// Behind a quote in a quoted field: its end, or the first half of a doubled quote.
    Quote,
}

/// The row that is being read.
#[derive(Debug)]
struct Builder {
    fields: Vec<Vec<u8>>,
    bytes: usize,
    state: FieldState,
    fault: Option<Rejection>,
}

impl Builder {
    fn new() -> Self {
        Self {
            fields: vec![Vec::new()],
            bytes: 0,
            state: FieldState::Start,
            fault: None,
        }
    }

    fn push(&mut self, byte: u8) {
        self.bytes += 1;
        if self.bytes > MAX_RECORD_BYTES {
            self.fail(too_long_record());
        }
        if self.fault.is_none()
            && let Some(field) = self.fields.last_mut()
        {
            field.push(byte);
        }
    }

    /// Holds the first fault, and nothing else of the row.
    fn fail(&mut self, fault: Rejection) {
        if self.fault.is_none() {
            self.fault = Some(fault);
            self.fields = Vec::new();
        }
    }

    /// Reads one byte; true at the end of the row.
    fn read(&mut self, byte: u8) -> bool {
        match (self.state, byte) {
            (FieldState::Quoted, b'"') => self.state = FieldState::Quote,
            (FieldState::Quoted, _) => self.push(byte),
            (FieldState::Quote, b'"') => {
                self.push(byte);
                self.state = FieldState::Quoted;
            }
            (_, b'\n') => return true,
            (_, b',') => {
                self.bytes += 1;
                self.state = FieldState::Start;
                if self.bytes > MAX_RECORD_BYTES {
                    self.fail(too_long_record());
                }
                if self.fault.is_none() {
                    self.fields.push(Vec::new());
                }
            }
            (FieldState::Start, b'"') => self.state = FieldState::Quoted,
            // The carriage return of CRLF.
            (FieldState::Quote, b'\r') => {}
            (FieldState::Quote, _) => self.fail(Rejection::new("", "has text behind a quoted field")),
            (FieldState::Start | FieldState::Plain, _) => {
                self.push(byte);
                self.state = FieldState::Plain;
            }
        }
        false
    }

    fn finish(mut self) -> Result<Vec<String>, Rejection> {
        if self.state == FieldState::Quoted {
            self.fail(Rejection::new("", "a quote is not closed"));
        }
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        if self.state == FieldState::Plain
            && let Some(last) = self.fields.last_mut()
            && last.last() == Some(&b'\r')
        {
            last.pop();
        }
        let fields = self.fields.into_iter().map(String::from_utf8);
        fields
            .collect::<Result<_, _>>()
            .map_err(|_| Rejection::new("", "the row is not UTF-8"))
    }
}

impl<R: BufRead> CsvReader<R> {
    /// The rows of `input`, the header among them.
    pub(super) fn new(input: R) -> Self {
        Self {
            input,
            line: 1,
            begun: false,
        }
    }

    /// The next row, or `None` at the end. Empty lines are passed over.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn next_row(&mut self) -> io::Result<Option<CsvRow>> {
        if !self.begun {
            self.begun = true;
            // Three bytes: a reader of a file has at least as many at once.
            if self.input.fill_buf()?.starts_with(BYTE_ORDER_MARK) {
                self.input.consume(BYTE_ORDER_MARK.len());
            }
        }
        loop {
            let line = self.line;
            let Some(row) = self.read_row()? else {
                return Ok(None);
            };
            if row
                .as_ref()
                .is_ok_and(|fields| fields.iter().all(String::is_empty))
            {
                continue;
            }
            return Ok(Some((line, row)));
        }
    }

    fn read_row(&mut self) -> io::Result<Option<Result<Vec<String>, Rejection>>> {
        let mut row = Builder::new();
        let mut any = false;
        loop {
            let chunk = self.input.fill_buf()?;
            if chunk.is_empty() {
                return Ok(any.then(|| row.finish()));
            }
            any = true;
            let mut used = 0;
            let mut ended = false;
            for byte in chunk {
                used += 1;
                self.line += u64::from(*byte == b'\n');
                ended = row.read(*byte);
                if ended {
                    break;
                }
            }
            self.input.consume(used);
            if ended {
                return Ok(Some(row.finish()));
            }
        }
    }
}
