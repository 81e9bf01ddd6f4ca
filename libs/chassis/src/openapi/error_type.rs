//! The errors that an operation can answer: problem details (RFC 9457), OAuth errors (RFC 6749 §5.2), SCIM errors
//! (RFC 7644 §3.12) and error pages.

/// The start of the `type` of every problem.
pub(super) const TYPE_BASE: &str = "https://vestibule.dev/problems/";

/// The format of the errors of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ErrorFormat {
    /// `application/problem+json`.
    Problem,
    /// `application/json` with `error` and `error_description`.
    OAuth,
    /// `application/scim+json`.
    Scim,
    /// `text/html`.
    Page,
}

impl ErrorFormat {
    /// The media type.
    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Problem => "application/problem+json",
            Self::OAuth => "application/json",
            Self::Scim => "application/scim+json",
            Self::Page => "text/html",
        }
    }
}

/// One error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ErrorType {
    /// The status of the response.
    pub status: u16,
    /// The format of the body.
    pub format: ErrorFormat,
    /// The last part of `type`, `error`, or `scimType`. It is empty where the status says everything.
    pub name: &'static str,
    /// The condition under which it is answered, in words.
    pub when: &'static str,
}

macro_rules! problems {
    ($($(#[$doc:meta])* $constant:ident = $status:literal $name:literal $when:literal;)*) => {$(
        $(#[$doc])*
        pub const $constant: Self = Self::problem($status, $name, $when);
    )*};
}

impl ErrorType {
    problems! {
        /// 400 `bad-request`.
        BAD_REQUEST = 400 "bad-request" "the request cannot be read";
        /// 400 `malformed-json`.
        MALFORMED_JSON = 400 "malformed-json" "the body is not JSON";
        /// 401 `unauthorized`.
        UNAUTHORIZED = 401 "unauthorized" "the access token is missing, invalid, expired or revoked";
        /// 403 `forbidden`.
        FORBIDDEN = 403 "forbidden" "the access token lacks the scope, or its holder may not do this";
        /// 404 `not-found`.
        NOT_FOUND = 404 "not-found" "there is no such resource";
        /// 405 `method-not-allowed`.
        METHOD_NOT_ALLOWED = 405 "method-not-allowed" "the resource has no such method; `Allow` lists those that it has";
        /// 408 `timeout`.
        REQUEST_TIMEOUT = 408 "timeout" "the body took longer than `limits.body_timeout_seconds`";
        /// 409 `conflict`.
        CONFLICT = 409 "conflict" "the request conflicts with the state of the resource";
        /// 413 `body-too-large`.
        BODY_TOO_LARGE = 413 "body-too-large" "the body is longer than the limit";
        /// 415 `unsupported-media-type`.
        UNSUPPORTED_MEDIA_TYPE = 415 "unsupported-media-type" "the body has another media type";
        /// 422 `invalid-input`.
        INVALID_INPUT = 422 "invalid-input" "a field or parameter is missing, unknown or not valid; `errors` names it";
        /// 429 `too-many-requests`.
        TOO_MANY_REQUESTS = 429 "too-many-requests" "there were too many requests; `Retry-After` says when to try again";
        /// 500 `internal`.
        INTERNAL = 500 "internal" "the service failed; `trace_id` names the entry in its log";
        /// 503 `unavailable`.
        UNAVAILABLE = 503 "unavailable" "a part of the service is not available; `Retry-After` says when to try again";
        /// 503 `timeout`.
        TIMEOUT = 503 "timeout" "the request took longer than `limits.request_timeout_seconds`";
    }

    /// A problem (RFC 9457).
    pub const fn problem(status: u16, name: &'static str, when: &'static str) -> Self {
        Self {
            status,
            format: ErrorFormat::Problem,
            name,
            when,
        }
    }

    /// An OAuth error (RFC 6749 §5.2).
    pub const fn oauth(status: u16, name: &'static str, when: &'static str) -> Self {
        Self {
            format: ErrorFormat::OAuth,
            ..Self::problem(status, name, when)
        }
    }

    /// A SCIM error (RFC 7644 §3.12). `name` is its `scimType`, or empty.
    pub const fn scim(status: u16, name: &'static str, when: &'static str) -> Self {
        Self {
            format: ErrorFormat::Scim,
            ..Self::problem(status, name, when)
        }
    }

    /// An error page.
    pub const fn page(status: u16, when: &'static str) -> Self {
        Self {
            format: ErrorFormat::Page,
            ..Self::problem(status, "", when)
        }
    }

    /// The same error when it is not specific to the operation, in the format of the operation's errors.
    pub(super) fn in_format(self, format: ErrorFormat) -> Self {
        // RFC 7644 §3.12 has 400 and not 422.
        let status = match (format, self.status) {
            (ErrorFormat::Scim, 422) => 400,
            (_, status) => status,
        };
        // Only a problem has the member `errors`.
        let when = self.when.trim_end_matches("; `errors` names it");
        match format {
            ErrorFormat::Problem => self,
            _ => Self {
                status,
                format,
                name: "",
                when,
            },
        }
    }
}
