//! The description of `/scim/v2/Bulk`.

use chassis::openapi::{ErrorFormat, ErrorType, Operation, Response};
use contract::paths::users::SCIM_BULK;
use http::Method;
use scim::MEDIA_TYPE;
use scim::bulk::{BULK_REQUEST_URN, BULK_RESPONSE_URN};
use serde_json::{Value, json};

use super::scim::{INVALID_SYNTAX, INVALID_VALUE};

const TOO_LARGE: ErrorType = ErrorType::scim(
    413,
    "",
    "the request has more operations or bytes than `/ServiceProviderConfig` allows; `detail` names the limit",
);

const BUSY: ErrorType = ErrorType::scim(503, "", "other bulk requests are being run; see `Retry-After`");

pub(super) fn operations() -> Vec<Operation> {
    let operation = Operation::new(
        Method::POST,
        SCIM_BULK,
        "runScimBulk",
        "Changes many users and groups at once",
    )
    .description(
        "RFC 7644 §3.7. Each operation has its own result, needs the scope that it would need alone, and is rolled back alone when it \
         fails. `bulkId:…` refers to the resource of another operation. A result is reported after its commit. The status and \
         `response` of an operation that fails are those of the single request. Beside these, 409 without `scimType` is a `bulkId` \
         whose resource no operation has created, or a circle of references that cannot be resolved. Some failures end the request, \
         and the operations that are left get them as their results: 401 when the token is revoked or expires meanwhile, or its \
         client is deleted; 403 when the caller may not use the token any more, or nothing is delegated to them any more; 503 when \
         what is delegated is changed meanwhile, when nobody can tell for too long whether the token is revoked, when the request \
         takes too long, or when the database is not available; 500 when the database fails. After as many failures as \
         `failOnErrors` says, the operations that are left have no result.",
    )
    .value(MEDIA_TYPE, request_schema())
    .value("application/json", request_schema())
    .response(Response::new(200, "The results of the operations.").value(MEDIA_TYPE, response_schema()))
    .error(INVALID_SYNTAX)
    .error(INVALID_VALUE)
    .error(TOO_LARGE)
    .error(BUSY);
    vec![operation.tag("SCIM").format(ErrorFormat::Scim)]
}

fn request_schema() -> Value {
    let operation = json!({
        "type": "object",
        "required": ["method", "path"],
        "properties": {
            "method": { "type": "string", "description": "`POST`, `PUT`, `PATCH` or `DELETE`, in any case." },
            "bulkId": { "type": "string", "minLength": 1, "maxLength": 255, "description": "Required for `POST`." },
            "version": { "type": "string", "description": "The version that the resource must still have." },
            "path": { "type": "string", "description": "`/Users` or `/Groups` for `POST`, `/Users/ID` or `/Groups/ID` otherwise." },
            "data": { "type": "object", "description": "The body of the single request." },
        },
    });
    json!({
        "type": "object",
        "required": ["schemas", "Operations"],
        "properties": {
            "schemas": { "type": "array", "contains": { "const": BULK_REQUEST_URN }, "items": { "type": "string" } },
            "failOnErrors": { "type": ["integer", "null"], "minimum": 1 },
            "Operations": { "type": "array", "items": operation },
        },
    })
}

fn response_schema() -> Value {
    let result = json!({
        "type": "object",
        "required": ["method", "status"],
        "properties": {
            "method": { "type": "string", "enum": ["POST", "PUT", "PATCH", "DELETE"] },
            "bulkId": { "type": "string" },
            "location": { "type": "string", "description": "The URL of the resource, but for a creation that failed." },
            "version": { "type": "string" },
            "status": { "type": "string", "pattern": "^[1-5][0-9][0-9]$" },
            "response": { "type": "object", "description": "The error of an operation that failed." },
        },
    });
    json!({
        "type": "object",
        "required": ["schemas", "Operations"],
        "properties": {
            "schemas": { "type": "array", "contains": { "const": BULK_RESPONSE_URN }, "items": { "type": "string" } },
            "Operations": { "type": "array", "items": result },
        },
    })
}
