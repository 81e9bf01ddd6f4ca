//! The change of a password by PATCH, which is kept apart from the resource.

use serde_json::Value;

use crate::schema::{Attribute, Mutability};
use crate::user::Password;

/// The change of a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordChange {
    /// There is a new password.
    Set(Password),
    /// There is no password any more (RFC 7644 §3.5.2.2).
    Remove,
}

/// True if an attribute, of the extension `urn` or of the core schema, is the password (RFC 7643 §4.1.1).
pub(super) fn is_password(urn: &str, attribute: &Attribute) -> bool {
    urn.is_empty() && attribute.mutability == Mutability::WriteOnly && attribute.name == "password"
}

/// The value that earlier operations have left. None is known from before.
pub(super) fn value_of(change: Option<PasswordChange>) -> Option<Value> {
    match change {
        Some(PasswordChange::Set(password)) => Some(Value::from(password.expose())),
        Some(PasswordChange::Remove) | None => None,
    }
}

/// The change that leaves this value.
pub(super) fn change_of(value: Option<Value>) -> PasswordChange {
    match value {
        Some(Value::String(text)) => PasswordChange::Set(Password::new(text)),
        _ => PasswordChange::Remove,
    }
}
