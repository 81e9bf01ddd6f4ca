//! Defaults of members of client metadata, and the forms in which they are read.

use std::collections::BTreeSet;

use serde::{Deserialize, Deserializer, de};
use serde_json::Value;

use super::GrantType;
use crate::jose::JwkSet;
use crate::scope::Scope;

pub(super) fn default_grant_types() -> BTreeSet<GrantType> {
    [GrantType::AuthorizationCode, GrantType::RefreshToken].into()
}

pub(super) fn default_scope() -> Scope {
    Scope::of(["openid", "profile", "email", "groups", "offline_access"]).unwrap_or_default()
}

pub(super) const fn default_require_pkce() -> bool {
    true
}

/// Null stands for a member that is left out, as in RFC 7592 §2.2.
pub(super) fn null_is_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// True if a member has its default. A member that an earlier release does not know is then not stored, so that it can read
/// the clients that do not use it.
pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

pub(super) fn grant_types<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeSet<GrantType>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_else(default_grant_types))
}

pub(super) fn scope<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Scope, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_else(default_scope))
}

pub(super) fn require_pkce<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_else(default_require_pkce))
}

/// Members of a key that are secret (RFC 7518 §6.2.2, §6.3.2, §6.4.1).
const SECRET_KEY_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// A key set without private and symmetric keys (OpenID Connect Registration §2, `jwks`).
pub(super) fn public_keys<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<JwkSet>, D::Error> {
    let Some(set) = Option::<Value>::deserialize(deserializer)? else {
        return Ok(None);
    };
    let keys = set.get("keys").and_then(Value::as_array);
    let is_secret = |key: &Value| SECRET_KEY_MEMBERS.iter().any(|name| key.get(name).is_some());
    if keys.is_some_and(|keys| keys.iter().any(is_secret)) {
        return Err(de::Error::custom(
            "expected public keys: a private or symmetric key must not be sent, and has to be replaced",
        ));
    }
    serde_json::from_value(set).map(Some).map_err(de::Error::custom)
}
