//! An attribute and its characteristics (RFC 7643 §2.2, §7).

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;

/// The maximum number of characters of a string.
pub const MAX_STRING_CHARS: usize = 2048;
/// The maximum number of values of a multi-valued attribute.
pub const MAX_VALUES: usize = 50;
/// The maximum number of characters of a binary value in base64.
const MAX_BINARY_CHARS: usize = 8192;

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

/// An attribute with its characteristics (RFC 7643 §2.2).
#[derive(Clone, Debug)]
pub struct Attribute {
    /// The name, in the spelling of the standard.
    pub name: String,
    /// The data type.
    pub data_type: AttributeType,
    /// The description.
    pub description: String,
    /// True if it is multi-valued.
    pub multi_valued: bool,
    /// True if it is required.
    pub required: bool,
    /// True if comparisons are case-sensitive.
    pub case_exact: bool,
    /// The suggested values.
    pub canonical_values: Vec<String>,
    /// True if a value must be one of [`Self::canonical_values`].
    pub only_canonical: bool,
    /// True if and when it can be written.
    pub mutability: Mutability,
    /// `returned`: when it stands in a response.
    pub returned: Returned,
    /// True if the value is unique among the resources.
    pub uniqueness: Uniqueness,
    /// The things that a reference may refer to: resource types, `uri`, `external`.
    pub reference_types: Vec<String>,
    /// The form of a text.
    pub form: TextForm,
    /// The maximum number of characters of a text.
    pub max_chars: usize,
    /// The maximum number of values.
    pub max_values: usize,
    /// True if its values are stored apart from the resource and never loaded with it, as the members of a group are.
    pub stored_apart: bool,
    /// The callers that may read it.
    pub read: BTreeSet<Accessor>,
    /// The callers that may write it.
    pub write: BTreeSet<Accessor>,
    /// The claim that carries it (OpenID Connect Core §5.1, or one of the configuration).
    pub claim: Option<String>,
    /// The sub-attributes of a complex attribute.
    pub sub: Vec<Attribute>,
}

impl Attribute {
    /// An optional single-valued attribute that every caller reads, and administrators and clients write.
    pub(super) fn new(name: &str, data_type: AttributeType, description: &str) -> Self {
        let binary = data_type == AttributeType::Binary;
        Self {
            name: name.to_owned(),
            data_type,
            description: description.to_owned(),
            multi_valued: false,
            required: false,
            case_exact: matches!(data_type, AttributeType::Binary | AttributeType::Reference),
            canonical_values: Vec::new(),
            only_canonical: false,
            mutability: Mutability::ReadWrite,
            returned: Returned::Default,
            uniqueness: Uniqueness::None,
            reference_types: Vec::new(),
            form: TextForm::Line,
            max_chars: if binary {
                MAX_BINARY_CHARS
            } else {
                MAX_STRING_CHARS
            },
            max_values: MAX_VALUES,
            stored_apart: false,
            read: Accessor::ALL.into(),
            write: [Accessor::Administrator, Accessor::Client].into(),
            claim: None,
            sub: Vec::new(),
        }
    }

    pub(super) fn string(name: &str, description: &str) -> Self {
        Self::new(name, AttributeType::String, description)
    }

    pub(super) fn boolean(name: &str, description: &str) -> Self {
        Self::new(name, AttributeType::Boolean, description)
    }

    pub(super) fn reference(name: &str, types: &[&str], description: &str) -> Self {
        let mut attribute = Self::new(name, AttributeType::Reference, description);
        attribute.reference_types = types.iter().map(|name| (*name).to_owned()).collect();
        attribute
    }

    pub(super) fn complex(name: &str, description: &str, sub: Vec<Self>) -> Self {
        let mut attribute = Self::new(name, AttributeType::Complex, description);
        attribute.sub = sub;
        attribute
    }

    pub(super) fn list(mut self) -> Self {
        self.multi_valued = true;
        self
    }

    pub(super) fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(super) fn case_exact(mut self) -> Self {
        self.case_exact = true;
        self
    }

    pub(super) fn form(mut self, form: TextForm) -> Self {
        self.form = form;
        self
    }

    pub(super) fn max_chars(mut self, most: usize) -> Self {
        self.max_chars = most;
        self
    }

    pub(super) fn unique(mut self) -> Self {
        self.uniqueness = Uniqueness::Server;
        self
    }

    pub(super) fn mutability(mut self, mutability: Mutability) -> Self {
        self.mutability = mutability;
        if matches!(mutability, Mutability::ReadOnly) {
            self.write.clear();
        }
        self
    }

    pub(super) fn read_only(self) -> Self {
        self.mutability(Mutability::ReadOnly)
    }

    pub(super) fn returned(mut self, returned: Returned) -> Self {
        self.returned = returned;
        self
    }

    pub(super) fn suggests(mut self, values: &[&str]) -> Self {
        self.canonical_values = values.iter().map(|value| (*value).to_owned()).collect();
        self
    }

    pub(super) fn self_service(mut self) -> Self {
        self.write.insert(Accessor::Own);
        self
    }

    pub(super) fn claim(mut self, claim: &str) -> Self {
        self.claim = Some(claim.to_owned());
        self
    }

    /// The sub-attribute of this name, without regard to case (RFC 7643 §2.1).
    pub fn find_sub(&self, name: &str) -> Option<&Self> {
        find(&self.sub, name)
    }

    /// True if a filter or an order may name it: a comparison would tell what is never returned (RFC 7643 §7).
    pub fn is_searchable(&self) -> bool {
        self.returned != Returned::Never
    }

    /// True if `accessor` may write it.
    pub fn is_writable_by(&self, accessor: Accessor) -> bool {
        self.write.contains(&accessor)
    }

    /// True if `accessor` may read it.
    pub fn is_readable_by(&self, accessor: Accessor) -> bool {
        self.read.contains(&accessor)
    }
}

/// The attribute of this name, without regard to case (RFC 7643 §2.1).
pub(crate) fn find<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a Attribute> {
    attributes
        .iter()
        .find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}
