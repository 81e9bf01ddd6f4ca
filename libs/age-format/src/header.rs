//! The header of a file: one stanza for each recipient, and an authentication code over them.

use std::io::BufRead;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use zeroize::Zeroizing;

use super::keys::{Identity, Recipient, WrappedKey};
use super::{AgeError, CryptoError, FILE_KEY_BYTES, VERSION_LINE, derive_key};

/// The most bytes of a header that is read.
const MAX_BYTES: usize = 64 * 1024;
/// Characters of a full line of a stanza's body.
const BODY_LINE: usize = 64;
/// The beginning of the last line.
const END: &str = "---";

/// The header of a file with this key.
pub(super) fn write(
    recipients: &[Recipient],
    file_key: &[u8; FILE_KEY_BYTES],
) -> Result<String, CryptoError> {
    let mut text = format!("{VERSION_LINE}\n");
    for recipient in recipients {
        let WrappedKey { share, body } = recipient.wrap(file_key)?;
        // 32 bytes: one line that is not full, which ends the body.
        text.push_str(&format!(
            "-> X25519 {}\n{}\n",
            STANDARD_NO_PAD.encode(share),
            STANDARD_NO_PAD.encode(body)
        ));
    }
    text.push_str(END);
    let code = hmac::sign(&mac_key(file_key)?, text.as_bytes());
    text.push_str(&format!(" {}\n", STANDARD_NO_PAD.encode(code)));
    Ok(text)
}

/// Reads a header up to its end, and returns the key of the file.
pub(super) fn read(
    input: &mut impl BufRead,
    identities: &[Identity],
) -> Result<Zeroizing<[u8; FILE_KEY_BYTES]>, AgeError> {
    let mut authenticated = String::new();
    if read_line(input, &mut authenticated)? != VERSION_LINE {
        return Err(AgeError::Header);
    }
    let mut stanzas: Vec<Stanza> = Vec::new();
    let code = loop {
        let start = authenticated.len();
        let line = read_line(input, &mut authenticated)?;
        if let Some(code) = line.strip_prefix("--- ") {
            authenticated.truncate(start + END.len());
            break decode(code)?;
        }
        let arguments = line.strip_prefix("-> ").ok_or(AgeError::Header)?;
        let arguments = arguments.split(' ').map(str::to_owned).collect();
        let mut body = String::new();
        loop {
            let line = read_line(input, &mut authenticated)?;
            if line.len() > BODY_LINE {
                return Err(AgeError::Header);
            }
            body.push_str(&line);
            if line.len() < BODY_LINE {
                break;
            }
        }
        stanzas.push(Stanza {
            arguments,
            body: decode(&body)?,
        });
    };
    let file_key = unwrap(&stanzas, identities).ok_or(AgeError::NoKey)?;
    let key = mac_key(&file_key).map_err(|CryptoError| AgeError::Header)?;
    hmac::verify(&key, authenticated.as_bytes(), &code).map_err(|_| AgeError::HeaderChanged)?;
    Ok(file_key)
}

/// A stanza: the key of the file for one recipient.
struct Stanza {
    arguments: Vec<String>,
    body: Vec<u8>,
}

fn unwrap(stanzas: &[Stanza], identities: &[Identity]) -> Option<Zeroizing<[u8; FILE_KEY_BYTES]>> {
    stanzas.iter().find_map(|stanza| {
        let [kind, share] = stanza.arguments.as_slice() else {
            return None;
        };
        let share = STANDARD_NO_PAD.decode(share).ok()?;
        let wrapped = WrappedKey {
            share: share.try_into().ok()?,
            body: stanza.body.clone(),
        };
        let mut identities = identities.iter().filter(|_| kind == "X25519");
        identities.find_map(|identity| identity.unwrap(&wrapped))
    })
}

fn mac_key(file_key: &[u8; FILE_KEY_BYTES]) -> Result<hmac::Key, CryptoError> {
    let key = derive_key(file_key, &[], b"header")?;
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &*key))
}

/// Appends the next line with its end to `all`, and returns it without.
fn read_line(input: &mut impl BufRead, all: &mut String) -> Result<String, AgeError> {
    let mut line = Vec::new();
    let limit = MAX_BYTES.saturating_sub(all.len()) as u64;
    std::io::Read::take(input, limit).read_until(b'\n', &mut line)?;
    let line = String::from_utf8(line).map_err(|_| AgeError::Header)?;
    all.push_str(&line);
    let line = line.strip_suffix('\n').ok_or(AgeError::Header)?;
    Ok(line.to_owned())
}

fn decode(text: &str) -> Result<Vec<u8>, AgeError> {
    STANDARD_NO_PAD.decode(text).map_err(|_| AgeError::Header)
}
