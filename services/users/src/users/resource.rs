//! Conversion between the state of a user and the SCIM `User` (RFC 7643 §4.1).

use contract::{Email, PersonName, UserName, UserState};
use scim::schema::{CUSTOM_USER, ResourceType};
use scim::{Attributes, Error, Meta, Name, User};
use serde_json::{Map, Value};

use super::DesiredState;
use super::managers::remove_shown;
use super::passwords::not_handed_over;

/// The state that a body asks for.
///
/// # Errors
/// `invalidValue`, naming the attribute.
pub(crate) fn to_desired_state(user: User, users: &ResourceType) -> Result<DesiredState, Error> {
    // The password was taken out before: see `passwords.rs`.
    if user.password.is_some() {
        return Err(not_handed_over());
    }
    let user_name: UserName = user
        .user_name
        .parse()
        .map_err(|reason| Error::invalid_value("userName", reason))?;
    let mut emails = Vec::with_capacity(user.emails.len());
    for (index, email) in user.emails.into_iter().enumerate() {
        let value = email
            .value
            .parse()
            .map_err(|reason| Error::invalid_value(&format!("emails[{index}].value"), reason))?;
        emails.push(Email {
            value,
            kind: email.kind,
            primary: email.primary,
            verified: false,
        });
    }
    let attributes = Attributes {
        other: user.other,
        extensions: user.extensions,
        custom: user.custom,
    };
    let mut attributes = attributes.join(users)?.collect();
    remove_shown(&mut attributes);
    Ok(DesiredState {
        user_name,
        name: PersonName {
            given_name: user.name.given_name,
            family_name: user.name.family_name,
            formatted: user.name.formatted,
            middle_name: user.name.middle_name,
            honorific_prefix: user.name.honorific_prefix,
            honorific_suffix: user.name.honorific_suffix,
        },
        emails,
        locale: user.locale,
        zoneinfo: user.timezone,
        active: user.active,
        attributes,
    })
}

/// The resource of a user, without `groups`, which are not in the state. `base` is the URL of `/scim/v2`. An extension that the
/// configuration does not define any more is left out.
pub(crate) fn to_resource(state: &UserState, users: &ResourceType, base: &str) -> Value {
    let mut attributes = Attributes::split(&state.attributes, users);
    attributes
        .extensions
        .retain(|urn, _| users.extension(urn).is_some());
    let user = User {
        user_name: state.user_name.as_str().to_owned(),
        name: Name {
            formatted: state.name.formatted.clone(),
            family_name: state.name.family_name.clone(),
            given_name: state.name.given_name.clone(),
            middle_name: state.name.middle_name.clone(),
            honorific_prefix: state.name.honorific_prefix.clone(),
            honorific_suffix: state.name.honorific_suffix.clone(),
        },
        emails: state
            .emails
            .iter()
            .map(|email| scim::Email {
                value: email.value.as_str().to_owned(),
                kind: email.kind.clone(),
                primary: email.primary,
            })
            .collect(),
        active: Some(state.active),
        locale: state.locale.clone(),
        timezone: state.zoneinfo.clone(),
        password: None,
        other: attributes.other,
        extensions: attributes.extensions,
        custom: attributes.custom,
    };
    user.to_json(&Meta {
        id: &state.id.to_string(),
        created: &state.created_at.to_string(),
        last_modified: &state.updated_at.to_string(),
        location: &location(state, base),
        version: state.version,
    })
}

/// The URL of a user's resource.
pub(crate) fn location(state: &UserState, base: &str) -> String {
    format!("{base}/Users/{}", state.id)
}

/// Removes the attributes of a resource that a client never writes.
pub(super) fn remove_server_attributes(resource: &mut Map<String, Value>) {
    for name in ["schemas", "id", "meta", "groups"] {
        resource.remove(name);
    }
}

/// True if an attribute of a record is an extension that a person may change parts of: not the free object, whose members are
/// attributes of the record themselves.
pub(super) fn is_extension(name: &str, users: &ResourceType) -> bool {
    name != CUSTOM_USER && users.extensions.iter().any(|extension| extension.id == name)
}
