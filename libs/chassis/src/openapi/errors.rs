//! The errors of an operation: those that it names, and those that follow from its permission and from what it reads.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::error_type::{ErrorFormat, ErrorType, TYPE_BASE};
use super::operation::Operation;
use crate::routes::Permission;

/// The errors of an operation, in order.
pub(super) fn errors_of(operation: &Operation, permission: Permission) -> BTreeSet<ErrorType> {
    let common = |error: ErrorType| error.in_format(operation.format);
    // The layer around every route answers with problem details, whatever the route's own errors are.
    let mut errors = BTreeSet::from([
        ErrorType::BAD_REQUEST,
        ErrorType::INTERNAL,
        ErrorType::TIMEOUT,
        ErrorType::UNAVAILABLE,
    ]);
    errors.extend([common(ErrorType::INTERNAL), common(ErrorType::UNAVAILABLE)]);
    if permission.scope_name().is_some() {
        errors.extend([ErrorType::UNAUTHORIZED, ErrorType::FORBIDDEN].map(common));
    }
    if operation.unreadable.is_none() {
        errors.extend(of_what_is_read(operation).into_iter().map(common));
    }
    if operation.path.contains('{') {
        errors.insert(common(ErrorType::NOT_FOUND));
    }
    errors.extend(&operation.errors);
    errors
}

/// The errors of the extractors that read the query and the body.
fn of_what_is_read(operation: &Operation) -> Vec<ErrorType> {
    let mut errors = Vec::new();
    // SCIM refuses parameters that an endpoint does not have.
    if operation.query.is_some() || !operation.body.is_empty() || operation.format == ErrorFormat::Scim {
        errors.push(ErrorType::BAD_REQUEST);
    }
    if operation.query.is_some() {
        errors.push(ErrorType::INVALID_INPUT);
    }
    if operation.body.is_empty() {
        return errors;
    }
    errors.extend([ErrorType::BODY_TOO_LARGE, ErrorType::REQUEST_TIMEOUT]);
    if operation.format != ErrorFormat::OAuth {
        errors.push(ErrorType::INVALID_INPUT);
    }
    // A body that may be left out is read whatever its type is.
    if operation.format != ErrorFormat::OAuth && operation.body_required {
        errors.push(ErrorType::UNSUPPORTED_MEDIA_TYPE);
    }
    if operation.format == ErrorFormat::Problem {
        errors.push(ErrorType::MALFORMED_JSON);
    }
    errors
}

/// The description of a response with these errors: each sentence once. An error of the operation's format
/// that says no more than the problem of the layer around it is left out.
pub(super) fn in_words(errors: &[ErrorType]) -> String {
    let is_named = |when: &str| {
        errors
            .iter()
            .any(|error| error.when == when && !error.name.is_empty())
    };
    let mut said = BTreeSet::new();
    let sentences: Vec<String> = errors
        .iter()
        .filter(|error| !error.name.is_empty() || !is_named(error.when))
        .filter(|error| said.insert((error.name, error.when)))
        .map(|error| match error.name {
            "" => format!("{}.", capitalized(error.when)),
            name => format!("`{name}`: {}.", error.when),
        })
        .collect();
    sentences.join(" ")
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(char::to_uppercase).into_iter().flatten();
    first.chain(letters).collect()
}

/// The schema of the errors of one status and one format.
pub(super) fn schema_of(status: u16, format: ErrorFormat, names: &BTreeSet<&str>) -> Value {
    let names: Vec<&&str> = names.iter().filter(|name| !name.is_empty()).collect();
    match format {
        ErrorFormat::Page => json!({ "type": "string" }),
        ErrorFormat::Problem => {
            let types: Vec<String> = names.iter().map(|name| format!("{TYPE_BASE}{name}")).collect();
            json!({
                "allOf": [
                    { "$ref": "#/components/schemas/Problem" },
                    { "properties": { "type": { "enum": types }, "status": { "const": status } } },
                ],
            })
        }
        ErrorFormat::OAuth if names.is_empty() => json!({ "$ref": "#/components/schemas/OAuthError" }),
        ErrorFormat::OAuth => json!({
            "allOf": [
                { "$ref": "#/components/schemas/OAuthError" },
                { "properties": { "error": { "enum": names } } },
            ],
        }),
        ErrorFormat::Scim => json!({
            "allOf": [
                { "$ref": "#/components/schemas/ScimError" },
                { "properties": { "status": { "const": status.to_string() }, "scimType": { "enum": names } } },
            ],
        }),
    }
}

/// The schemas of the formats.
pub(super) fn components() -> Value {
    json!({
        "Problem": {
            "description": "A problem document (RFC 9457). `type` is stable.",
            "type": "object",
            "required": ["type", "title", "status"],
            "properties": {
                "type": { "type": "string", "format": "uri" },
                "title": { "type": "string" },
                "status": { "type": "integer", "minimum": 400, "maximum": 599 },
                "detail": { "description": "What happened this time.", "type": "string" },
                "errors": {
                    "description": "The fields that are not valid.",
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["field", "detail"],
                        "properties": { "field": { "type": "string" }, "detail": { "type": "string" } },
                    },
                },
                "trace_id": { "description": "The trace of a failure, as in `X-Request-Id`.", "type": "string" },
            },
        },
        "OAuthError": {
            "description": "An error of OAuth 2 (RFC 6749 §5.2).",
            "type": "object",
            "required": ["error"],
            "properties": {
                "error": { "type": "string" },
                "error_description": { "type": "string" },
            },
        },
        "ScimError": {
            "description": "An error of SCIM (RFC 7644 §3.12).",
            "type": "object",
            "required": ["schemas", "status"],
            "properties": {
                "schemas": { "const": ["urn:ietf:params:scim:api:messages:2.0:Error"] },
                "status": { "type": "string", "pattern": "^[45][0-9][0-9]$" },
                "scimType": { "type": "string" },
                "detail": { "type": "string" },
            },
        },
    })
}
