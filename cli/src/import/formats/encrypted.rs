//! Decryption in the format of age (<https://age-encryption.org/v1>): of whole files, and of password hashes in the lines of a file.
//! `vestibule user export` writes both.

use std::io::{self, BufRead, ErrorKind, Read};
use std::path::Path;

use age_format::{AgeError, Identity};
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::super::{Item, Rejection, Row};

/// The beginning of an encrypted file.
const MAGIC: &[u8] = b"age-encryption.org/";
const WITHOUT_KEY: &str = "is encrypted: name the file with the key with --identity";

/// Reads the secret keys of a file.
///
/// # Errors
/// The reason why the file has none.
pub(super) fn read_identities(path: &Path) -> Result<Vec<Identity>, String> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| format!("{shown} cannot be read: {error}"))?;
    let text = Zeroizing::new(text);
    age_format::parse_identities(&text).map_err(|reason| format!("{shown}: {reason}"))
}

/// The plain content of a file, which is decrypted as it is read. `lines_may_be` says that a file may have encrypted lines though it is
/// not encrypted itself.
///
/// # Errors
/// The reason: an encrypted file without a key, a key that does not fit, or a key for a file that has nothing encrypted.
pub(super) fn open(
    mut file: impl BufRead + 'static,
    identities: &[Identity],
    lines_may_be: bool,
) -> Result<Box<dyn Read>, String> {
    let start = file
        .fill_buf()
        .map_err(|error| format!("cannot be read: {error}"))?;
    match (start.starts_with(MAGIC), identities.is_empty()) {
        (false, false) if !lines_may_be => {
            Err("is not encrypted, and --identity is for files that are".to_owned())
        }
        (false, _) => Ok(Box::new(file)),
        (true, true) => Err(WITHOUT_KEY.to_owned()),
        (true, false) => {
            let plain = age_format::decrypt(identities, file)
                .map_err(|error| format!("cannot be decrypted: {error}"))?;
            Ok(Box::new(plain))
        }
    }
}

/// Decrypts the password hash of a row, if it is encrypted. A hash that is damaged has the row refused.
///
/// # Errors
/// Of the kind `InvalidInput` when no key fits: that of every row would not.
pub(super) fn decrypt_hash(mut row: Row, identities: &[Identity]) -> io::Result<Row> {
    let Ok(Item::User(record)) = &mut row.item else {
        return Ok(row);
    };
    let Some(encrypted) = record.encrypted_hash.take() else {
        return Ok(row);
    };
    let misfit = |reason: &str| {
        let reason = format!("encrypted_password_hash of row {} {reason}", row.number);
        io::Error::new(ErrorKind::InvalidInput, reason)
    };
    if identities.is_empty() {
        return Err(misfit(WITHOUT_KEY));
    }
    let damaged = match age_format::decrypt_text(identities, &encrypted) {
        Ok(plain) => match std::str::from_utf8(&plain) {
            Ok(hash) => {
                record.password_hash = Some(SecretString::from(hash));
                return Ok(row);
            }
            Err(_) => "is not text".to_owned(),
        },
        Err(AgeError::NoKey) => return Err(misfit("cannot be decrypted: it is not encrypted to this key")),
        Err(error) => format!("cannot be decrypted: {error}"),
    };
    let rejection = Rejection::new("encrypted_password_hash", damaged).of(record.user_name());
    row.item = Err(rejection);
    Ok(row)
}
