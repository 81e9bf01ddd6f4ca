//! The descriptions of `/scim/v2`.

use chassis::openapi::{ErrorFormat, ErrorType, Operation, Response};
use contract::paths::users::{
    SCIM_CONFIG, SCIM_ME, SCIM_RESOURCE_TYPE, SCIM_RESOURCE_TYPES, SCIM_SCHEMA, SCIM_SCHEMAS, SCIM_USER,
    SCIM_USERS, SCIM_USERS_SEARCH,
};
use http::Method;
use scim::MEDIA_TYPE;
use scim::patch::{MAX_OPERATIONS, PATCH_URN};
use scim::query::SEARCH_URN;
use scim::schema::{Registry, discovery_schema, list_schema};
use serde_json::{Value, json};

use crate::http::scim::resources::ResourceQuery;
use crate::http::scim::search::ListQuery;

pub(super) const INVALID_VALUE: ErrorType = ErrorType::scim(
    400,
    "invalidValue",
    "a value does not fit its attribute; `detail` names it",
);
pub(super) const INVALID_SYNTAX: ErrorType = ErrorType::scim(400, "invalidSyntax", "the body is no resource");
const UNIQUENESS: ErrorType = ErrorType::scim(
    409,
    "uniqueness",
    "another user has the user name or one that looks like it, the `externalId`, or the value of another unique attribute",
);
const TOO_MANY_TAKEN: ErrorType = ErrorType::scim(
    429,
    "",
    "a delegated administrator was told too often that a value is taken; see `Retry-After`",
);
const NO_CREDENTIALS: ErrorType = ErrorType::scim(
    503,
    "",
    "the authentication service does not take the password now, and nothing was changed; see `Retry-After`",
);
const TOO_LARGE: ErrorType = ErrorType::scim(413, "", "the request has more than 1000 operations");
const MUTABILITY: ErrorType = ErrorType::scim(400, "mutability", "an attribute cannot be changed");
pub(super) const PRECONDITION: ErrorType =
    ErrorType::scim(412, "", "the resource has another version than `If-Match` says");
const NO_FILTER: ErrorType = ErrorType::scim(403, "", "these documents cannot be filtered (RFC 7644 §4)");
pub(super) const INVALID_FILTER: ErrorType = ErrorType::scim(
    400,
    "invalidFilter",
    "the filter cannot be read, or names what the client may not read",
);
pub(super) const TOO_MANY: ErrorType = ErrorType::scim(
    400,
    "tooMany",
    "no index serves the search; `detail` names the attributes that have one",
);
pub(super) const INVALID_CURSOR: ErrorType =
    ErrorType::scim(400, "invalidCursor", "the cursor is of another search");
pub(super) const EXPIRED_CURSOR: ErrorType = ErrorType::scim(400, "expiredCursor", "the cursor is too old");
pub(super) const INVALID_COUNT: ErrorType =
    ErrorType::scim(400, "invalidCount", "`count` beside a cursor is no number");
pub(super) const INDEX_INCOMPLETE: ErrorType = ErrorType::scim(
    503,
    "",
    "the index is being built after an upgrade; see `Retry-After`",
);
pub(super) const IF_MATCH: (&str, &str) = ("If-Match", "The version that the resource must still have.");

pub(super) fn operations() -> Vec<Operation> {
    let mut all = users();
    all.extend(discovery());
    all.into_iter()
        .map(|operation| operation.tag("SCIM").format(ErrorFormat::Scim))
        .collect()
}

pub(super) fn user_schema() -> Value {
    Registry::standard().users().response_schema()
}

fn user_request_schema() -> Value {
    Registry::standard().users().request_schema()
}

/// The schema of a search by POST (RFC 7644 §3.4.3).
pub(super) fn search_schema() -> Value {
    let names = json!({ "type": "array", "items": { "type": "string" } });
    json!({
        "type": "object",
        "required": ["schemas"],
        "properties": {
            "schemas": { "type": "array", "contains": { "const": SEARCH_URN }, "items": { "type": "string" } },
            "attributes": names,
            "excludedAttributes": names,
            "filter": { "type": "string" },
            "sortBy": { "type": "string" },
            "sortOrder": { "type": "string", "enum": ["ascending", "descending"] },
            "startIndex": { "type": "integer" },
            "count": { "type": "integer" },
            "cursor": { "type": "string" },
        },
    })
}

/// The schema of a PATCH (RFC 7644 §3.5.2).
pub(super) fn patch_schema() -> Value {
    json!({
        "type": "object",
        "required": ["schemas", "Operations"],
        "properties": {
            "schemas": { "type": "array", "contains": { "const": PATCH_URN }, "items": { "type": "string" } },
            "Operations": {
                "type": "array",
                "minItems": 1,
                "maxItems": MAX_OPERATIONS,
                "items": {
                    "type": "object",
                    "required": ["op"],
                    "properties": {
                        "op": { "type": "string", "description": "`add`, `remove` or `replace`, in any case." },
                        "path": { "type": "string" },
                        "value": {},
                    },
                },
            },
        },
    })
}

/// A response with a user.
fn user(status: u16, description: &'static str) -> Response {
    Response::new(status, description)
        .value(MEDIA_TYPE, user_schema())
        .header("ETag", "The version of the resource.")
        .header("Location", "The URL of the resource.")
}

fn users() -> Vec<Operation> {
    let body_of = |operation: Operation, schema: Value| {
        operation
            .value(MEDIA_TYPE, schema.clone())
            .value("application/json", schema)
            .error(INVALID_VALUE)
            .error(INVALID_SYNTAX)
            .error(UNIQUENESS)
            .error(TOO_MANY_TAKEN)
            .error(NO_CREDENTIALS)
    };
    let body = |operation: Operation| body_of(operation, user_request_schema()).query::<ResourceQuery>();
    vec![
        Operation::new(
            Method::GET,
            SCIM_USERS,
            "listScimUsers",
            "Lists users, or finds one by user name",
        )
        .description(
            "A page by index, or by cursor when `cursor` is there (RFC 9865). A search that no index serves is answered with \
             `tooMany` in a large directory.",
        )
        .query::<ListQuery>()
        .response(Response::new(200, "A page.").value(MEDIA_TYPE, list_schema(&user_schema())))
        .error(INVALID_FILTER)
        .error(TOO_MANY)
        .error(INVALID_CURSOR)
        .error(EXPIRED_CURSOR)
        .error(INVALID_COUNT)
        .error(INVALID_VALUE)
        .error(INDEX_INCOMPLETE),
        Operation::new(
            Method::POST,
            SCIM_USERS_SEARCH,
            "searchScimUsers",
            "Lists users, with the query in the body",
        )
        .description("RFC 7644 §3.4.3: as the list, without personal data in the URL.")
        .value(MEDIA_TYPE, search_schema())
        .value("application/json", search_schema())
        .response(Response::new(200, "A page.").value(MEDIA_TYPE, list_schema(&user_schema())))
        .error(INVALID_SYNTAX)
        .error(INVALID_FILTER)
        .error(TOO_MANY)
        .error(INVALID_CURSOR)
        .error(EXPIRED_CURSOR)
        .error(INVALID_COUNT)
        .error(INVALID_VALUE)
        .error(INDEX_INCOMPLETE),
        Operation::new(Method::GET, SCIM_ME, "readScimMe", "Returns the user whose token it is")
            .query::<ResourceQuery>()
            .response(user(200, "The user."))
            .error(INVALID_VALUE),
        body(Operation::new(
            Method::POST,
            SCIM_USERS,
            "createScimUser",
            "Creates a user",
        ))
        .response(user(201, "The user."))
        .error(MUTABILITY),
        Operation::new(Method::GET, SCIM_USER, "readScimUser", "Returns a user")
            .header("If-None-Match", "A version that the client has.")
            .query::<ResourceQuery>()
            .response(user(200, "The user."))
            .response(Response::new(304, "The client has this version."))
            .error(INVALID_VALUE),
        body(Operation::new(
            Method::PUT,
            SCIM_USER,
            "replaceScimUser",
            "Replaces what is known of a user",
        ))
        .description(
            "`\"active\": false` disables the user, who is signed out everywhere within five seconds.",
        )
        .header(IF_MATCH.0, IF_MATCH.1)
        .response(user(200, "The user."))
        .error(MUTABILITY)
        .error(PRECONDITION),
        body_of(
            Operation::new(Method::PATCH, SCIM_USER, "modifyScimUser", "Changes parts of what is known of a user"),
            patch_schema(),
        )
        .description(
            "The operations of RFC 7644 §3.5.2 are applied all or not at all. The forms that Microsoft Entra ID and Okta send \
             are read too. Without an effect there is no new version.",
        )
        .header(IF_MATCH.0, IF_MATCH.1)
        .query::<ResourceQuery>()
        .response(user(200, "The user."))
        .error(MUTABILITY)
        .error(ErrorType::scim(400, "invalidPath", "the path of an operation names no attribute"))
        .error(ErrorType::scim(400, "invalidFilter", "the filter in a path cannot be read"))
        .error(ErrorType::scim(400, "noTarget", "an operation has nothing to operate on"))
        .error(TOO_LARGE)
        .error(PRECONDITION),
        Operation::new(Method::DELETE, SCIM_USER, "deleteScimUser", "Deletes a user")
            .header(IF_MATCH.0, IF_MATCH.1)
            .response(Response::new(204, "The user is deleted."))
            .error(PRECONDITION),
    ]
}

fn discovery() -> Vec<Operation> {
    let one = || Response::new(200, "The document.").value(MEDIA_TYPE, discovery_schema());
    let all = || Response::new(200, "The documents.").value(MEDIA_TYPE, list_schema(&discovery_schema()));
    let named = |operation: Operation| {
        operation.path_parameter(
            "id",
            "The id of the document.",
            json!({ "type": "string", "minLength": 1 }),
        )
    };
    vec![
        Operation::new(
            Method::GET,
            SCIM_CONFIG,
            "readServiceProviderConfig",
            "Returns what the server supports",
        )
        .response(one())
        .error(NO_FILTER)
        .unreadable_is(403),
        Operation::new(
            Method::GET,
            SCIM_RESOURCE_TYPES,
            "listResourceTypes",
            "Lists the resource types",
        )
        .response(all())
        .error(NO_FILTER)
        .unreadable_is(403),
        named(Operation::new(
            Method::GET,
            SCIM_RESOURCE_TYPE,
            "readResourceType",
            "Returns a resource type",
        ))
        .response(one())
        .unreadable_is(404),
        Operation::new(Method::GET, SCIM_SCHEMAS, "listSchemas", "Lists the schemas")
            .response(all())
            .error(NO_FILTER)
            .unreadable_is(403),
        named(Operation::new(
            Method::GET,
            SCIM_SCHEMA,
            "readSchema",
            "Returns a schema",
        ))
        .response(one())
        .unreadable_is(404),
    ]
}
