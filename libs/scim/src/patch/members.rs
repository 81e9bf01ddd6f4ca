//! Changes of the members of a group (RFC 7644 §3.5.2), which are expressed without loading its members.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Write;
use super::edit::complex_members;
use crate::Error;
use crate::filter::{CompareValue, Filter, Operator};
use crate::path::ValuePath;
use crate::schema::{Attribute, AttributeLocation, Validation, attribute_value};

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// `value`: the id of the member.
    pub value: String,
    /// The resource type: `type`, or that of `$ref`; `None` when the client names neither.
    pub resource_type: Option<String>,
}

/// The changes of the members of a group, by the ids of the members. No id is in both lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberChanges {
    /// True if [`Self::add`] is the whole new membership: who is not in it is no member any more.
    pub replace_all: bool,
    /// The new members. One who is a member already stays one.
    pub add: BTreeMap<String, Member>,
    /// The ids of those who are removed. One who is no member is ignored.
    pub remove: BTreeSet<String>,
}

impl MemberChanges {
    /// True if there is nothing to do.
    pub fn is_empty(&self) -> bool {
        !self.replace_all && self.add.is_empty() && self.remove.is_empty()
    }

    /// The changes that make `members` the members, as a replacement of the group does (RFC 7644 §3.5.1). `members` is the value
    /// of the attribute in a resource that was read.
    pub fn of_replacement(members: Option<&Value>) -> Self {
        let items = members.and_then(Value::as_array).into_iter().flatten();
        Self {
            replace_all: true,
            add: items
                .filter_map(member)
                .map(|it| (it.value.clone(), it))
                .collect(),
            remove: BTreeSet::new(),
        }
    }

    /// `add` or `replace` with the path `members`.
    pub(super) fn write(
        &mut self,
        write: Write,
        location: &AttributeLocation<'_>,
        value: &Value,
    ) -> Result<(), Error> {
        if location.sub.is_some() {
            return Err(unchangeable(location.attribute));
        }
        let given = read(value, location.attribute)?;
        if write == Write::Replace {
            self.replace_all = true;
            self.add.clear();
            self.remove.clear();
        }
        for member in given {
            self.add_one(member);
        }
        let (most, name) = (location.attribute.max_values, &location.attribute.name);
        match self.add.len() > most {
            true => Err(Error::invalid_value(
                name,
                format_args!("more than {most} values"),
            )),
            false => Ok(()),
        }
    }

    /// `add` with a path such as `members[value eq "…"]`.
    pub(super) fn write_selected(
        &mut self,
        write: Write,
        target: &ValuePath<'_>,
        value: &Value,
    ) -> Result<(), Error> {
        let attribute = target.location.attribute;
        if write == Write::Replace || target.sub.is_some() {
            return Err(unchangeable(attribute));
        }
        let ids = ids(&target.filter).ok_or_else(|| unsupported(attribute))?;
        let given = read(value, attribute)?;
        if given.iter().any(|member| !ids.contains(&member.value.as_str())) {
            let path = format!("{}[{}]", attribute.name, target.filter);
            return Err(Error::invalid_value(
                &path,
                "the value has another id than the path",
            ));
        }
        for member in given {
            self.add_one(member);
        }
        Ok(())
    }

    /// `remove` with the path `members`: all of them, or, as Entra ID sends it, those of a value.
    pub(super) fn remove(
        &mut self,
        location: &AttributeLocation<'_>,
        value: Option<&Value>,
    ) -> Result<(), Error> {
        if location.sub.is_some() {
            return Err(unchangeable(location.attribute));
        }
        match value.filter(|value| !value.is_null()) {
            Some(value) => {
                for member in read(value, location.attribute)? {
                    self.remove_one(&member.value);
                }
            }
            None => {
                *self = Self {
                    replace_all: true,
                    ..Self::default()
                }
            }
        }
        Ok(())
    }

    /// `remove` with a path such as `members[value eq "…"]`.
    pub(super) fn remove_selected(&mut self, target: &ValuePath<'_>) -> Result<(), Error> {
        let attribute = target.location.attribute;
        if target.sub.is_some() {
            return Err(unchangeable(attribute));
        }
        for id in ids(&target.filter).ok_or_else(|| unsupported(attribute))? {
            self.remove_one(id);
        }
        Ok(())
    }

    fn add_one(&mut self, member: Member) {
        self.remove.remove(&member.value);
        self.add.insert(member.value.clone(), member);
    }

    fn remove_one(&mut self, id: &str) {
        self.add.remove(id);
        if !self.replace_all {
            self.remove.insert(id.to_owned());
        }
    }
}

/// The members of a value: objects with `value`, or ids.
fn read(value: &Value, attribute: &Attribute) -> Result<Vec<Member>, Error> {
    let items = match value {
        Value::Null => return Ok(Vec::new()),
        Value::Array(items) => items.as_slice(),
        one => std::slice::from_ref(one),
    };
    let mut given = Vec::with_capacity(items.len());
    for item in items {
        given.push(Value::Object(complex_members(item, attribute, &attribute.name)?));
    }
    let read = attribute_value(
        &Value::Array(given),
        attribute,
        &attribute.name,
        Validation::Request,
    )?;
    let items = read.as_ref().and_then(Value::as_array).into_iter().flatten();
    Ok(items.filter_map(member).collect())
}

/// One member of a value that was read.
fn member(value: &Value) -> Option<Member> {
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    let of_reference = || {
        let mut parts = text("$ref")?.trim_end_matches('/').rsplit('/').skip(1);
        match parts.next()? {
            "Users" => Some("User"),
            "Groups" => Some("Group"),
            _ => None,
        }
    };
    Some(Member {
        value: text("value")?.to_owned(),
        resource_type: text("type").or_else(of_reference).map(str::to_owned),
    })
}

/// The ids that a filter selects, if it is nothing but `value eq "…"`, joined by `or`.
fn ids(filter: &Filter) -> Option<Vec<&str>> {
    match filter {
        Filter::Compare(comparison) if comparison.attribute.name == "value" => {
            match (comparison.operator, &comparison.value) {
                (Operator::Eq, CompareValue::Text(id)) => Some(vec![id]),
                _ => None,
            }
        }
        Filter::Or(all) => {
            let mut found = Vec::with_capacity(all.len());
            for filter in all {
                found.extend(ids(filter)?);
            }
            Some(found)
        }
        _ => None,
    }
}

fn unsupported(attribute: &Attribute) -> Error {
    Error::invalid_filter(format!(
        "{0}: select by id, such as {0}[value eq \"ID\"]",
        attribute.name
    ))
}

/// The sub-attributes of a member cannot be changed (RFC 7643 §4.2).
fn unchangeable(attribute: &Attribute) -> Error {
    Error::mutability(
        &attribute.name,
        "a member is added and removed, and not changed; remove it and add another",
    )
}
