//! The characteristics of attributes: their values in `/Schemas` and in the configuration (RFC 7643 §2.2, §7).

use schemars::JsonSchema;
use serde::Deserialize;

/// `type`: the data type of an attribute (RFC 7643 §2.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum AttributeType {
    /// A string (§2.3.1).
    #[default]
    String,
    /// `true` or `false` (§2.3.2).
    Boolean,
    /// A number (§2.3.3).
    Decimal,
    /// A whole number of 64 bits (§2.3.4).
    Integer,
    /// A time, such as `2008-01-23T04:56:22Z` (§2.3.5).
    DateTime,
    /// Base64 text (§2.3.6).
    Binary,
    /// A URI (§2.3.7).
    Reference,
    /// An object of sub-attributes (§2.3.8).
    Complex,
    /// Any JSON object; only in [`super::CUSTOM_USER`].
    #[serde(skip)]
    Any,
}

impl AttributeType {
    /// The name in `/Schemas`. A free object is shown as a complex attribute.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Boolean => "boolean",
            Self::Decimal => "decimal",
            Self::Integer => "integer",
            Self::DateTime => "dateTime",
            Self::Binary => "binary",
            Self::Reference => "reference",
            Self::Complex | Self::Any => "complex",
        }
    }
}

/// `mutability`: whether and when an attribute can be written (RFC 7643 §7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Mutability {
    /// The client may read and change it.
    #[default]
    ReadWrite,
    /// Only the server sets it; it is ignored in the body of a creation or replacement (RFC 7644 §3.3, §3.5.1).
    ReadOnly,
    /// It may be set once, and not changed after that.
    Immutable,
    /// The client may set it and nobody can read it.
    WriteOnly,
}

impl Mutability {
    /// The name in `/Schemas`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReadWrite => "readWrite",
            Self::ReadOnly => "readOnly",
            Self::Immutable => "immutable",
            Self::WriteOnly => "writeOnly",
        }
    }
}

/// `returned`: when an attribute stands in a response (RFC 7643 §7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Returned {
    /// In every response, even if it is excluded.
    Always,
    /// In no response.
    Never,
    /// In each response that does not exclude it.
    #[default]
    Default,
    /// Only in a response to a request that names it.
    Request,
}

impl Returned {
    /// The name in `/Schemas`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Never => "never",
            Self::Default => "default",
            Self::Request => "request",
        }
    }
}

/// `uniqueness`: among which resources a value is unique (RFC 7643 §7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Uniqueness {
    /// Several resources may have the value.
    #[default]
    None,
    /// One resource of this server has the value.
    Server,
    /// One resource anywhere has the value.
    Global,
}

impl Uniqueness {
    /// The name in `/Schemas`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Server => "server",
            Self::Global => "global",
        }
    }
}

/// A kind of caller that an attribute can be open to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Accessor {
    /// The person whom the resource describes.
    #[serde(rename = "self")]
    Own,
    /// An administrator, who is a person.
    Administrator,
    /// A client that acts for nobody, such as one that provisions.
    Client,
}

impl Accessor {
    /// Every kind of caller.
    pub const ALL: [Self; 3] = [Self::Own, Self::Administrator, Self::Client];
}

/// The form of a text, beyond what its data type demands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TextForm {
    /// One line.
    #[default]
    Line,
    /// Several lines, as in a postal address (RFC 7643 §4.1.2).
    Lines,
    /// A language tag, stored canonically if it is well-formed (RFC 5646 §4.5). What other directories send in its place is
    /// stored as it is.
    LanguageTag,
    /// A birthdate of OpenID Connect Core §5.1: `YYYY-MM-DD`, `0000-MM-DD` or `YYYY`.
    Birthdate,
}
