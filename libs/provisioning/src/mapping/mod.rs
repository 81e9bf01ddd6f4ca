//! The mapping of a user to the resource that a target gets: which attributes, constants, renames and templates.

mod source;
mod target;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use scim::schema::{CORE_USER, ENTERPRISE_USER, ResourceType};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::invalid::InvalidRule;
use source::Source;
use target::TargetPath;

/// The most rules of one mapping.
const MAX_RULES: usize = 100;
/// The greatest length of a path, of a template and of a constant, in bytes.
const MAX_TEXT: usize = 1_000;

/// Attributes of the core schema that are pushed without a mapping. Others (roles, entitlements, certificates) belong to the
/// target.
const STANDARD: [&str; 15] = [
    "userName",
    "name",
    "displayName",
    "nickName",
    "profileUrl",
    "title",
    "userType",
    "preferredLanguage",
    "locale",
    "timezone",
    "active",
    "emails",
    "phoneNumbers",
    "addresses",
    "photos",
];
/// Attributes of the enterprise extension that are pushed without a mapping. The manager is not: the value is an id of this
/// directory.
const STANDARD_ENTERPRISE: [&str; 5] = [
    "employeeNumber",
    "costCenter",
    "organization",
    "division",
    "department",
];

/// One attribute at the target and the origin of its value: `from`, `constant` or `template`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MappingRule {
    /// The attribute at the target: `title`, `name.givenName`, `emails[type eq "work"].value`, or one of an extension, after
    /// its URN and a colon.
    pub(crate) attribute: String,
    /// The attribute of the user here, as a path of SCIM: `nickName`, `emails[primary eq true].value`. Without a value here,
    /// the attribute has no value at the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<String>,
    /// The same value for everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) constant: Option<Value>,
    /// A text with paths of SCIM in braces: `{name.givenName} {name.familyName}`. Without a value for one of them, there is
    /// none at the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) template: Option<String>,
}

/// Checks the rules of a mapping.
///
/// # Errors
/// The first rule that does not fit.
pub(crate) fn check(rules: &[MappingRule], users: &ResourceType) -> Result<(), InvalidRule> {
    let field = |index: usize, name: &str| format!("rules.mapping[{index}].{name}");
    if rules.len() > MAX_RULES {
        return Err(InvalidRule::new(
            "rules.mapping",
            format!("Expected at most {MAX_RULES} rules."),
        ));
    }
    let mut paths: Vec<TargetPath> = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        let path = TargetPath::parse(&rule.attribute)
            .map_err(|detail| InvalidRule::new(field(index, "attribute"), detail))?;
        if paths.iter().any(|other| other.overlaps(&path)) {
            let detail = "Another rule has this attribute, or a part of it.";
            return Err(InvalidRule::new(field(index, "attribute"), detail));
        }
        Source::parse(rule, users).map_err(|(name, detail)| InvalidRule::new(field(index, name), detail))?;
        paths.push(path);
    }
    if !rules.is_empty() && !paths.iter().any(TargetPath::is_user_name) {
        let detail = "Expected a rule for `userName`, by which the target finds people.";
        return Err(InvalidRule::new("rules.mapping", detail));
    }
    Ok(())
}

/// A user as a target is to have them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DesiredResource {
    /// The attributes that have a value, `externalId` among them.
    pub(crate) attributes: Map<String, Value>,
    /// Attributes that must have no value at the target: they are mapped, and the user has none. A path without a filter.
    pub(crate) absent: Vec<String>,
}

impl DesiredResource {
    /// The resource by the rules.
    pub(crate) fn of_user(
        rules: &[MappingRule],
        id: Uuid,
        resource: &Map<String, Value>,
        users: &ResourceType,
    ) -> Self {
        let mut desired = match rules {
            [] => standard(resource),
            rules => mapped(rules, resource, users),
        };
        desired
            .attributes
            .insert("externalId".to_owned(), id.to_string().into());
        desired.attributes.insert("schemas".to_owned(), desired.schemas());
        desired
    }

    /// The resource of a group, without members.
    pub(crate) fn of_group(id: Uuid, display_name: &str) -> Self {
        let mut attributes = Map::new();
        attributes.insert(
            "schemas".to_owned(),
            vec![Value::from(scim::schema::CORE_GROUP)].into(),
        );
        attributes.insert("displayName".to_owned(), display_name.into());
        attributes.insert("externalId".to_owned(), id.to_string().into());
        Self {
            attributes,
            absent: Vec::new(),
        }
    }

    fn schemas(&self) -> Value {
        let extensions = self.attributes.keys().filter(|name| target::is_urn(name));
        let all = std::iter::once(CORE_USER).chain(extensions.map(String::as_str));
        Value::from_iter(all)
    }

    /// The name by which the target finds the user.
    pub(crate) fn user_name(&self) -> Option<&str> {
        self.attributes.get("userName").and_then(Value::as_str)
    }
}

/// The standard attributes as they are here.
fn standard(resource: &Map<String, Value>) -> DesiredResource {
    let (mut attributes, mut absent) = (Map::new(), Vec::new());
    for name in STANDARD {
        match resource.get(name).filter(|value| is_assigned(value)) {
            Some(value) => {
                attributes.insert(name.to_owned(), value.clone());
            }
            None => absent.push(name.to_owned()),
        }
    }
    let here = resource.get(ENTERPRISE_USER).and_then(Value::as_object);
    let mut enterprise = Map::new();
    for name in STANDARD_ENTERPRISE {
        match here
            .and_then(|here| here.get(name))
            .filter(|value| is_assigned(value))
        {
            Some(value) => {
                enterprise.insert(name.to_owned(), value.clone());
            }
            None => absent.push(format!("{ENTERPRISE_USER}:{name}")),
        }
    }
    if !enterprise.is_empty() {
        attributes.insert(ENTERPRISE_USER.to_owned(), enterprise.into());
    }
    DesiredResource { attributes, absent }
}

/// The attributes by a mapping that was checked.
fn mapped(rules: &[MappingRule], resource: &Map<String, Value>, users: &ResourceType) -> DesiredResource {
    let whole = Value::Object(resource.clone());
    let (mut attributes, mut absent, mut lists) = (Map::new(), Vec::new(), Vec::new());
    for rule in rules {
        let (Ok(path), Ok(source)) = (TargetPath::parse(&rule.attribute), Source::parse(rule, users)) else {
            continue;
        };
        match source.value(&whole).filter(is_assigned) {
            Some(value) => path.put(&mut attributes, value),
            None if path.is_whole() => absent.push(rule.attribute.clone()),
            None => lists.push(path),
        }
    }
    // A list of which no rule gives a value.
    for path in lists {
        let list = path.list();
        if !path.is_in(&attributes) && !absent.contains(&list) {
            absent.push(list);
        }
    }
    DesiredResource { attributes, absent }
}

/// True if a value is one (RFC 7643 §2.5): neither null nor empty.
pub(crate) fn is_assigned(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::String(text) => !text.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}
