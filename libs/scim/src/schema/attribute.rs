//! An attribute and its characteristics (RFC 7643 §2.2, §7).

use std::collections::BTreeSet;

use super::{Accessor, AttributeType, Mutability, Returned, TextForm, Uniqueness};

/// The maximum number of characters of a string.
pub const MAX_STRING_CHARS: usize = 2048;
/// The maximum number of values of a multi-valued attribute.
pub const MAX_VALUES: usize = 50;
/// The maximum number of characters of a binary value in base64.
const MAX_BINARY_CHARS: usize = 8192;

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
    /// True if the configuration wants an index of its values.
    pub indexed: bool,
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
            indexed: false,
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
