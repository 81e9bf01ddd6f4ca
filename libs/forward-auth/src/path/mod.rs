//! The path of a request, decoded, or marked as one that servers read in different ways.
//!
//! Between the proxy and the application a path may be decoded, cleaned and matched by several programs. A rule may only rely on a path
//! that all of them read in the same way.

#[cfg(test)]
mod tests;

/// The longest path, in bytes.
const MAX_PATH: usize = 8 * 1024;

/// The path of a request, without its query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestPath {
    decoded: Option<String>,
}

/// The text is not the path of a request (RFC 3986 §3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// It does not begin with a slash.
    #[error("the path does not begin with a slash")]
    NoSlash,
    /// It is longer than is accepted.
    #[error("the path is longer than {MAX_PATH} bytes")]
    TooLong,
    /// It has a character that no path has.
    #[error("the path has a space, a control character or a number sign")]
    Character,
    /// A percent sign without two hexadecimal digits.
    #[error("the path has a percent sign without two hexadecimal digits")]
    Encoding,
}

impl RequestPath {
    /// Reads the path of a request target: a path with an optional query (RFC 9112 §3.2.1).
    ///
    /// # Errors
    /// [`PathError`] for what no server should be sent.
    pub fn parse(target: &str) -> Result<Self, PathError> {
        let path = target.split_once('?').map_or(target, |(path, _)| path);
        if !path.starts_with('/') {
            return Err(PathError::NoSlash);
        }
        if path.len() > MAX_PATH {
            return Err(PathError::TooLong);
        }
        if path
            .bytes()
            .any(|byte| byte <= b' ' || byte == 0x7f || byte == b'#')
        {
            return Err(PathError::Character);
        }
        let bytes = percent_decode(path.as_bytes())?;
        Ok(Self {
            decoded: bytes.and_then(plain_text),
        })
    }

    /// The decoded path, if every server reads it in the same way. `None` for one with
    ///
    /// - a segment `.` or `..`, an empty segment within it, or a segment that ends with a full stop or a space;
    /// - an encoded slash, or a backslash, a semicolon, a percent sign or a control character, encoded or not;
    /// - bytes that are not UTF-8.
    pub fn decoded(&self) -> Option<&str> {
        self.decoded.as_deref()
    }
}

/// Decodes once. `None` if an encoded character would have a meaning in the decoded path.
fn percent_decode(path: &[u8]) -> Result<Option<Vec<u8>>, PathError> {
    let mut decoded = Vec::with_capacity(path.len());
    let mut is_plain = true;
    let mut bytes = path.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut digit = || {
            let digit = char::from(bytes.next()?).to_digit(16)?;
            u8::try_from(digit).ok()
        };
        let (Some(high), Some(low)) = (digit(), digit()) else {
            return Err(PathError::Encoding);
        };
        let byte = high << 4 | low;
        is_plain &= !matches!(byte, b'/' | b'%' | b'?' | b'#');
        decoded.push(byte);
    }
    Ok(is_plain.then_some(decoded))
}

/// The text of a decoded path, if it has nothing that servers treat in different ways.
fn plain_text(path: Vec<u8>) -> Option<String> {
    let text = String::from_utf8(path).ok()?;
    let has_plain_characters = !text.contains(|c: char| c.is_control() || matches!(c, '\\' | ';' | '%'));
    let mut segments = text.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        if (segment.is_empty() && !is_last) || segment.ends_with(['.', ' ']) {
            return None;
        }
    }
    has_plain_characters.then_some(text)
}
