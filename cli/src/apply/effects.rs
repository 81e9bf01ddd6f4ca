//! The effects of a step that its members do not show: what it takes from people and from the client.

use oidc::client::ClientMetadata;

use super::current::{Object, REGISTRATION};
use super::metadata::client_metadata;
use super::step::Kind;

/// The effects of the change of a client, in words.
pub(super) fn of_change(known: &Object, after: &ClientMetadata) -> Vec<String> {
    let before = client_metadata(&known.settings);
    let dropped = before
        .roles
        .keys()
        .filter(|role| !after.roles.contains_key(*role));
    let mut effects: Vec<String> = dropped
        .map(|role| format!("takes the role {role} from everybody who was given it"))
        .collect();
    if before.loses_access(after) {
        effects.push("revokes its access tokens".to_owned());
    }
    let uses_secret = |metadata: &ClientMetadata| metadata.token_endpoint_auth_method.uses_secret();
    if uses_secret(&before) && !uses_secret(after) {
        effects.push("deletes its secrets".to_owned());
    }
    if known.origin == REGISTRATION {
        effects.push("ends its registration access token".to_owned());
    }
    effects
}

/// The effects of the deletion of an object, in words.
pub(super) fn of_removal(kind: Kind) -> Vec<String> {
    let effects: &[&str] = match kind {
        Kind::Client => &[
            "revokes its tokens, and deletes its secrets",
            "deletes what people allowed it and the roles that they were given there",
        ],
        Kind::ProtectedHost => &["ends the sessions there"],
    };
    effects.iter().map(|&effect| effect.to_owned()).collect()
}
