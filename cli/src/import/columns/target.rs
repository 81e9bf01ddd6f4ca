//! [`Target`]: the attribute that a column becomes, and the assignment of a field to it.

use scim::schema::{
    Attribute, AttributeType, CUSTOM_USER, ENTERPRISE_USER, PROFILE_USER, Registry, ResourceType,
};
use secrecy::SecretString;
use serde_json::{Map, Value, json};

use super::super::{Record, Rejection};

/// The attribute that a column becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    PasswordHash,
    /// The names of groups, with semicolons between them.
    Groups,
    /// The path of members, the name of an extension first where there is one, and the type of the value.
    Single(Vec<String>, AttributeType),
    /// A member of the item of a list that has this `type`.
    Item {
        list: String,
        kind: Option<String>,
        member: String,
        data_type: AttributeType,
    },
}

impl Target {
    /// Reads the path of an attribute: `name.givenName`, `emails.work`, `addresses.home.locality`, `department`, a URN with an
    /// attribute, `attributes.NAME` for an attribute of an application, `groups`, or `password_hash`.
    pub(super) fn parse(path: &str) -> Option<Self> {
        match path {
            "password_hash" => return Some(Self::PasswordHash),
            "groups" => return Some(Self::Groups),
            _ => {}
        }
        if let Some(name) = path.strip_prefix("attributes.").filter(|name| !name.is_empty()) {
            let path = [CUSTOM_USER, "values", name];
            return Some(Self::Single(
                path.map(str::to_owned).into(),
                AttributeType::String,
            ));
        }
        let users = Registry::standard().users();
        if path
            .get(..4)
            .is_some_and(|start| start.eq_ignore_ascii_case("urn:"))
        {
            let (urn, name) = path.rsplit_once(':')?;
            return Some(extension_attribute(users, urn, name).unwrap_or_else(|| {
                // An extension of the server's configuration, which checks it.
                Self::Single(vec![urn.to_owned(), name.to_owned()], AttributeType::String)
            }));
        }
        let (first, rest) = path
            .split_once('.')
            .map_or((path, None), |(first, rest)| (first, Some(rest)));
        let Some(attribute) = users.find(first) else {
            return [ENTERPRISE_USER, PROFILE_USER]
                .into_iter()
                .find_map(|urn| extension_attribute(users, urn, path));
        };
        if attribute.multi_valued {
            return Self::parse_item(attribute, rest.unwrap_or_default());
        }
        let sub = |name: &str| {
            attribute
                .sub
                .iter()
                .find(|sub| sub.name.eq_ignore_ascii_case(name))
        };
        match rest {
            None if attribute.sub.is_empty() => {
                Some(Self::Single(vec![attribute.name.clone()], attribute.data_type))
            }
            None => None,
            Some(rest) => sub(rest)
                .map(|sub| Self::Single(vec![attribute.name.clone(), sub.name.clone()], sub.data_type)),
        }
    }

    fn parse_item(attribute: &Attribute, rest: &str) -> Option<Self> {
        let sub = |name: &str| {
            attribute
                .sub
                .iter()
                .find(|sub| sub.name.eq_ignore_ascii_case(name))
        };
        let (kind, member) = match rest.split_once('.') {
            Some((kind, member)) => (Some(kind), sub(member)?),
            None if rest.is_empty() => (None, sub("value").or_else(|| sub("formatted"))?),
            None => match sub(rest) {
                Some(member) => (None, member),
                None => (Some(rest), sub("value").or_else(|| sub("formatted"))?),
            },
        };
        Some(Self::Item {
            list: attribute.name.clone(),
            kind: kind.map(str::to_owned),
            member: member.name.clone(),
            data_type: member.data_type,
        })
    }

    /// Sets the attribute of a record. An empty text sets nothing.
    ///
    /// # Errors
    /// When the text is not of the attribute's type.
    pub(super) fn assign(&self, text: &str, record: &mut Record) -> Result<(), Rejection> {
        if text.is_empty() {
            return Ok(());
        }
        match self {
            Self::PasswordHash => record.password_hash = Some(SecretString::from(text.to_owned())),
            Self::Groups => {
                let names = text.split(';').map(str::trim).filter(|name| !name.is_empty());
                record.groups.extend(names.map(str::to_owned));
            }
            Self::Single(path, data_type) => {
                let value =
                    typed(text, *data_type).map_err(|reason| Rejection::new(path.join("."), reason))?;
                set(&mut record.user, path, value);
            }
            Self::Item {
                list,
                kind,
                member,
                data_type,
            } => {
                let value = typed(text, *data_type)
                    .map_err(|reason| Rejection::new(format!("{list}.{member}"), reason))?;
                set_item(&mut record.user, list, kind.as_deref(), (member, value));
            }
        }
        Ok(())
    }
}

fn extension_attribute(users: &ResourceType, urn: &str, path: &str) -> Option<Target> {
    let schema = users.extension(urn)?;
    let (name, sub) = path
        .split_once('.')
        .map_or((path, None), |(name, sub)| (name, Some(sub)));
    let attribute = schema.find(name)?;
    let mut path = vec![schema.id.clone(), attribute.name.clone()];
    let mut data_type = attribute.data_type;
    if data_type == AttributeType::Complex {
        let sub = sub.unwrap_or("value");
        let sub = attribute
            .sub
            .iter()
            .find(|it| it.name.eq_ignore_ascii_case(sub))?;
        path.push(sub.name.clone());
        data_type = sub.data_type;
    }
    Some(Target::Single(path, data_type))
}

/// The JSON value of a field.
fn typed(text: &str, data_type: AttributeType) -> Result<Value, &'static str> {
    match data_type {
        AttributeType::Boolean => match text.to_lowercase().as_str() {
            "true" | "yes" | "1" | "t" | "y" => Ok(true.into()),
            "false" | "no" | "0" | "f" | "n" => Ok(false.into()),
            _ => Err("expected true or false"),
        },
        AttributeType::Integer => text
            .parse::<i64>()
            .map(Value::from)
            .map_err(|_| "expected a whole number"),
        AttributeType::Decimal => match serde_json::from_str(text) {
            Ok(Value::Number(number)) => Ok(Value::Number(number)),
            _ => Err("expected a number"),
        },
        _ => Ok(text.into()),
    }
}

/// Sets the member at `path`. The objects on the way are made.
pub(in crate::import) fn set(object: &mut Map<String, Value>, path: &[String], value: Value) {
    let Some((first, rest)) = path.split_first() else {
        return;
    };
    if rest.is_empty() {
        object.insert(first.clone(), value);
    } else if let Value::Object(inner) = object.entry(first).or_insert_with(|| json!({})) {
        set(inner, rest, value);
    }
}

/// Sets a member of the item of `list` that has this `type`. The first address without a type is the primary one.
pub(in crate::import) fn set_item(
    object: &mut Map<String, Value>,
    list: &str,
    kind: Option<&str>,
    (member, value): (&str, Value),
) {
    let Value::Array(items) = object.entry(list).or_insert_with(|| json!([])) else {
        return;
    };
    let has_kind = |item: &Value| item.get("type").and_then(Value::as_str) == kind;
    let index = items.iter().position(has_kind).unwrap_or_else(|| {
        items.push(match kind {
            Some(kind) => json!({ "type": kind }),
            None if list == "emails" => json!({ "primary": true }),
            None => json!({}),
        });
        items.len() - 1
    });
    if let Some(Value::Object(item)) = items.get_mut(index) {
        item.insert(member.to_owned(), value);
    }
}
