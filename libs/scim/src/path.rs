//! Paths of PATCH (RFC 7644 §3.5.2, figure 7): an attribute, a sub-attribute, values that a filter selects, or a whole extension.

use std::fmt;

use crate::Error;
use crate::filter::parse::{is_name_char, values};
use crate::filter::{Filter, MAX_BYTES};
use crate::schema::{Attribute, AttributeLocation, AttributeType, Referent, ResourceType, Schema};

/// The target of an operation.
#[derive(Clone, Debug)]
pub enum Path<'a> {
    /// All attributes of an extension: its URN alone.
    Extension(&'a Schema),
    /// An attribute, or a sub-attribute of it.
    Attribute(AttributeLocation<'a>),
    /// Values of a multi-valued attribute.
    Values(ValuePath<'a>),
}

/// Values of a multi-valued attribute, or a sub-attribute of each.
#[derive(Clone, Debug)]
pub struct ValuePath<'a> {
    /// The attribute, without a sub-attribute.
    pub location: AttributeLocation<'a>,
    /// The filter of the values.
    pub filter: Filter,
    /// The sub-attribute.
    pub sub: Option<&'a Attribute>,
}

impl<'a> Path<'a> {
    /// Parses a path.
    ///
    /// # Errors
    /// `invalidPath` for a malformed path and an unknown attribute, which it names; `invalidFilter` for its filter (RFC 7644
    /// §3.12).
    pub fn parse(text: &'a str, resource_type: &'a ResourceType) -> Result<Self, Error> {
        if text.len() > MAX_BYTES {
            return Err(Error::invalid_path(format!("longer than {MAX_BYTES} bytes")));
        }
        let text = text.trim_matches(' ');
        let end = text.find(|c| !is_name_char(c)).unwrap_or(text.len());
        let (name, rest) = text.split_at_checked(end).unwrap_or((text, ""));
        let unknown = || Error::invalid_path(format!("{}: no such attribute", shorten(name)));
        let referent = resource_type.resolve(name).ok_or_else(unknown)?;
        let Some(filter) = rest.strip_prefix('[') else {
            return match (rest, referent) {
                ("", Referent::Extension(schema)) => Ok(Self::Extension(schema)),
                ("", Referent::Attribute(location)) => Ok(Self::Attribute(location)),
                _ => Err(malformed(rest)),
            };
        };
        let Referent::Attribute(location) = referent else {
            return Err(malformed(rest));
        };
        let attribute = location.attribute;
        let selects =
            location.sub.is_none() && location.member.is_none() && attribute.data_type != AttributeType::Any;
        if !selects || !attribute.multi_valued {
            return Err(Error::invalid_path(format!(
                "{}: has no values to select",
                shorten(name)
            )));
        }
        let (filter, rest) = values(filter, attribute)?;
        let sub = match rest.strip_prefix('.') {
            None if rest.is_empty() => None,
            None => return Err(malformed(rest)),
            Some(sub) => Some(attribute.find_sub(sub).ok_or_else(|| {
                Error::invalid_path(format!("{}.{}: no such attribute", attribute.name, shorten(sub)))
            })?),
        };
        Ok(Self::Values(ValuePath {
            location,
            filter,
            sub,
        }))
    }
}

fn malformed(rest: &str) -> Error {
    Error::invalid_path(format!("{}: expected the end of the path", shorten(rest)))
}

/// The start of a text of a client, for an error.
fn shorten(text: &str) -> &str {
    match text.char_indices().nth(200) {
        Some((end, _)) => text.get(..end).unwrap_or_default(),
        None => text,
    }
}

/// The path in canonical spelling. It is parsed to the same path.
impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Extension(schema) => f.write_str(&schema.id),
            Self::Attribute(location) => write!(f, "{}", location.to_ref()),
            Self::Values(values) => {
                write!(f, "{}[{}]", values.location.to_ref(), values.filter)?;
                match values.sub {
                    Some(sub) => write!(f, ".{}", sub.name),
                    None => Ok(()),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
