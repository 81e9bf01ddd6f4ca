//! A set of passwords as a BinaryFuse16 filter: 18 bits a password, no false negatives, one false positive in
//! 65,536.
//!
//! A file holds, all numbers little-endian: `VBPF0001`; how many passwords (u64); seed (u64), segment length
//! (u32) and segment count length (u32) of the filter; its fingerprints (u16 each); SHA-256 of all that.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use xorf::{BinaryFuse16, Descriptor, Filter as _};

const MAGIC: &[u8; 8] = b"VBPF0001";
const CHECKSUM_BYTES: usize = 32;
/// The maximum segment length of a filter.
const MAX_SEGMENT_LENGTH: u32 = 1 << 18;

/// The key of a password in a filter: the first 64 bits of the SHA-1 of its UTF-8. Lists of breached
/// passwords have SHA-1. A collision does no harm: the other password is rejected too.
pub fn key(password: &str) -> u64 {
    let sum = digest(&SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
    sum.as_ref()
        .iter()
        .take(8)
        .fold(0, |key, &byte| (key << 8) | u64::from(byte))
}

/// The reason why a filter cannot be read, written or built.
#[derive(Debug, thiserror::Error)]
pub enum FilterError {
    /// The file cannot be read or written.
    #[error("{}: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        error: std::io::Error,
    },
    /// The file is not a filter that [`Filter::write`] wrote, or it is damaged.
    #[error("{}: is no filter of passwords, or is damaged", .0.display())]
    Damaged(PathBuf),
    /// There are no passwords for the filter, or too many.
    #[error("a filter holds 1 to 4,000,000,000 passwords")]
    Size,
}

/// A set of passwords.
pub struct Filter {
    passwords: u64,
    inner: BinaryFuse16,
}

impl std::fmt::Debug for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Filter({} passwords)", self.passwords)
    }
}

impl Filter {
    /// Builds the filter of passwords with these [`key`]s, in any order and with duplicates. It takes about
    /// 40 bytes of memory a password.
    ///
    /// # Errors
    /// [`FilterError::Size`].
    pub fn of(mut keys: Vec<u64>) -> Result<Self, FilterError> {
        keys.sort_unstable();
        keys.dedup();
        if keys.is_empty() || keys.len() > 4_000_000_000 {
            return Err(FilterError::Size);
        }
        let inner = BinaryFuse16::try_from(&keys).map_err(|_| FilterError::Size)?;
        Ok(Self {
            passwords: keys.len() as u64,
            inner,
        })
    }

    /// The number of passwords in the filter.
    pub fn passwords(&self) -> u64 {
        self.passwords
    }

    /// True if the password with this [`key`] is in the filter. One of 65,536 other passwords is a false
    /// positive.
    pub fn contains(&self, key: u64) -> bool {
        self.inner.contains(&key)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`FilterError::Io`], [`FilterError::Damaged`].
    pub fn read(path: &Path) -> Result<Self, FilterError> {
        let bytes = fs::read(path).map_err(|error| FilterError::Io {
            path: path.to_owned(),
            error,
        })?;
        Self::from_bytes(&bytes).map_err(|_| FilterError::Damaged(path.to_owned()))
    }

    /// Writes a file atomically.
    ///
    /// # Errors
    /// [`FilterError::Io`].
    pub fn write(&self, path: &Path) -> Result<(), FilterError> {
        let beside = path.with_extension("part");
        let written = fs::File::create(&beside)
            .and_then(|mut file| file.write_all(&self.to_bytes()).and_then(|()| file.sync_all()))
            .and_then(|()| fs::rename(&beside, path));
        written.map_err(|error| {
            // A partial file is useless.
            let _ = fs::remove_file(&beside);
            FilterError::Io {
                path: path.to_owned(),
                error,
            }
        })
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let shape = &self.inner.descriptor;
        let mut bytes = MAGIC.to_vec();
        bytes.extend(self.passwords.to_le_bytes());
        bytes.extend(shape.seed.to_le_bytes());
        bytes.extend(shape.segment_length.to_le_bytes());
        bytes.extend(shape.segment_count_length.to_le_bytes());
        for fingerprint in &self.inner.fingerprints {
            bytes.extend(fingerprint.to_le_bytes());
        }
        let sum = digest(&SHA256, &bytes);
        bytes.extend(sum.as_ref());
        bytes
    }

    /// Decodes the bytes of [`Filter::to_bytes`]. The shape is checked against the fingerprints, so that no
    /// lookup reads beyond them.
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, Malformed> {
        let (body, sum) = bytes.split_last_chunk::<CHECKSUM_BYTES>().ok_or(Malformed)?;
        if digest(&SHA256, body).as_ref() != sum {
            return Err(Malformed);
        }
        let rest = body.strip_prefix(MAGIC).ok_or(Malformed)?;
        let (passwords, rest) = rest.split_first_chunk().ok_or(Malformed)?;
        let (seed, rest) = rest.split_first_chunk().ok_or(Malformed)?;
        let (segment_length, rest) = rest.split_first_chunk().ok_or(Malformed)?;
        let (segment_count_length, rest) = rest.split_first_chunk().ok_or(Malformed)?;
        let (pairs, odd) = rest.as_chunks::<2>();
        let segment_length = u32::from_le_bytes(*segment_length);
        let segment_count_length = u32::from_le_bytes(*segment_count_length);
        let expected = u64::from(segment_count_length) + 2 * u64::from(segment_length);
        if !odd.is_empty()
            || !segment_length.is_power_of_two()
            || segment_length > MAX_SEGMENT_LENGTH
            || segment_count_length == 0
            || !segment_count_length.is_multiple_of(segment_length)
            || expected != pairs.len() as u64
        {
            return Err(Malformed);
        }
        Ok(Self {
            passwords: u64::from_le_bytes(*passwords),
            inner: BinaryFuse16 {
                descriptor: Descriptor {
                    seed: u64::from_le_bytes(*seed),
                    segment_length,
                    segment_length_mask: segment_length - 1,
                    segment_count_length,
                },
                fingerprints: pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect(),
            },
        })
    }
}

/// The bytes are not a filter.
#[derive(Debug)]
pub(super) struct Malformed;
