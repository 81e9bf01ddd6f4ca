//! The origin of a mapped value: an attribute of the user, a constant or a template.

use scim::path::Path;
use scim::schema::{AttributeRef, ResourceType};
use serde_json::Value;

use super::{MAX_TEXT, MappingRule};

/// The origin of a value.
#[derive(Clone, Debug)]
pub(super) enum Source<'a> {
    /// A path of SCIM, which was checked.
    Attribute(Path<'a>),
    /// The same for everybody.
    Constant(&'a Value),
    /// Texts and paths by turns.
    Template(Vec<Part<'a>>),
}

/// A part of a template.
#[derive(Clone, Debug)]
pub(super) enum Part<'a> {
    Text(&'a str),
    Attribute(Path<'a>),
}

impl<'a> Source<'a> {
    /// Reads the origin of a rule.
    ///
    /// # Errors
    /// The field of the rule that does not fit, and the reason.
    pub(super) fn parse(
        rule: &'a MappingRule,
        users: &'a ResourceType,
    ) -> Result<Self, (&'static str, String)> {
        match (&rule.from, &rule.constant, &rule.template) {
            (Some(from), None, None) => attribute(from, users)
                .map(Self::Attribute)
                .map_err(|detail| ("from", detail)),
            (None, Some(constant), None) => match constant.to_string().len() <= MAX_TEXT {
                true => Ok(Self::Constant(constant)),
                false => Err(("constant", format!("Expected at most {MAX_TEXT} bytes."))),
            },
            (None, None, Some(template)) => parse_template(template, users)
                .map(Self::Template)
                .map_err(|detail| ("template", detail)),
            _ => Err((
                "attribute",
                "Expected exactly one of `from`, `constant` and `template` beside it.".to_owned(),
            )),
        }
    }

    /// The value for a user.
    pub(super) fn value(&self, resource: &Value) -> Option<Value> {
        match self {
            Self::Attribute(path) => find(path, resource),
            Self::Constant(value) => Some((*value).clone()),
            Self::Template(parts) => {
                let mut text = String::new();
                for part in parts {
                    match part {
                        Part::Text(fixed) => text.push_str(fixed),
                        Part::Attribute(path) => match find(path, resource)? {
                            Value::String(value) => text.push_str(&value),
                            value @ (Value::Bool(_) | Value::Number(_)) => text.push_str(&value.to_string()),
                            Value::Null | Value::Array(_) | Value::Object(_) => return None,
                        },
                    }
                }
                Some(text.into())
            }
        }
    }
}

fn attribute<'a>(path: &'a str, users: &'a ResourceType) -> Result<Path<'a>, String> {
    if path.len() > MAX_TEXT {
        return Err(format!("Expected at most {MAX_TEXT} bytes."));
    }
    let path = Path::parse(path, users).map_err(|error| format!("Expected a path of SCIM: {error}."))?;
    let hidden = match &path {
        Path::Attribute(location) => location.attribute.name.eq_ignore_ascii_case("password"),
        Path::Extension(_) | Path::Values(_) => false,
    };
    match hidden {
        true => Err("A password is not known here.".to_owned()),
        false => Ok(path),
    }
}

fn parse_template<'a>(template: &'a str, users: &'a ResourceType) -> Result<Vec<Part<'a>>, String> {
    if template.len() > MAX_TEXT {
        return Err(format!("Expected at most {MAX_TEXT} bytes."));
    }
    let (mut parts, mut rest) = (Vec::new(), template);
    while let Some((text, after)) = rest.split_once('{') {
        let (path, after) = after
            .split_once('}')
            .ok_or_else(|| "Expected `}` after each `{`.".to_owned())?;
        parts.push(Part::Text(text));
        parts.push(Part::Attribute(attribute(path, users)?));
        rest = after;
    }
    parts.push(Part::Text(rest));
    Ok(parts)
}

/// The value at a path: of several, the first.
fn find(path: &Path<'_>, resource: &Value) -> Option<Value> {
    match path {
        Path::Extension(schema) => resource.get(&schema.id).cloned(),
        Path::Attribute(location) => at(&location.to_ref(), resource),
        Path::Values(values) => {
            let all = at(&values.location.to_ref(), resource)?;
            let found = all
                .as_array()?
                .iter()
                .find(|value| values.filter.matches(value))?
                .clone();
            match values.sub {
                Some(sub) => found.get(&sub.name).cloned(),
                None => Some(found),
            }
        }
    }
}

fn at(attribute: &AttributeRef, resource: &Value) -> Option<Value> {
    let holder = match &attribute.schema {
        Some(urn) => resource.get(urn)?,
        None => resource,
    };
    let value = holder.get(&attribute.name)?;
    match (&attribute.sub, value) {
        (None, value) => Some(value.clone()),
        (Some(sub), Value::Array(items)) => items.iter().find_map(|item| item.get(sub)).cloned(),
        (Some(sub), value) => value.get(sub).cloned(),
    }
}
