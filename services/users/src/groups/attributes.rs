//! Attributes of groups, in the extensions that the configuration defines for `Group` (RFC 7643 §3.3).

use std::collections::BTreeMap;

use scim::Error;
use scim::schema::{Accessor, CORE_GROUP, ResourceType, check_replacement};
use serde_json::{Map, Value};

use super::GroupError;
use crate::users::{Invalid, check_extension_text};

/// The attributes of a group: an object for each extension, by its URN.
pub(crate) type GroupAttributes = BTreeMap<String, Value>;

/// Bytes of the attributes of a group at most, as JSON: they are in each of its events (ADR 0046).
pub(crate) const MAX_ATTRIBUTES: usize = 4 * 1024;

/// A change of the attributes of a group by a kind of caller.
#[derive(Clone, Debug)]
pub(crate) struct AttributesEdit {
    pub(crate) accessor: Accessor,
    pub(crate) change: AttributesChange,
}

/// A change of the attributes of a group.
#[derive(Clone, Debug)]
pub(crate) enum AttributesChange {
    /// They are put in place of what is known.
    Replace(GroupAttributes),
    /// They are what a PATCH makes of those that were there before.
    Patch {
        /// The attributes that the PATCH was applied to.
        before: GroupAttributes,
        after: GroupAttributes,
    },
}

impl AttributesChange {
    /// The attributes after the change.
    pub(crate) fn into_attributes(self) -> GroupAttributes {
        match self {
            Self::Replace(after) | Self::Patch { after, .. } => after,
        }
    }
}

/// The extensions in a resource that [`scim::schema::read`] has read, or that a PATCH was applied to.
pub(super) fn of_resource(resource: &Map<String, Value>, groups: &ResourceType) -> GroupAttributes {
    let extensions = groups.extensions.iter();
    let present =
        extensions.filter_map(|extension| Some((extension.id.clone(), resource.get(&extension.id)?.clone())));
    present.collect()
}

/// Those of the attributes of a group that the configuration defines. Others stay, unseen.
pub(super) fn defined(attributes: &GroupAttributes, groups: &ResourceType) -> GroupAttributes {
    let known = |urn: &str| groups.extensions.iter().any(|extension| extension.id == urn);
    let all = attributes.iter().filter(|(urn, _)| known(urn));
    all.map(|(urn, value)| (urn.clone(), value.clone())).collect()
}

/// Names the schemas that a resource has: the core schema, and those of its extensions.
pub(super) fn name_schemas(resource: &mut Map<String, Value>, groups: &ResourceType) {
    let extensions = groups.extensions.iter().map(|extension| extension.id.as_str());
    let present = extensions.filter(|urn| resource.contains_key(*urn));
    let schemas: Vec<Value> = std::iter::once(CORE_GROUP)
        .chain(present)
        .map(Value::from)
        .collect();
    resource.insert("schemas".to_owned(), schemas.into());
}

/// The attributes that an edit makes of those of a locked group, or of a new one.
///
/// # Errors
/// 403 and `mutability` for what the caller may not change, [`GroupError::Raced`] when a PATCH was applied to other attributes,
/// [`GroupError::Invalid`] for what cannot be stored.
pub(super) fn edited(
    edit: AttributesEdit,
    old: &GroupAttributes,
    groups: &ResourceType,
) -> Result<GroupAttributes, GroupError> {
    let AttributesEdit { accessor, change } = edit;
    let before = to_map(&defined(old, groups));
    let after = match change {
        AttributesChange::Replace(new) => {
            let mut new = to_map(&new);
            check_replacement(&before, &mut new, groups, accessor)?;
            new
        }
        AttributesChange::Patch { before: known, .. } if to_map(&known) != before => {
            return Err(GroupError::Raced);
        }
        AttributesChange::Patch { after, .. } => to_map(&after),
    };
    groups.check_writes(accessor, &before, &after)?;
    let mut new: GroupAttributes = old.clone();
    new.retain(|urn, _| !before.contains_key(urn));
    new.extend(after);
    check(&new, old, groups)?;
    Ok(new)
}

/// The attributes of a new group that an import has.
///
/// # Errors
/// [`Invalid`] for what cannot be stored.
pub(super) fn of_import(new: GroupAttributes, groups: &ResourceType) -> Result<GroupAttributes, Invalid> {
    check(&new, &GroupAttributes::new(), groups)?;
    Ok(new)
}

fn to_map(attributes: &GroupAttributes) -> Map<String, Value> {
    attributes
        .iter()
        .map(|(urn, value)| (urn.clone(), value.clone()))
        .collect()
}

/// Checks the texts and the size of attributes. What a group has already stays.
fn check(new: &GroupAttributes, old: &GroupAttributes, groups: &ResourceType) -> Result<(), Invalid> {
    for extension in &groups.extensions {
        if let Some(value) = new.get(&extension.id)
            && old.get(&extension.id) != Some(value)
        {
            check_extension_text(&extension.id, value, extension)?;
        }
    }
    let size = serde_json::to_vec(new).map_or(usize::MAX, |json| json.len());
    match size > MAX_ATTRIBUTES && new != old {
        true => Err(Invalid::new(
            "schemas",
            format!("the extensions of a group have at most {MAX_ATTRIBUTES} bytes as JSON"),
        )),
        false => Ok(()),
    }
}

/// Checks that a caller may search by an attribute of groups.
///
/// # Errors
/// `invalidFilter`, naming it: the result would tell its value.
pub(crate) fn check_searchable<'a>(
    attributes: impl Iterator<Item = &'a scim::schema::AttributeRef>,
    groups: &ResourceType,
    accessor: Accessor,
) -> Result<(), Error> {
    let mut all = attributes;
    match all.find(|attribute| !groups.is_readable(attribute, accessor)) {
        Some(attribute) => Err(Error::invalid_filter(format!(
            "{attribute}: cannot be searched by this client"
        ))),
        None => Ok(()),
    }
}
