//! The payload of a file: chunks of 64 KiB, each encrypted for itself under a counter. The last one is marked, so that a file that was
//! cut off is known.

use std::io::{self, Read, Write};

use aws_lc_rs::aead::{LessSafeKey, NONCE_LEN};

use super::{CryptoError, TAG_BYTES, fill, open, seal};

/// Bytes of a plain chunk.
const CHUNK: usize = 64 * 1024;

/// The counter of chunks.
#[derive(Debug, Default)]
struct Counter(u64);

impl Counter {
    /// The nonce of the next chunk: eleven bytes of the counter, and one that says whether it is the last.
    fn next(&mut self, last: bool) -> [u8; NONCE_LEN] {
        let mut nonce = [0; NONCE_LEN];
        for (byte, counted) in nonce.iter_mut().skip(3).zip(self.0.to_be_bytes()) {
            *byte = counted;
        }
        if let Some(flag) = nonce.last_mut() {
            *flag = u8::from(last);
        }
        // 2^64 chunks are more than any file has.
        self.0 = self.0.saturating_add(1);
        nonce
    }
}

/// A writer that encrypts.
pub struct EncryptingWriter<W> {
    key: LessSafeKey,
    out: W,
    counter: Counter,
    chunk: Vec<u8>,
}

impl<W: Write> EncryptingWriter<W> {
    pub(super) fn new(key: LessSafeKey, out: W) -> Self {
        Self {
            key,
            out,
            counter: Counter::default(),
            chunk: Vec::with_capacity(CHUNK + TAG_BYTES),
        }
    }

    /// Writes the last chunk, and returns the writer below.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(mut self) -> io::Result<W> {
        self.write_chunk(true)?;
        Ok(self.out)
    }

    fn write_chunk(&mut self, last: bool) -> io::Result<()> {
        seal(&self.key, self.counter.next(last), &mut self.chunk)?;
        self.out.write_all(&self.chunk)?;
        self.chunk.clear();
        Ok(())
    }
}

impl<W: Write> Write for EncryptingWriter<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        // A full chunk waits until there is more: the last one is marked.
        if self.chunk.len() == CHUNK && !data.is_empty() {
            self.write_chunk(false)?;
        }
        let length = data.len().min(CHUNK - self.chunk.len());
        self.chunk
            .extend_from_slice(data.get(..length).unwrap_or_default());
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// A reader that decrypts.
pub struct DecryptingReader<R> {
    key: LessSafeKey,
    input: R,
    counter: Counter,
    /// The bytes behind the chunk: they tell whether it is the last.
    ahead: Vec<u8>,
    plain: Vec<u8>,
    read: usize,
    ended: bool,
}

impl<R: Read> DecryptingReader<R> {
    pub(super) fn new(key: LessSafeKey, input: R) -> Self {
        Self {
            key,
            input,
            counter: Counter::default(),
            ahead: Vec::new(),
            plain: Vec::new(),
            read: 0,
            ended: false,
        }
    }

    fn next_chunk(&mut self) -> io::Result<()> {
        let mut chunk = std::mem::take(&mut self.ahead);
        fill(&mut self.input, &mut chunk, CHUNK + TAG_BYTES + 1)?;
        self.ahead = chunk.split_off(chunk.len().min(CHUNK + TAG_BYTES));
        self.ended = self.ahead.is_empty();
        let first = self.counter.0 == 0;
        let nonce = self.counter.next(self.ended);
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "is damaged, or cut off");
        open(&self.key, nonce, &mut chunk).map_err(|CryptoError| damaged())?;
        // Only an empty file has an empty chunk.
        if chunk.is_empty() && !first {
            return Err(damaged());
        }
        (self.plain, self.read) = (chunk, 0);
        Ok(())
    }
}

impl<R: Read> Read for DecryptingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.read == self.plain.len() {
            if self.ended {
                return Ok(0);
            }
            self.next_chunk()?;
        }
        let rest = self.plain.get(self.read..).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        for (into, from) in buffer.iter_mut().zip(rest) {
            *into = *from;
        }
        self.read += length;
        Ok(length)
    }
}
