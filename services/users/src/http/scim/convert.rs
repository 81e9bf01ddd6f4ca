//! Between a person's record and the SCIM `User`.

use contract::{Email, PersonName, UserName, UserState};
use scim::schema::USER;
use scim::{Error, Meta, Name, User};
use serde_json::{Map, Value};

use crate::users::DesiredState;

/// What a body asks for.
///
/// # Errors
/// `invalidValue`, naming the attribute.
pub(super) fn to_draft(user: User) -> Result<DesiredState, Error> {
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
    if let Some(name) = user.custom.keys().find(|name| is_core(name) || is_urn(name)) {
        return Err(Error::invalid_value(
            &format!("values.{name}"),
            "is the name of a SCIM attribute",
        ));
    }
    Ok(DesiredState {
        user_name,
        name: PersonName {
            given_name: user.name.given_name,
            family_name: user.name.family_name,
            formatted: user.name.formatted,
        },
        emails,
        locale: user.locale,
        zoneinfo: user.timezone,
        active: user.active,
        attributes: user
            .other
            .into_iter()
            .chain(user.extensions)
            .chain(user.custom)
            .collect(),
    })
}

/// The resource of a person. `base` is the address of `/scim/v2`.
pub(super) fn to_resource(state: &UserState, base: &str) -> Value {
    let (mut other, mut extensions, mut custom) = (Map::new(), Map::new(), Map::new());
    for (name, value) in &state.attributes {
        let part = if is_core(name) {
            &mut other
        } else if is_urn(name) {
            &mut extensions
        } else {
            &mut custom
        };
        part.insert(name.clone(), value.clone());
    }
    let user = User {
        user_name: state.user_name.as_str().to_owned(),
        name: Name {
            formatted: state.name.formatted.clone(),
            family_name: state.name.family_name.clone(),
            given_name: state.name.given_name.clone(),
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
        other,
        extensions,
        custom,
    };
    user.to_json(&Meta {
        id: &state.id.to_string(),
        created: &state.created_at.to_string(),
        last_modified: &state.updated_at.to_string(),
        location: &location(state, base),
        version: state.version,
        groups: &state.groups,
    })
}

/// The address of a person's resource.
pub(super) fn location(state: &UserState, base: &str) -> String {
    format!("{base}/Users/{}", state.id)
}

fn is_core(name: &str) -> bool {
    USER.attributes.iter().any(|attribute| attribute.name == name)
}

fn is_urn(name: &str) -> bool {
    name.get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("urn:"))
}
