//! Attribute references: a name of a filter, a path or a list of attributes (RFC 7644 §3.10), resolved against a resource type.

use std::fmt;

use super::attribute::find;
use super::{Attribute, AttributeType, ResourceType, Schema};

/// A resolved reference to an attribute or sub-attribute, with the characteristics that comparisons need.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AttributeRef {
    /// The URN of the extension that has the attribute; `None` for the core schema and for common attributes.
    pub schema: Option<String>,
    /// The name of the attribute, canonically spelled.
    pub name: String,
    /// The name of the sub-attribute, canonically spelled.
    pub sub: Option<String>,
    /// The data type of what is referred to.
    pub data_type: AttributeType,
    /// True if its comparisons are case-sensitive.
    pub case_exact: bool,
    /// True if the attribute, of which this may be a sub-attribute, is multi-valued.
    pub multi_valued: bool,
}

impl fmt::Display for AttributeRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(urn) = &self.schema {
            write!(f, "{urn}:")?;
        }
        f.write_str(&self.name)?;
        match &self.sub {
            Some(sub) => write!(f, ".{sub}"),
            None => Ok(()),
        }
    }
}

/// The thing that a name refers to.
#[derive(Clone, Copy, Debug)]
pub enum Referent<'a> {
    /// All attributes of an extension: its URN alone.
    Extension(&'a Schema),
    /// An attribute.
    Attribute(AttributeLocation<'a>),
}

/// An attribute in its schema, and a sub-attribute of it.
#[derive(Clone, Copy, Debug)]
pub struct AttributeLocation<'a> {
    /// The extension that has it; `None` for the core schema and for common attributes.
    pub extension: Option<&'a Schema>,
    /// The attribute.
    pub attribute: &'a Attribute,
    /// The sub-attribute, if one is named.
    pub sub: Option<&'a Attribute>,
    /// The member of a free object, if one is named. Its case matters.
    pub member: Option<&'a str>,
}

impl AttributeLocation<'_> {
    /// True if a filter or an order may name it. See [`Attribute::is_searchable`].
    pub fn is_searchable(&self) -> bool {
        self.attribute.is_searchable() && self.sub.is_none_or(Attribute::is_searchable)
    }

    /// The reference without the tables.
    pub fn to_ref(&self) -> AttributeRef {
        let of = self.sub.unwrap_or(self.attribute);
        AttributeRef {
            schema: self.extension.map(|schema| schema.id.clone()),
            name: self.attribute.name.clone(),
            sub: self
                .sub
                .map(|sub| sub.name.clone())
                .or_else(|| self.member.map(str::to_owned)),
            data_type: of.data_type,
            case_exact: of.case_exact,
            multi_valued: self.attribute.multi_valued,
        }
    }
}

impl ResourceType {
    /// Resolves `[URN ":"] ATTRNAME ["." ATTRNAME]` (RFC 7644 §3.4.2.2, §3.10), without regard to case.
    ///
    /// An attribute of an extension is found without its URN too, as Microsoft Entra ID names `manager`, unless the core schema
    /// has one of that name. A dot after the URN is read as a colon, as older provisioning jobs send it.
    pub fn resolve<'a>(&'a self, name: &'a str) -> Option<Referent<'a>> {
        for schema in self.schemas() {
            let Some(rest) = strip_prefix_ignoring_case(name, &schema.id) else {
                continue;
            };
            let extension = (schema.id != self.schema.id).then_some(schema);
            let rest = match (rest.split_at_checked(1), extension) {
                (None, Some(extension)) => return Some(Referent::Extension(extension)),
                (Some((":" | ".", rest)), _) => rest,
                _ => continue,
            };
            let attributes = match extension {
                Some(extension) => Attributes(&extension.attributes, None),
                None => Attributes(&schema.attributes, Some(&self.common)),
            };
            return attributes.locate(rest, extension).map(Referent::Attribute);
        }
        let core = Attributes(&self.schema.attributes, Some(&self.common));
        core.locate(name, None)
            .or_else(|| {
                let mut extensions = self.extensions.iter();
                extensions.find_map(|it| Attributes(&it.attributes, None).locate(name, Some(it)))
            })
            .map(Referent::Attribute)
    }
}

/// The attributes of a schema, and the common ones.
struct Attributes<'a>(&'a [Attribute], Option<&'a [Attribute]>);

impl<'a> Attributes<'a> {
    fn locate(&self, name: &'a str, extension: Option<&'a Schema>) -> Option<AttributeLocation<'a>> {
        let (name, sub) = match name.split_once('.') {
            Some((name, sub)) => (name, Some(sub)),
            None => (name, None),
        };
        let attribute = find(self.0, name).or_else(|| find(self.1?, name))?;
        let mut location = AttributeLocation {
            extension,
            attribute,
            sub: None,
            member: None,
        };
        match sub {
            Some(member) if attribute.data_type == AttributeType::Any => location.member = Some(member),
            Some(sub) => location.sub = Some(attribute.find_sub(sub)?),
            None => {}
        }
        Some(location)
    }
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}
