//! The metadata of clients, compared in the form in which this version writes it.

use chassis::http::PublicUrl;
use oidc::client::{ClientMetadata, extended_members};
use serde_json::{Map, Value, json};

/// A member of the metadata that this version does not know.
pub(super) fn unknown_member(settings: &Map<String, Value>) -> Option<&String> {
    let members = extended_members("");
    settings
        .keys()
        .find(|name| !members.contains(&name.as_str()) || !is_readable(settings, name))
}

fn is_readable(settings: &Map<String, Value>, name: &str) -> bool {
    let value = settings.get(name).cloned().unwrap_or_default();
    serde_json::from_value::<ClientMetadata>(json!({ name: value })).is_ok()
}

/// The metadata of a client, as far as this version knows its members.
pub(super) fn client_metadata(settings: &Map<String, Value>) -> ClientMetadata {
    let members = extended_members("");
    let mut known = settings.clone();
    known.retain(|name, _| members.contains(&name.as_str()) && is_readable(settings, name));
    serde_json::from_value(Value::Object(known)).unwrap_or_default()
}

/// The metadata in the form in which this version writes it.
pub(super) fn client_settings(settings: &Map<String, Value>) -> Map<String, Value> {
    to_map(&client_metadata(settings))
}

/// All members of the metadata.
pub(super) fn to_map(metadata: &ClientMetadata) -> Map<String, Value> {
    match serde_json::to_value(metadata) {
        Ok(Value::Object(map)) => map,
        _ => Map::new(),
    }
}

/// The service writes the URLs of its own audiences in the form that tokens have. An audience that has this form there is left so. A
/// slash at the end of a path makes another resource.
pub(super) fn keep_forms(metadata: &mut ClientMetadata, before: &Map<String, Value>) {
    let Ok(before) = serde_json::from_value::<ClientMetadata>(Value::Object(before.clone())) else {
        return;
    };
    let is_form_of = |known: &str, audience: &str| {
        PublicUrl::parse(audience).is_ok_and(|url| {
            let has_path = url.as_str().matches('/').count() > 2;
            url.as_str() == known && !(has_path && audience.ends_with('/'))
        })
    };
    for audience in metadata.audiences.iter_mut().chain(metadata.resource.as_mut()) {
        let known = before.audiences.iter().chain(before.resource.as_ref());
        let form = known
            .clone()
            .find(|known| is_form_of(known.as_str(), audience.as_str()));
        if let Some(form) = form {
            *audience = form.clone();
        }
    }
}
