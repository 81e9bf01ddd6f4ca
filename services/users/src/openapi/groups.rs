//! The descriptions of `/scim/v2/Groups`.

use chassis::openapi::{ErrorFormat, ErrorType, Operation, Response};
use contract::paths::users::{SCIM_GROUP, SCIM_GROUPS, SCIM_GROUPS_SEARCH};
use http::Method;
use scim::MEDIA_TYPE;
use scim::schema::{Registry, list_schema};
use serde_json::Value;

use super::scim::{IF_MATCH, INVALID_SYNTAX, INVALID_VALUE, PRECONDITION, patch_schema, search_schema};
use crate::http::scim::groups::GroupQuery;
use crate::http::scim::resources::ResourceQuery;
use crate::http::scim::search::ListQuery;

const UNIQUENESS: ErrorType = ErrorType::scim(
    409,
    "uniqueness",
    "a group or a user has the name, or another group the `externalId`",
);
const TOO_LARGE: ErrorType = ErrorType::scim(
    413,
    "",
    "the request is too large, has more than 1000 operations, or adds and removes more than 10,000 members",
);
const MUTABILITY: ErrorType = ErrorType::scim(
    400,
    "mutability",
    "the attribute cannot be changed; `vestibule-admins` keeps its name",
);
const ADMINISTRATORS: ErrorType = ErrorType::scim(400, "mutability", "`vestibule-admins` cannot be deleted");

pub(super) fn operations() -> Vec<Operation> {
    let mut all = vec![list(), search(), create(), read()];
    all.extend(changes());
    all.into_iter()
        .map(|operation| operation.tag("SCIM").format(ErrorFormat::Scim))
        .collect()
}

pub(super) fn group_schema() -> Value {
    Registry::standard().groups().response_schema()
}

/// A response with a group.
fn group(status: u16, description: &'static str) -> Response {
    Response::new(status, description)
        .value(MEDIA_TYPE, group_schema())
        .header(
            "ETag",
            "The version of the resource, which a change of the members raises too.",
        )
        .header("Location", "The URL of the resource.")
}

fn body(operation: Operation, schema: &Value) -> Operation {
    operation
        .value(MEDIA_TYPE, schema.clone())
        .value("application/json", schema.clone())
        .query::<ResourceQuery>()
        .error(INVALID_VALUE)
        .error(INVALID_SYNTAX)
        .error(UNIQUENESS)
        .error(TOO_LARGE)
}

/// The responses and errors of both ways to query groups.
fn query(operation: Operation) -> Operation {
    operation
        .response(Response::new(200, "A page.").value(MEDIA_TYPE, list_schema(&group_schema())))
        .error(ErrorType::scim(
            400,
            "invalidFilter",
            "the filter is malformed, names what the client may not read, or compares members in another way than `eq`",
        ))
        .error(ErrorType::scim(
            400,
            "tooMany",
            "no index serves the filter or the order in a directory of this size; `detail` says what works",
        ))
        .error(ErrorType::scim(
            400,
            "invalidCursor",
            "the cursor is of another query",
        ))
        .error(ErrorType::scim(
            400,
            "expiredCursor",
            "the cursor is older than an hour",
        ))
        .error(ErrorType::scim(
            400,
            "invalidCount",
            "`count` beside a cursor is no number",
        ))
        .error(INVALID_VALUE)
}

fn list() -> Operation {
    let operation = Operation::new(Method::GET, SCIM_GROUPS, "listScimGroups", "Lists groups")
        .description(
            "A filter looks `id`, `displayName`, `externalId` and `members` up with `eq`, in directories of any size; `sortBy` is for at \
             most 10,000 groups. A group with more than 1000 members is listed without `members`. A page ends before `count` when its groups have \
             10,000 members together; the next one begins behind the last group.",
        )
        .query::<ListQuery>();
    query(operation)
}

fn search() -> Operation {
    let operation = Operation::new(
        Method::POST,
        SCIM_GROUPS_SEARCH,
        "searchScimGroups",
        "Lists groups, with the query in the body",
    )
    .description("RFC 7644 §3.4.3: as the list, with its parameters in the body.")
    .value(MEDIA_TYPE, search_schema())
    .value("application/json", search_schema());
    query(operation).error(INVALID_SYNTAX)
}

fn create() -> Operation {
    let schema = Registry::standard().groups().request_schema();
    body(
        Operation::new(Method::POST, SCIM_GROUPS, "createScimGroup", "Creates a group"),
        &schema,
    )
    .response(group(201, "The group."))
}

fn read() -> Operation {
    Operation::new(Method::GET, SCIM_GROUP, "readScimGroup", "Returns a group")
        .description(
            "`members` is left out of a group with more than 1000 members. With `membersCursor` or `membersCount` a page of them \
             is returned, and `Link` has the URL of the next one (RFC 8288).",
        )
        .query::<GroupQuery>()
        .header("If-None-Match", "A version that the client has.")
        .response(group(200, "The group."))
        .response(Response::new(304, "The client has this version."))
        .error(ErrorType::scim(400, "invalidCursor", "the cursor is of another group"))
        .error(ErrorType::scim(400, "invalidCount", "`membersCount` is no number from 1"))
        .error(INVALID_VALUE)
}

fn changes() -> Vec<Operation> {
    let schema = Registry::standard().groups().request_schema();
    vec![
        body(
            Operation::new(
                Method::PUT,
                SCIM_GROUP,
                "replaceScimGroup",
                "Replaces what is known of a group",
            ),
            &schema,
        )
        .description("Without `members` in the body the members stay (RFC 7644 §3.5.1); `[]` removes them.")
        .header(IF_MATCH.0, IF_MATCH.1)
        .response(group(200, "The group."))
        .error(PRECONDITION)
        .error(MUTABILITY),
        body(
            Operation::new(Method::PATCH, SCIM_GROUP, "patchScimGroup", "Changes a group"),
            &patch_schema(),
        )
        .description("Adds and removes members by value or by filter, in a group of any size.")
        .header(IF_MATCH.0, IF_MATCH.1)
        .response(
            Response::new(204, "The group is changed.")
                .header("ETag", "The version of the resource.")
                .header("Location", "The URL of the resource."),
        )
        .response(group(200, "The group, because the request names attributes."))
        .error(PRECONDITION)
        .error(MUTABILITY)
        .error(ErrorType::scim(
            400,
            "invalidPath",
            "a path is malformed, or names no attribute",
        ))
        .error(ErrorType::scim(
            400,
            "invalidFilter",
            "a path selects members in another way than by id",
        ))
        .error(ErrorType::scim(
            400,
            "noTarget",
            "a path selects nothing to operate on",
        )),
        Operation::new(Method::DELETE, SCIM_GROUP, "deleteScimGroup", "Deletes a group")
            .description("It is gone from the groups of its members at once, whatever its size.")
            .header(IF_MATCH.0, IF_MATCH.1)
            .response(Response::new(204, "The group is deleted."))
            .error(PRECONDITION)
            .error(ADMINISTRATORS),
    ]
}
