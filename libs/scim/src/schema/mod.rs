//! Attribute tables of the supported schemas (RFC 7643): `/Schemas` shows exactly what is accepted.

mod documents;
mod enterprise;
mod json_schema;
mod user;
mod validate;

pub use documents::{resource_types, schema_documents, service_provider_config};
pub use json_schema::{discovery_schema, error_schema, list_schema, user_request_schema, user_schema};
use serde_json::{Map, Value, json};
pub use validate::{MAX_STRING_CHARS, MAX_VALUES, canonicalize};

/// The core `User` (RFC 7643 §4.1).
pub const CORE_USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The enterprise extension (RFC 7643 §4.3).
pub const ENTERPRISE_USER: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// Vestibule's own extension: attributes of a user that applications define.
pub const CUSTOM_USER: &str = "urn:vestibule:params:scim:schemas:extension:attributes:1.0:User";

/// The data type of an attribute (RFC 7643 §2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttributeType {
    /// A string.
    String,
    /// `true` or `false`.
    Boolean,
    /// Base64 text (RFC 7643 §2.3.6).
    Binary,
    /// A URI.
    Reference,
    /// An object of sub-attributes.
    Complex,
    /// Any JSON object; only in [`CUSTOM_USER`].
    Any,
}

/// `mutability`: who may change an attribute (RFC 7643 §2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutability {
    /// The client may change it.
    ReadWrite,
    /// Only the server sets it; it is ignored in a body (RFC 7644 §3.3).
    ReadOnly,
}

/// An attribute with its characteristics (RFC 7643 §2.2).
#[derive(Clone, Copy, Debug)]
pub struct Attribute {
    /// The name, in the spelling of the standard.
    pub name: &'static str,
    /// The data type.
    pub data_type: AttributeType,
    /// The description.
    pub description: &'static str,
    /// True if it is multi-valued.
    pub multi_valued: bool,
    /// True if it is required.
    pub required: bool,
    /// True if comparisons are case-sensitive.
    pub case_exact: bool,
    /// True if the value is unique among the resources.
    pub unique: bool,
    /// The mutability: by whom it may be changed.
    pub mutability: Mutability,
    /// True if the text may have several lines.
    pub multi_line: bool,
    /// The sub-attributes of a complex attribute.
    pub sub: &'static [Attribute],
}

impl Attribute {
    const fn new(name: &'static str, data_type: AttributeType, description: &'static str) -> Self {
        Self {
            name,
            data_type,
            description,
            multi_valued: false,
            required: false,
            case_exact: false,
            unique: false,
            mutability: Mutability::ReadWrite,
            multi_line: false,
            sub: &[],
        }
    }

    const fn string(name: &'static str, description: &'static str) -> Self {
        Self::new(name, AttributeType::String, description)
    }

    const fn complex(name: &'static str, description: &'static str, sub: &'static [Attribute]) -> Self {
        let mut attribute = Self::new(name, AttributeType::Complex, description);
        attribute.sub = sub;
        attribute
    }

    const fn list(mut self) -> Self {
        self.multi_valued = true;
        self
    }

    const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    const fn case_exact(mut self) -> Self {
        self.case_exact = true;
        self
    }

    const fn multi_line(mut self) -> Self {
        self.multi_line = true;
        self
    }

    const fn unique(mut self) -> Self {
        self.unique = true;
        self
    }

    const fn read_only(mut self) -> Self {
        self.mutability = Mutability::ReadOnly;
        self
    }

    fn to_json(self) -> Value {
        let mut shown = Map::new();
        let mut put = |name: &str, value: Value| shown.insert(name.to_owned(), value);
        put("name", self.name.into());
        put(
            "type",
            match self.data_type {
                AttributeType::String => "string",
                AttributeType::Boolean => "boolean",
                AttributeType::Binary => "binary",
                AttributeType::Reference => "reference",
                AttributeType::Complex | AttributeType::Any => "complex",
            }
            .into(),
        );
        put("description", self.description.into());
        put("multiValued", self.multi_valued.into());
        put("required", self.required.into());
        put("caseExact", self.case_exact.into());
        put(
            "mutability",
            match self.mutability {
                Mutability::ReadWrite => "readWrite",
                Mutability::ReadOnly => "readOnly",
            }
            .into(),
        );
        put("returned", "default".into());
        put("uniqueness", if self.unique { "server" } else { "none" }.into());
        if self.data_type == AttributeType::Reference {
            put("referenceTypes", json!(["external"]));
        }
        if !self.sub.is_empty() {
            put(
                "subAttributes",
                self.sub.iter().map(|sub| sub.to_json()).collect(),
            );
        }
        Value::Object(shown)
    }
}

/// A schema: a named table of attributes (RFC 7643 §7).
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    /// The URN.
    pub id: &'static str,
    /// The name.
    pub name: &'static str,
    /// The description.
    pub description: &'static str,
    /// The attributes.
    pub attributes: &'static [Attribute],
}

/// The core schema of `User`.
pub const USER: Schema = Schema {
    id: CORE_USER,
    name: "User",
    description: "A person",
    attributes: user::ATTRIBUTES,
};

/// The schema extensions of `User`.
pub const USER_EXTENSIONS: &[Schema] = &[
    Schema {
        id: ENTERPRISE_USER,
        name: "Enterprise User",
        description: "A person in an organisation",
        attributes: enterprise::ATTRIBUTES,
    },
    Schema {
        id: CUSTOM_USER,
        name: "Attributes",
        description: "Attributes that the applications of this installation keep about a person",
        attributes: &[Attribute::new(
            "values",
            AttributeType::Any,
            "Any JSON object; its names are the application's own and case matters in them",
        )
        .case_exact()],
    },
];
