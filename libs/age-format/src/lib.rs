//! Files and texts that are encrypted to X25519 keys in the format of age (<https://age-encryption.org/v1>), so that any tool for it
//! opens them. This crate reads and writes what it is given, and opens nothing.
//!
//! The primitives are those of `aws-lc-rs`. A file has a random key of its own, which the header has once for each recipient, and a
//! payload in chunks, so that it is written and read in constant memory. A text is a small file in its armor.

mod armor;
mod bech32;
mod header;
mod keys;
mod stream;
#[cfg(test)]
mod tests;

use std::io::{self, BufRead, Read, Write};

use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use chassis::random::Random;
use zeroize::Zeroizing;

pub use keys::{Identity, InvalidKey, Recipient, parse_identities};
pub use stream::{DecryptingReader, EncryptingWriter};

/// The first line of a file.
pub const VERSION_LINE: &str = "age-encryption.org/v1";
/// The length of the key of a file.
const FILE_KEY_BYTES: usize = 16;
/// The length of the nonce in front of the payload.
const PAYLOAD_NONCE_BYTES: usize = 16;
/// The length of the authentication tag of ChaCha20-Poly1305.
const TAG_BYTES: usize = 16;

/// The reason why a file cannot be decrypted.
#[derive(Debug, thiserror::Error)]
pub enum AgeError {
    /// The file cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The header is not of the format.
    #[error("its header is not of the format age-encryption.org/v1")]
    Header,
    /// The header was changed.
    #[error("its header was changed")]
    HeaderChanged,
    /// No key fits.
    #[error("it is not encrypted to this key")]
    NoKey,
    /// A text is not in the armor of the format.
    #[error("it is not in the armor of an encrypted file")]
    Armor,
}

/// A failure of a primitive. It says nothing, so that nobody learns from it.
#[derive(Debug)]
struct CryptoError;

impl From<CryptoError> for io::Error {
    fn from(_: CryptoError) -> Self {
        Self::other("cannot be encrypted")
    }
}

/// A writer that encrypts to `recipients` what is written to it. [`EncryptingWriter::finish`] ends the file.
///
/// # Errors
/// When `out` cannot be written.
pub fn encrypt<W: Write>(
    recipients: &[Recipient],
    random: &dyn Random,
    mut out: W,
) -> io::Result<EncryptingWriter<W>> {
    let mut file_key = Zeroizing::new([0; FILE_KEY_BYTES]);
    random.fill(&mut *file_key);
    let mut nonce = [0; PAYLOAD_NONCE_BYTES];
    random.fill(&mut nonce);
    out.write_all(header::write(recipients, &file_key)?.as_bytes())?;
    out.write_all(&nonce)?;
    Ok(EncryptingWriter::new(payload_key(&file_key, &nonce)?, out))
}

/// A reader of the plain content of `input`, decrypted with the one of `identities` that fits.
///
/// # Errors
/// See [`AgeError`]. The reader fails when the payload was changed or cut off.
pub fn decrypt<R: BufRead>(identities: &[Identity], mut input: R) -> Result<DecryptingReader<R>, AgeError> {
    let file_key = header::read(&mut input, identities)?;
    let mut nonce = [0; PAYLOAD_NONCE_BYTES];
    input.read_exact(&mut nonce)?;
    let key = payload_key(&file_key, &nonce).map_err(|CryptoError| AgeError::Header)?;
    Ok(DecryptingReader::new(key, input))
}

/// A text that is encrypted to `recipients`, in the armor of a file.
///
/// # Errors
/// When a primitive fails.
pub fn encrypt_text(recipients: &[Recipient], random: &dyn Random, plain: &str) -> io::Result<String> {
    let mut writer = encrypt(recipients, random, Vec::new())?;
    writer.write_all(plain.as_bytes())?;
    Ok(armor::write(&writer.finish()?))
}

/// The plain content of what [`encrypt_text`] made, or `age --armor`.
///
/// # Errors
/// See [`AgeError`].
pub fn decrypt_text(identities: &[Identity], armored: &str) -> Result<Zeroizing<Vec<u8>>, AgeError> {
    let file = armor::read(armored).ok_or(AgeError::Armor)?;
    let mut plain = Zeroizing::new(Vec::with_capacity(file.len()));
    decrypt(identities, file.as_slice())?.read_to_end(&mut plain)?;
    Ok(plain)
}

fn payload_key(
    file_key: &[u8; FILE_KEY_BYTES],
    nonce: &[u8; PAYLOAD_NONCE_BYTES],
) -> Result<LessSafeKey, CryptoError> {
    let key = derive_key(file_key, nonce, b"payload")?;
    cipher(&key)
}

/// The length of a derived key.
struct KeyLength;

impl KeyType for KeyLength {
    fn len(&self) -> usize {
        32
    }
}

/// HKDF-SHA-256 (RFC 5869).
fn derive_key(secret: &[u8], salt: &[u8], info: &[u8]) -> Result<Zeroizing<[u8; 32]>, CryptoError> {
    let mut key = Zeroizing::new([0; 32]);
    Salt::new(HKDF_SHA256, salt)
        .extract(secret)
        .expand(&[info], KeyLength)
        .and_then(|okm| okm.fill(&mut *key))
        .map_err(|_| CryptoError)?;
    Ok(key)
}

fn cipher(key: &[u8; 32]) -> Result<LessSafeKey, CryptoError> {
    let key = UnboundKey::new(&CHACHA20_POLY1305, key).map_err(|_| CryptoError)?;
    Ok(LessSafeKey::new(key))
}

fn seal(key: &LessSafeKey, nonce: [u8; NONCE_LEN], data: &mut Vec<u8>) -> Result<(), CryptoError> {
    let nonce = Nonce::assume_unique_for_key(nonce);
    key.seal_in_place_append_tag(nonce, Aad::empty(), data)
        .map_err(|_| CryptoError)
}

/// Decrypts `data` in place, and removes the tag.
fn open(key: &LessSafeKey, nonce: [u8; NONCE_LEN], data: &mut Vec<u8>) -> Result<(), CryptoError> {
    let nonce = Nonce::assume_unique_for_key(nonce);
    let length = key
        .open_in_place(nonce, Aad::empty(), data)
        .map_err(|_| CryptoError)?
        .len();
    data.truncate(length);
    Ok(())
}

/// Reads until `buffer` has `length` bytes or the input ends.
fn fill(input: &mut impl Read, buffer: &mut Vec<u8>, length: usize) -> io::Result<()> {
    let missing = length.saturating_sub(buffer.len());
    input.take(missing as u64).read_to_end(buffer).map(drop)
}
