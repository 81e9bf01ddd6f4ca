//! [`JsonElements`]: the elements of one list in a JSON document, one at a time.

use std::io::{self, BufRead};

use serde_json::{Map, Value};

use super::super::lines::{BYTE_ORDER_MARK, too_long_record};
use super::super::ndjson::parse_object;
use super::super::{MAX_RECORD_BYTES, Rejection};

/// A reader of the elements of a list: the document itself, or the member of this name of the document. Only the element that
/// is being read is held; what stands before the list is passed over, and what stands behind it is not read.
#[derive(Debug)]
pub(super) struct JsonElements<R> {
    input: R,
    member: &'static str,
    /// False if the document may lack the list.
    required: bool,
    number: u64,
    state: State,
}

/// The place of the reader in the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Before,
    Inside,
    Behind,
}

/// An element: its number from 1, and the object.
pub(super) type Element = (u64, Result<Map<String, Value>, Rejection>);

impl<R: BufRead> JsonElements<R> {
    /// The elements in `input`, in a list or in the member `member` of an object.
    pub(super) fn new(input: R, member: &'static str) -> Self {
        Self {
            input,
            member,
            required: true,
            number: 0,
            state: State::Before,
        }
    }

    /// The elements of the member `member` of an object in `input`; none if there is no such list.
    pub(super) fn optional(input: R, member: &'static str) -> Self {
        Self {
            required: false,
            ..Self::new(input, member)
        }
    }

    /// The next element, or `None` at the end.
    ///
    /// # Errors
    /// When the file cannot be read, has no such list, or ends in the middle of it.
    pub(super) fn next_element(&mut self) -> io::Result<Option<Element>> {
        match self.state {
            State::Before => match self.find_list() {
                Err(error) if !self.required && error.kind() == io::ErrorKind::InvalidData => {
                    self.state = State::Behind;
                    return Ok(None);
                }
                found => {
                    found?;
                    self.state = State::Inside;
                }
            },
            State::Inside => {}
            State::Behind => return Ok(None),
        }
        loop {
            match self.next_token()? {
                b']' => {
                    self.state = State::Behind;
                    return Ok(None);
                }
                b',' => {}
                first => {
                    self.number += 1;
                    let mut bytes = Vec::new();
                    let fits = self.read_value(first, Some(&mut bytes))?;
                    let object = match fits {
                        true => parse_object(&bytes),
                        false => Err(too_long_record()),
                    };
                    return Ok(Some((self.number, object)));
                }
            }
        }
    }

    /// Reads up to the first element of the list.
    fn find_list(&mut self) -> io::Result<()> {
        if self.input.fill_buf()?.starts_with(BYTE_ORDER_MARK) {
            self.input.consume(BYTE_ORDER_MARK.len());
        }
        match self.next_token()? {
            b'[' if self.required => return Ok(()),
            b'{' => {}
            _ => return Err(invalid("is not JSON")),
        }
        loop {
            let mut name = Vec::new();
            match self.next_token()? {
                b'"' => self.read_value(b'"', Some(&mut name))?,
                b',' => continue,
                _ => return Err(invalid(format!("has no list {:?}", self.member))),
            };
            if self.next_token()? != b':' {
                return Err(invalid("is not JSON"));
            }
            let first = self.next_token()?;
            let found = serde_json::from_slice(&name).is_ok_and(|name: String| name == self.member);
            if found && first == b'[' {
                return Ok(());
            }
            self.read_value(first, None)?;
        }
    }

    /// Reads a value that begins with the byte `first`. False if it is longer than a record may be.
    fn read_value(&mut self, first: u8, mut into: Option<&mut Vec<u8>>) -> io::Result<bool> {
        let mut fits = true;
        let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
        let mut byte = first;
        loop {
            if let Some(bytes) = into.as_deref_mut() {
                fits = fits && bytes.len() < MAX_RECORD_BYTES;
                if fits {
                    bytes.push(byte);
                }
            }
            if in_text {
                match byte {
                    _ if escaped => escaped = false,
                    b'\\' => escaped = true,
                    b'"' => in_text = false,
                    _ => {}
                }
            } else {
                match byte {
                    b'"' => in_text = true,
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth = depth.saturating_sub(1),
                    _ => {}
                }
            }
            if depth == 0 && !in_text {
                let next = self.peek()?;
                let is_scalar = !matches!(byte, b'"' | b'}' | b']');
                // A number or a word goes on until the punctuation behind it.
                if !is_scalar || matches!(next, b',' | b'}' | b']') || next.is_ascii_whitespace() {
                    return Ok(fits);
                }
            }
            byte = self.next_byte()?;
        }
    }

    fn peek(&mut self) -> io::Result<u8> {
        let first = self.input.fill_buf()?.first().copied();
        // The end of a document that is one value is not here: a list ends with a bracket.
        first.ok_or_else(|| self.truncated())
    }

    fn next_byte(&mut self) -> io::Result<u8> {
        let byte = self.peek()?;
        self.input.consume(1);
        Ok(byte)
    }

    /// The next byte that is not white space.
    fn next_token(&mut self) -> io::Result<u8> {
        loop {
            let byte = self.next_byte()?;
            if !byte.is_ascii_whitespace() {
                return Ok(byte);
            }
        }
    }

    fn truncated(&self) -> io::Error {
        match self.number {
            0 => invalid(format!("has no list {:?}, or ends before it", self.member)),
            number => invalid(format!("ends in the middle of the list, after row {number}")),
        }
    }
}

fn invalid(reason: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason.into())
}
