//! SCIM error responses (RFC 7644 §3.12).

use serde_json::{Value, json};

/// The schema URN of an error response.
pub const ERROR_URN: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// `scimType`: the keyword of an error (RFC 7644 §3.12, table 9; RFC 9865 §2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScimType {
    /// The filter is malformed or not supported.
    InvalidFilter,
    /// There are more results than the server returns.
    TooMany,
    /// A unique value is already in use.
    Uniqueness,
    /// The attribute cannot be changed.
    Mutability,
    /// The body has the wrong structure.
    InvalidSyntax,
    /// The path of a PATCH operation is malformed, or names no attribute.
    InvalidPath,
    /// The path of a PATCH operation selects nothing to operate on.
    NoTarget,
    /// A value is missing or does not fit its attribute.
    InvalidValue,
    /// The SCIM version in the URL is not supported.
    InvalidVers,
    /// The request would have personal data in its URL; a search by POST does not (RFC 7644 §7.5.2).
    Sensitive,
    /// The cursor belongs to another query.
    InvalidCursor,
    /// The cursor was given out too long ago.
    ExpiredCursor,
    /// The number of results of a page is out of bounds.
    InvalidCount,
}

impl ScimType {
    /// The keyword as in `scimType`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidFilter => "invalidFilter",
            Self::TooMany => "tooMany",
            Self::Uniqueness => "uniqueness",
            Self::Mutability => "mutability",
            Self::InvalidSyntax => "invalidSyntax",
            Self::InvalidValue => "invalidValue",
            Self::InvalidPath => "invalidPath",
            Self::NoTarget => "noTarget",
            Self::InvalidVers => "invalidVers",
            Self::Sensitive => "sensitive",
            Self::InvalidCursor => "invalidCursor",
            Self::ExpiredCursor => "expiredCursor",
            Self::InvalidCount => "invalidCount",
        }
    }
}

/// A SCIM error response.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Error {
    /// The HTTP status.
    pub status: u16,
    /// `scimType`, if the standard has a keyword.
    pub scim_type: Option<ScimType>,
    /// `detail`: the reason, for developers. It names the attribute.
    pub detail: String,
}

impl Error {
    /// An error with `status` and without a keyword.
    pub fn new(status: u16, detail: impl Into<String>) -> Self {
        Self {
            status,
            scim_type: None,
            detail: detail.into(),
        }
    }

    fn typed(status: u16, scim_type: ScimType, detail: impl Into<String>) -> Self {
        Self {
            status,
            scim_type: Some(scim_type),
            detail: detail.into(),
        }
    }

    /// 400 `invalidSyntax`: the body has the wrong structure.
    pub fn invalid_syntax(detail: impl Into<String>) -> Self {
        Self::typed(400, ScimType::InvalidSyntax, detail)
    }

    /// 400 `invalidValue`: the value of the attribute at `path` does not fit.
    pub fn invalid_value(path: &str, reason: impl std::fmt::Display) -> Self {
        Self::typed(400, ScimType::InvalidValue, format!("{path}: {reason}"))
    }

    /// 400 `invalidFilter`.
    pub fn invalid_filter(detail: impl Into<String>) -> Self {
        Self::typed(400, ScimType::InvalidFilter, detail)
    }

    /// 400 `mutability`: the attribute at `path` cannot be changed here.
    pub fn mutability(path: &str, reason: impl std::fmt::Display) -> Self {
        Self::typed(400, ScimType::Mutability, format!("{path}: {reason}"))
    }

    /// 400 `invalidPath`.
    pub fn invalid_path(detail: impl Into<String>) -> Self {
        Self::typed(400, ScimType::InvalidPath, detail)
    }

    /// 400 `noTarget`: the path of an operation is missing, or selects nothing.
    pub fn no_target(detail: impl Into<String>) -> Self {
        Self::typed(400, ScimType::NoTarget, detail)
    }

    /// 400 `tooMany`: the query would have more results, or cost more, than the server allows. `hint` says what works.
    pub fn too_many(hint: impl Into<String>) -> Self {
        Self::typed(400, ScimType::TooMany, hint)
    }

    /// 400 `invalidVers`: the protocol version in the URL.
    pub fn invalid_version() -> Self {
        Self::typed(
            400,
            ScimType::InvalidVers,
            "this server has version 2 of SCIM: /scim/v2",
        )
    }

    /// 403 `sensitive`: personal data in a URL (RFC 7644 §7.5.2).
    pub fn sensitive(detail: impl Into<String>) -> Self {
        Self::typed(403, ScimType::Sensitive, detail)
    }

    /// 400 `invalidCursor` (RFC 9865 §2.1).
    pub fn invalid_cursor() -> Self {
        let detail = "cursor: belongs to another query; begin with an empty one";
        Self::typed(400, ScimType::InvalidCursor, detail)
    }

    /// 400 `expiredCursor` (RFC 9865 §2.1): a cursor is valid for `seconds`.
    pub fn expired_cursor(seconds: u64) -> Self {
        let detail = format!("cursor: is older than {seconds} seconds; begin with an empty one");
        Self::typed(400, ScimType::ExpiredCursor, detail)
    }

    /// 400 `invalidCount` (RFC 9865 §2.1).
    pub fn invalid_count(detail: impl Into<String>) -> Self {
        Self::typed(400, ScimType::InvalidCount, detail)
    }

    /// 413: the request is larger than `limit`, which the detail names (RFC 7644 §3.7.4).
    pub fn payload_too_large(limit: impl Into<String>) -> Self {
        Self::new(413, limit)
    }

    /// 409 `uniqueness`: the value of the attribute at `path` is already in use.
    pub fn uniqueness(path: &str) -> Self {
        Self::typed(
            409,
            ScimType::Uniqueness,
            format!("{path}: another resource has this value"),
        )
    }

    /// 404: no such resource.
    pub fn not_found() -> Self {
        Self::new(404, "no such resource")
    }

    /// 412: the resource has another version than `If-Match` requires (RFC 7644 §3.14).
    pub fn precondition_failed() -> Self {
        Self::new(412, "the resource was changed meanwhile; read it again")
    }

    /// 404: no such endpoint.
    pub fn no_such_endpoint() -> Self {
        Self::new(
            404,
            "no such endpoint; see /scim/v2/ResourceTypes for those there are",
        )
    }

    /// 405: the endpoint does not have this method.
    pub fn method_not_allowed() -> Self {
        Self::new(
            405,
            "not a method of this endpoint; see /scim/v2/ServiceProviderConfig",
        )
    }

    /// 415: the body has another media type than SCIM (RFC 7644 §3.1).
    pub fn unsupported_media_type() -> Self {
        Self::new(415, "Content-Type must be application/scim+json")
    }

    /// An error of HTTP with its status. RFC 7644 §3.12 has 400 and no 422.
    pub fn of_status(status: u16, detail: impl Into<String>) -> Self {
        Self::new(if status == 422 { 400 } else { status }, detail)
    }

    /// The JSON body: `schemas`, `status` (a string), `scimType`, `detail`.
    pub fn to_json(&self) -> Value {
        let mut body = json!({
            "schemas": [ERROR_URN],
            "status": self.status.to_string(),
            "detail": self.detail,
        });
        if let (Some(scim_type), Some(members)) = (self.scim_type, body.as_object_mut()) {
            members.insert("scimType".to_owned(), scim_type.as_str().into());
        }
        body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_has_the_status_and_the_keyword_of_the_standard() {
        // RFC 7644 §3.12, tables 8 and 9; RFC 9865 §2.1
        for (error, status, scim_type) in [
            (Error::invalid_syntax("x"), 400, Some("invalidSyntax")),
            (Error::invalid_value("x", "y"), 400, Some("invalidValue")),
            (Error::invalid_filter("x"), 400, Some("invalidFilter")),
            (Error::mutability("x", "y"), 400, Some("mutability")),
            (Error::uniqueness("x"), 409, Some("uniqueness")),
            (Error::invalid_path("x"), 400, Some("invalidPath")),
            (Error::no_target("x"), 400, Some("noTarget")),
            (Error::too_many("x"), 400, Some("tooMany")),
            (Error::invalid_version(), 400, Some("invalidVers")),
            (Error::sensitive("x"), 403, Some("sensitive")),
            (Error::invalid_cursor(), 400, Some("invalidCursor")),
            (Error::expired_cursor(600), 400, Some("expiredCursor")),
            (Error::invalid_count("x"), 400, Some("invalidCount")),
            (Error::payload_too_large("x"), 413, None),
            (Error::not_found(), 404, None),
            (Error::no_such_endpoint(), 404, None),
            (Error::method_not_allowed(), 405, None),
            (Error::precondition_failed(), 412, None),
            (Error::unsupported_media_type(), 415, None),
            (Error::of_status(422, "x"), 400, None),
            (Error::of_status(401, "x"), 401, None),
            (Error::of_status(503, "x"), 503, None),
        ] {
            let body = error.to_json();
            assert_eq!(body["status"], status.to_string(), "{error}");
            assert_eq!(body.get("scimType").and_then(Value::as_str), scim_type, "{error}");
        }
    }

    #[test]
    fn an_error_looks_as_in_rfc_7644_3_12() {
        assert_eq!(
            Error::mutability("id", "is read-only").to_json(),
            json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
                "scimType": "mutability",
                "detail": "id: is read-only",
                "status": "400",
            })
        );
        assert_eq!(Error::not_found().to_json().get("scimType"), None);
    }
}
