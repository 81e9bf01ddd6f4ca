//! [`Lines`]: the lines of a file, each of a limited length.

use std::io::{self, BufRead};

use super::{MAX_RECORD_BYTES, Rejection};

/// U+FEFF in UTF-8, which programs of Windows write at the beginning of a file.
pub(super) const BYTE_ORDER_MARK: &[u8] = &[0xef, 0xbb, 0xbf];

/// A reader of lines. A line that is too long is skipped without being held.
#[derive(Debug)]
pub(super) struct Lines<R> {
    input: R,
    number: u64,
}

/// A line: its number from 1, and its text without the end of the line.
pub(super) type Line = (u64, Result<String, Rejection>);

impl<R: BufRead> Lines<R> {
    /// The lines of `input`.
    pub(super) fn new(input: R) -> Self {
        Self { input, number: 0 }
    }

    /// The next line, or `None` at the end.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn next_line(&mut self) -> io::Result<Option<Line>> {
        let mut line = Vec::new();
        let (mut too_long, mut any) = (false, false);
        loop {
            let chunk = self.input.fill_buf()?;
            if chunk.is_empty() {
                break;
            }
            any = true;
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let part = chunk.get(..end.unwrap_or(chunk.len())).unwrap_or_default();
            too_long |= line.len() + part.len() > MAX_RECORD_BYTES;
            if !too_long {
                line.extend_from_slice(part);
            }
            let used = part.len() + usize::from(end.is_some());
            self.input.consume(used);
            if end.is_some() {
                break;
            }
        }
        if !any {
            return Ok(None);
        }
        self.number += 1;
        if self.number == 1 && line.starts_with(BYTE_ORDER_MARK) {
            line.drain(..BYTE_ORDER_MARK.len());
        }
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        let text = match too_long {
            true => Err(too_long_record()),
            false => String::from_utf8(line).map_err(|_| Rejection::new("", "the line is not UTF-8")),
        };
        Ok(Some((self.number, text)))
    }
}

/// The refusal of a record over [`MAX_RECORD_BYTES`].
pub(super) fn too_long_record() -> Rejection {
    Rejection::new("", format!("has more than {MAX_RECORD_BYTES} bytes"))
}
