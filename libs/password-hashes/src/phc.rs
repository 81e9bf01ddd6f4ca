//! PHC strings: `$SCHEME$v=VERSION$name=value,…$SALT$HASH`.

use crate::encoding::{from_base64, number};
use crate::{ImportError, Scheme};

/// The parts of a PHC string behind the name of its scheme.
pub(crate) struct Phc<'a> {
    scheme: Scheme,
    pub(crate) version: Option<&'a str>,
    parameters: Vec<(&'a str, &'a str)>,
    pub(crate) salt: Vec<u8>,
    pub(crate) hash: Vec<u8>,
}

impl<'a> Phc<'a> {
    /// Splits `rest`, the text behind `$SCHEME$`. `known` are the names of the parameters.
    pub(crate) fn split(scheme: Scheme, rest: &'a str, known: &[&str]) -> Result<Self, ImportError> {
        let wrong = |part, expected| ImportError::malformed(scheme, part, expected);
        let (version, rest) = match rest.strip_prefix("v=").and_then(|rest| rest.split_once('$')) {
            Some((version, rest)) => (Some(version), rest),
            None => (None, rest),
        };
        let mut parts = rest.split('$');
        let (Some(parameters), Some(salt), Some(hash), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(wrong("the text", "`$SCHEME$PARAMETERS$SALT$HASH`"));
        };
        let parameters = split_parameters(parameters, known)
            .ok_or_else(|| wrong("the list of parameters", "`name=value`, each known and once"))?;
        Ok(Self {
            scheme,
            version,
            parameters,
            salt: from_base64(salt).ok_or_else(|| wrong("the salt", "base64"))?,
            hash: from_base64(hash).ok_or_else(|| wrong("the hash", "base64"))?,
        })
    }

    /// The text of a parameter.
    pub(crate) fn text(&self, name: &str) -> Option<&'a str> {
        let mut all = self.parameters.iter();
        all.find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    /// The number of a parameter.
    pub(crate) fn number(&self, name: &str, part: &'static str) -> Result<u32, ImportError> {
        self.text(name)
            .and_then(number)
            .ok_or_else(|| ImportError::malformed(self.scheme, part, "a whole number"))
    }
}

fn split_parameters<'a>(text: &'a str, known: &[&str]) -> Option<Vec<(&'a str, &'a str)>> {
    let mut found: Vec<(&str, &str)> = Vec::new();
    for pair in text.split(',') {
        let (name, value) = pair.split_once('=')?;
        let is_new = !found.iter().any(|(other, _)| *other == name);
        if !known.contains(&name) || !is_new {
            return None;
        }
        found.push((name, value));
    }
    Some(found)
}

/// Checks the lengths of a salt and a hash. Fewer bytes could be guessed, more come from no known system.
pub(crate) fn check_lengths(scheme: Scheme, salt: &[u8], hash: &[u8]) -> Result<(), ImportError> {
    if salt.is_empty() || salt.len() > 128 {
        return Err(ImportError::malformed(scheme, "the salt", "1 to 128 bytes"));
    }
    if !(16..=128).contains(&hash.len()) {
        return Err(ImportError::malformed(scheme, "the hash", "16 to 128 bytes"));
    }
    Ok(())
}
