//! The armor of a file: PEM (RFC 7468) with lines of 64 characters, as `age --armor` writes it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const BEGIN: &str = "-----BEGIN AGE ENCRYPTED FILE-----";
const END: &str = "-----END AGE ENCRYPTED FILE-----";
/// Characters of a full line.
const LINE: usize = 64;

/// The text of a file.
pub(super) fn write(file: &[u8]) -> String {
    let encoded = STANDARD.encode(file);
    let mut text = String::with_capacity(encoded.len() + encoded.len() / LINE + BEGIN.len() + END.len() + 3);
    text.push_str(BEGIN);
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        // Base64 is ASCII, so every position is between two characters.
        let (line, behind) = rest.split_at(rest.len().min(LINE));
        text.push('\n');
        text.push_str(line);
        rest = behind;
    }
    text.push('\n');
    text.push_str(END);
    text.push('\n');
    text
}

/// The file of a text; `None` when the text is malformed. Ends of lines of Windows and blanks around the whole are passed over.
pub(super) fn read(text: &str) -> Option<Vec<u8>> {
    let body = text.trim().strip_prefix(BEGIN)?.strip_suffix(END)?;
    let encoded: String = body.lines().map(str::trim_end).collect();
    STANDARD.decode(encoded).ok()
}
