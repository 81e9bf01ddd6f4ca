//! Parameters of a query or a form, decoded strictly (RFC 6749 §3.1, §3.2, Appendix B).

mod json;
#[cfg(test)]
mod tests;

pub(crate) use json::is_shallow;
use url::form_urlencoded;

/// The maximum number of parameters; more are refused before decoding.
const MAX_PARAMETERS: usize = 64;

/// The parameters cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParamsError {
    /// A percent sign is not followed by two hexadecimal digits, or the result is not UTF-8.
    #[error("the parameters are not form-encoded UTF-8")]
    Encoding,
    /// There are too many parameters.
    #[error("there are too many parameters")]
    TooMany,
    /// A parameter is repeated (RFC 6749 §3.1).
    #[error("the parameter {0} is there more than once")]
    Duplicate(String),
}

/// Decoded parameters in their order. A parameter with an empty value counts as absent (RFC 6749 §3.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params {
    pairs: Vec<(String, String)>,
}

impl Params {
    /// Decodes `raw`, a query string without its question mark or the body of a form. Only names in `repeatable` may be
    /// repeated.
    ///
    /// # Errors
    /// [`ParamsError`].
    pub fn parse(raw: &str, repeatable: &[&str]) -> Result<Self, ParamsError> {
        let params = Self::parse_lenient(raw)?;
        match params.duplicate(repeatable) {
            Some(name) => Err(ParamsError::Duplicate(name.to_owned())),
            None => Ok(params),
        }
    }

    /// Decodes `raw` and leaves the search for duplicates to [`Params::duplicate`], for a caller that can report them to the
    /// client only after reading some of the parameters.
    ///
    /// # Errors
    /// [`ParamsError::Encoding`], [`ParamsError::TooMany`].
    pub fn parse_lenient(raw: &str) -> Result<Self, ParamsError> {
        let mut pairs = Vec::new();
        for (seen, pair) in raw.split('&').enumerate() {
            if seen >= MAX_PARAMETERS {
                return Err(ParamsError::TooMany);
            }
            if pair.is_empty() {
                continue;
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            pairs.push((decode(name)?, decode(value)?));
        }
        Ok(Self { pairs })
    }

    /// A repeated name that is not in `repeatable`. Empty values count too.
    pub fn duplicate(&self, repeatable: &[&str]) -> Option<&str> {
        self.pairs.iter().enumerate().find_map(|(index, (name, _))| {
            let again = self.pairs.iter().skip(index + 1).any(|(other, _)| other == name);
            (again && !repeatable.contains(&name.as_str())).then_some(name.as_str())
        })
    }

    /// Encodes the parameters, except those in `without`.
    pub fn encoded(&self, without: &[&str]) -> String {
        let kept = self
            .pairs
            .iter()
            .filter(|(name, _)| !without.contains(&name.as_str()));
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(kept)
            .finish()
    }

    /// The parameters, except those in `without`.
    #[must_use]
    pub fn without(&self, without: &[&str]) -> Self {
        let kept = self
            .pairs
            .iter()
            .filter(|(name, _)| !without.contains(&name.as_str()));
        Self {
            pairs: kept.cloned().collect(),
        }
    }

    /// The parameters and one more.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.pairs.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The first value of `name` that is not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// The value of `name`, if exactly one value is not empty.
    pub fn only(&self, name: &str) -> Option<&str> {
        let mut values = self.all(name);
        let first = values.next();
        first.filter(|_| values.next().is_none())
    }

    /// Every value of `name` that is not empty.
    pub fn all<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        self.pairs
            .iter()
            .filter(move |(known, value)| known == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }
}

/// A name or a value cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// A percent sign is not followed by two hexadecimal digits.
    #[error("has a broken percent-encoding")]
    Percent,
    /// The result is not UTF-8.
    #[error("is not UTF-8")]
    Utf8,
}

/// Decodes `application/x-www-form-urlencoded` text: `+` is a space, `%XX` a byte.
///
/// # Errors
/// [`ParamsError::Encoding`]; nothing is replaced or guessed.
pub fn decode(text: &str) -> Result<String, ParamsError> {
    decode_bytes(text.as_bytes()).map_err(|_| ParamsError::Encoding)
}

/// Like [`decode`], from bytes that may be no text.
///
/// # Errors
/// [`DecodeError`], as the end of a sentence about the parameter.
pub fn decode_bytes(encoded: &[u8]) -> Result<String, DecodeError> {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.iter();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || rest.next().and_then(|digit| char::from(*digit).to_digit(16));
                let (high, low) = (digit(), digit());
                high.zip(low)
                    .and_then(|(high, low)| u8::try_from(high * 16 + low).ok())
                    .ok_or(DecodeError::Percent)?
            }
            other => *other,
        });
    }
    String::from_utf8(bytes).map_err(|_| DecodeError::Utf8)
}
