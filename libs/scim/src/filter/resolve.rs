//! The names of a filter, resolved against the attribute registry.

use crate::Error;
use crate::schema::{Attribute, AttributeLocation, AttributeRef, AttributeType, Referent, ResourceType};

/// The things that the names of a filter refer to.
#[derive(Clone, Copy)]
pub(super) enum Scope<'a> {
    /// Attributes of resources.
    Resources(&'a [&'a ResourceType]),
    /// Sub-attributes of one attribute's values.
    Values(&'a Attribute),
}

/// Finds the attribute of a resource.
pub(super) fn locate<'a>(name: &'a str, of: &'a [&'a ResourceType]) -> Result<AttributeLocation<'a>, Error> {
    let mut types = of.iter();
    match types.find_map(|it| it.resolve(name)) {
        Some(Referent::Attribute(location)) if !location.is_searchable() => Err(not_searchable(name)),
        Some(Referent::Attribute(location)) => Ok(location),
        Some(Referent::Extension(_)) | None => Err(unknown(name)),
    }
}

fn not_searchable(name: &str) -> Error {
    Error::invalid_filter(format!("{name}: cannot be searched for"))
}

fn unknown(name: &str) -> Error {
    let shown: String = name.chars().take(200).collect();
    Error::invalid_filter(format!("{shown}: no such attribute"))
}

/// The attribute of a comparison.
pub(super) struct Operand {
    /// The attribute that `pr` is about.
    pub(super) attribute: AttributeRef,
    /// The attribute that an operator compares: the sub-attribute `value` of a complex attribute, as in `emails co "example.com"`
    /// (RFC 7644 §3.4.2.2); `None` for a complex attribute without one.
    pub(super) compared: Option<AttributeRef>,
}

/// Resolves the attribute of a comparison.
pub(super) fn resolve(name: &str, scope: Scope<'_>) -> Result<Operand, Error> {
    let attribute = match scope {
        Scope::Values(attribute) => sub_attribute(name, attribute)?,
        Scope::Resources(of) => {
            let mut location = locate(name, of)?;
            let attribute = location.to_ref();
            let complex = matches!(attribute.data_type, AttributeType::Complex | AttributeType::Any);
            if complex && location.member.is_none() {
                location.sub = location.attribute.find_sub("value");
                let compared =
                    (location.sub.is_some() && location.is_searchable()).then(|| location.to_ref());
                return Ok(Operand { attribute, compared });
            }
            attribute
        }
    };
    Ok(Operand {
        compared: Some(attribute.clone()),
        attribute,
    })
}

fn sub_attribute(name: &str, of: &Attribute) -> Result<AttributeRef, Error> {
    let own_value = of.sub.is_empty() && name.eq_ignore_ascii_case("value");
    let sub = match of.find_sub(name) {
        Some(sub) => sub,
        // A value that is not complex is its own `value`.
        None if own_value => of,
        None => return Err(unknown(&format!("{}.{name}", of.name))),
    };
    if !of.is_searchable() || !sub.is_searchable() {
        return Err(not_searchable(&format!("{}.{}", of.name, sub.name)));
    }
    Ok(AttributeRef {
        schema: None,
        name: if own_value {
            "value".to_owned()
        } else {
            sub.name.clone()
        },
        sub: None,
        data_type: sub.data_type,
        case_exact: sub.case_exact,
        multi_valued: sub.multi_valued && !own_value,
    })
}
