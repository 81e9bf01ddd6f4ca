//! The descriptions of queries of all resource types.

use chassis::openapi::{ErrorFormat, Operation, Response};
use contract::paths::users::{SCIM, SCIM_SEARCH};
use http::Method;
use scim::MEDIA_TYPE;
use scim::schema::list_schema;
use serde_json::{Value, json};

use super::groups::group_schema;
use super::scim::{
    EXPIRED_CURSOR, INDEX_INCOMPLETE, INVALID_COUNT, INVALID_CURSOR, INVALID_FILTER, INVALID_SYNTAX,
    INVALID_VALUE, TOO_MANY, search_schema, user_schema,
};
use crate::http::scim::search::ListQuery;

const DESCRIPTION: &str = "RFC 7644 §3.4.2.1: users and then groups, as far as the scopes of the token allow to read them. A filter may \
compare `meta.resourceType`; an attribute that a type does not have has no value there. The result has no other order.";

pub(super) fn operations() -> Vec<Operation> {
    let list = Operation::new(Method::GET, SCIM, "listScim", "Lists users and groups")
        .description(DESCRIPTION)
        .query::<ListQuery>();
    let search = Operation::new(
        Method::POST,
        SCIM_SEARCH,
        "searchScim",
        "Lists users and groups, with the query in the body",
    )
    .description(DESCRIPTION)
    .value(MEDIA_TYPE, search_schema())
    .value("application/json", search_schema())
    .error(INVALID_SYNTAX);
    [list, search].map(described).into()
}

fn described(operation: Operation) -> Operation {
    let page = Response::new(200, "A page.").value(MEDIA_TYPE, list_schema(&resource_schema()));
    let errors = [
        INVALID_FILTER,
        TOO_MANY,
        INVALID_CURSOR,
        EXPIRED_CURSOR,
        INVALID_COUNT,
        INVALID_VALUE,
        INDEX_INCOMPLETE,
    ];
    errors
        .into_iter()
        .fold(operation.response(page), Operation::error)
        .tag("SCIM")
        .format(ErrorFormat::Scim)
}

fn resource_schema() -> Value {
    json!({ "anyOf": [user_schema(), group_schema()] })
}
