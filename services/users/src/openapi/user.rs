//! The descriptions of `/user` and `/registrations`.

use chassis::openapi::{ErrorType, Operation, Response};
use contract::UserState;
use contract::paths::users::{PERSONAL_DATA, PROTECTED_RESOURCE, REGISTRATIONS, USER};
use http::Method;
use oidc::discovery::ProtectedResourceMetadata;
use serde_json::{Value, json};

use crate::http::registrations::{Command, RegistrationResponse};
use crate::personal_data::PersonalData;

const VERSION: (&str, &str) = ("ETag", "The version of the record.");

/// The schema of the changes that a person may make. `null` takes a value away.
fn patch() -> Value {
    let text = json!({ "type": ["string", "null"] });
    json!({
        "type": "object",
        "properties": {
            "name": {
                "type": ["object", "null"],
                "properties": {
                    "given_name": text, "family_name": text, "formatted": text,
                    "middle_name": text, "honorific_prefix": text, "honorific_suffix": text,
                },
                "additionalProperties": false,
            },
            "locale": text,
            "zoneinfo": text,
            "attributes": { "type": ["object", "null"] },
        },
        "additionalProperties": false,
    })
}

pub(super) fn operations() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::GET,
            PROTECTED_RESOURCE,
            "readProtectedResource",
            "Returns the metadata of the service as a protected resource (RFC 9728)",
        )
        .tag("Service")
        .description("It names the authorization server, the scopes, and how a token is sent.")
        .response(Response::new(200, "The metadata.").json::<ProtectedResourceMetadata>()),
        Operation::new(Method::GET, USER, "readUser", "Returns the user's own record")
            .tag("User")
            .description(
                "Right after a sign-up the record may not have arrived: the request then waits two seconds at most, and \
                 answers 503 after that.",
            )
            .response(Response::new(200, "The record.").json::<UserState>().header(VERSION.0, VERSION.1)),
        Operation::new(Method::PATCH, USER, "changeUser", "Changes the user's own record")
            .tag("User")
            .description("A JSON merge patch (RFC 7396) of `name`, `locale`, `zoneinfo` and `attributes`.")
            .header("If-Match", "Changes the record only if it still has this version.")
            .value("application/json", patch())
            .value("application/merge-patch+json", patch())
            .response(Response::new(200, "The new record.").json::<UserState>().header(VERSION.0, VERSION.1))
            .error(ErrorType::problem(412, "precondition-failed", "the record has another version than `If-Match` says")),
        Operation::new(Method::POST, REGISTRATIONS, "register", "Registers a person")
            .tag("User")
            .description(
                "Only for the authentication service, which drives registrations; other programs use SCIM. The same `id` \
                 gets the same answer however often it is sent.",
            )
            .json::<Command>()
            .response(Response::new(200, "What was decided.").json::<RegistrationResponse>())
            .error(ErrorType::problem(410, "gone", "the person was deleted since")),
        Operation::new(
            Method::GET,
            PERSONAL_DATA,
            "exportPersonalData",
            "Returns what this service holds about one person",
        )
        .tag("User")
        .description("For the answer to a request for access. The authentication service has its own.")
        .response(
            Response::new(200, "Everything.")
                .json::<PersonalData>()
                .header("Cache-Control", "`no-store`"),
        ),
    ]
}
