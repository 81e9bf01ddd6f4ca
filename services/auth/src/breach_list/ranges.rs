//! The range files of Have I Been Pwned's Pwned Passwords: `00000.txt` to `FFFFF.txt`.
//!
//! There is a file for each first five hexadecimal digits of SHA-1. Its lines `SUFFIX:COUNT` have the other
//! 35 digits and how often the password was seen.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

/// The hexadecimal digits of SHA-1, and those in the name of a range file.
const HASH_DIGITS: usize = 40;
const PREFIX_DIGITS: usize = 5;

/// The reason why a folder cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RangeError {
    /// The folder or a file in it.
    #[error("{}: {error}", path.display())]
    Io {
        /// The folder or the file.
        path: PathBuf,
        /// The error of the operating system.
        error: io::Error,
    },
    /// The name of a file is not a range.
    #[error("{}: expected files that are named 00000.txt to FFFFF.txt, and nothing else", .0.display())]
    Name(PathBuf),
    /// A line is malformed.
    #[error("{}, line {line}: expected 35 hexadecimal digits, a colon and a number", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line number, from 1.
        line: usize,
    },
}

/// The passwords of a folder of range files.
#[derive(Debug, Default)]
pub struct Ranges {
    /// The [`super::key`]s of the passwords.
    pub keys: Vec<u64>,
    /// The number of files. A complete folder has 1,048,576.
    pub files: usize,
}

impl Ranges {
    /// Reads every file in `folder`. Passwords that were seen fewer than `at_least` times are left out.
    ///
    /// # Errors
    /// See [`RangeError`].
    pub fn read(folder: &Path, at_least: u64) -> Result<Self, RangeError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |error| RangeError::Io { path, error }
        };
        let mut ranges = Self::default();
        for entry in fs::read_dir(folder).map_err(failed(folder))? {
            let path = entry.map_err(failed(folder))?.path();
            let prefix = prefix_of(&path).ok_or_else(|| RangeError::Name(path.clone()))?;
            let file = File::open(&path).map_err(failed(&path))?;
            for (line, text) in (1..).zip(BufReader::new(file).lines()) {
                let text = text.map_err(failed(&path))?;
                let text = text.trim_start_matches('\u{feff}').trim();
                if text.is_empty() {
                    continue;
                }
                let (key, count) = entry_of(&prefix, text).ok_or_else(|| RangeError::Line {
                    path: path.clone(),
                    line,
                })?;
                // Padding has the count 0.
                if count >= at_least.max(1) {
                    ranges.keys.push(key);
                }
            }
            ranges.files = ranges.files.saturating_add(1);
        }
        Ok(ranges)
    }
}

fn prefix_of(path: &Path) -> Option<String> {
    let extension = path.extension().map(|extension| extension.to_str());
    let name = path.file_stem()?.to_str()?;
    (matches!(extension, None | Some(Some("txt"))) && name.len() == PREFIX_DIGITS && is_hexadecimal(name))
        .then(|| name.to_owned())
}

fn entry_of(prefix: &str, line: &str) -> Option<(u64, u64)> {
    let (suffix, count) = line.split_once(':')?;
    if suffix.len() != HASH_DIGITS - PREFIX_DIGITS || !is_hexadecimal(suffix) {
        return None;
    }
    let digits = format!("{prefix}{}", suffix.get(..16 - PREFIX_DIGITS)?);
    Some((u64::from_str_radix(&digits, 16).ok()?, count.trim().parse().ok()?))
}

fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
