//! Checks of the extensions and attributes of a configuration.

use super::{AttributeConfig, InvalidSchema, administrators, everyone};
use crate::schema::{
    AttributeType, CONFIGURED_USER, CORE_GROUP, CORE_USER, CUSTOM_USER, ENTERPRISE_USER, Mutability,
    PROFILE_USER, Returned, Uniqueness,
};

/// Checks that attributes of groups have nothing that is for users alone.
pub(super) fn check_group_attributes(attributes: &[AttributeConfig], key: &str) -> Result<(), InvalidSchema> {
    for (index, attribute) in attributes.iter().enumerate() {
        let key = format!("{key}[{index}]");
        if attribute.uniqueness != Uniqueness::None {
            return Err(InvalidSchema::new(
                format!("{key}.uniqueness"),
                "is of attributes of users",
            ));
        }
        let mut all = std::iter::once(attribute).chain(&attribute.sub_attributes);
        if all.any(|attribute| attribute.indexed) {
            return Err(InvalidSchema::new(
                format!("{key}.indexed"),
                "is of attributes of users",
            ));
        }
    }
    Ok(())
}

pub(super) fn check_urn<'a>(
    urn: &str,
    earlier: impl Iterator<Item = &'a str>,
    key: &str,
) -> Result<(), InvalidSchema> {
    let part = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
    };
    // RFC 8141 §2: the letters of an NSS that need no encoding, so that filters and paths can name it.
    if !urn.starts_with("urn:") || urn.split(':').count() < 4 || !urn.split(':').all(part) || urn.len() > 255
    {
        let reason = "expected a URN such as urn:example:params:scim:schemas:extension:2.0:User";
        return Err(InvalidSchema::new(key, reason));
    }
    let standard = [
        CORE_USER,
        CORE_GROUP,
        ENTERPRISE_USER,
        PROFILE_USER,
        CONFIGURED_USER,
        CUSTOM_USER,
    ];
    let starts = |long: &str, short: &str| {
        let (long, short) = (long.to_ascii_lowercase(), short.to_ascii_lowercase());
        let rest = long.strip_prefix(&short);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '.']))
    };
    match standard
        .into_iter()
        .chain(earlier)
        .find(|other| starts(other, urn) || starts(urn, other))
    {
        Some(other) => Err(InvalidSchema::new(
            key,
            format!("cannot be told from {other} and its attributes"),
        )),
        None => Ok(()),
    }
}

impl AttributeConfig {
    pub(super) fn check(&self, key: &str, sub: bool) -> Result<(), InvalidSchema> {
        let wrong = |name: &str, reason: &str| Err(InvalidSchema::new(format!("{key}.{name}"), reason));
        if !is_attribute_name(&self.name) {
            return wrong("name", "expected a letter, then letters, digits, - and _");
        }
        let complex = self.data_type == AttributeType::Complex;
        if complex && sub {
            // RFC 7643 §2.3.8
            return wrong("type", "a sub-attribute cannot be complex");
        }
        if complex == self.sub_attributes.is_empty() {
            return wrong(
                "sub_attributes",
                "are those of a complex attribute, which needs one",
            );
        }
        let text = matches!(self.data_type, AttributeType::String | AttributeType::Reference);
        if !text && !self.canonical_values.is_empty() {
            return wrong("canonical_values", "are of texts");
        }
        if !self.reference_types.is_empty() && self.data_type != AttributeType::Reference {
            return wrong("reference_types", "are of references");
        }
        let single = !self.multi_valued && !sub;
        if self.uniqueness != Uniqueness::None
            && !(single && (text || self.data_type == AttributeType::Integer))
        {
            // RFC 7643 §2.3.2, §2.3.6 and §2.3.8 have no uniqueness.
            return wrong("uniqueness", "is of single-valued texts and whole numbers");
        }
        let has_order = text || matches!(self.data_type, AttributeType::Integer | AttributeType::DateTime);
        if self.indexed && !has_order {
            return wrong(
                "indexed",
                "is of texts, whole numbers and times, also of those in a complex attribute",
            );
        }
        if self.required && self.mutability == Mutability::ReadOnly {
            return wrong("required", "a client cannot give what it cannot write");
        }
        let returned = self.returned.unwrap_or(Returned::Never);
        if self.mutability == Mutability::WriteOnly && returned != Returned::Never {
            return wrong("returned", "must be never for what is written only");
        }
        let never = self.mutability == Mutability::WriteOnly || self.returned == Some(Returned::Never);
        if self.indexed && never {
            return wrong(
                "indexed",
                "is of an attribute that is returned: others cannot be searched",
            );
        }
        if self.multi_valued && sub {
            return wrong("multi_valued", "is of the whole attribute");
        }
        if sub && self.read != everyone() {
            return wrong("read", "is of the whole attribute");
        }
        if sub && self.write != administrators() {
            return wrong("write", "is of the whole attribute");
        }
        Ok(())
    }
}

/// `ATTRNAME` (RFC 7643 §2.1).
fn is_attribute_name(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}
