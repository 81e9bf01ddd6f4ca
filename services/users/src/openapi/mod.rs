//! The description of this service's HTTP API (OpenAPI 3.1).

mod admin_users;
mod bulk;
mod delegations;
mod deleted_users;
mod groups;
mod imports;
mod provisioning_clients;
mod root;
mod scim;
mod user;

#[cfg(test)]
mod tests;

use chassis::openapi::{Api, PublishedPaths, SecurityVocabulary};
use contract::paths::{DOCS, DOCS_STYLE, OPENAPI};
use contract::scopes;

/// The paths at which the description is published.
pub(crate) const PATHS: PublishedPaths = PublishedPaths {
    document: OPENAPI,
    page: DOCS,
    style: DOCS_STYLE,
};

const DESCRIPTION: &str = "The user service owns who people are: names, e-mail addresses, attributes, groups, and whether \
a user name is free.\n\nA request carries an access token of the authentication service that is meant for this service \
(RFC 6750). Under `/scim/v2/Users` and `/scim/v2/Groups` the token of a provisioning client is \
accepted too, and so is that of a person with the scope `directory:delegated`, for what was delegated to them. Errors are problem details (RFC 9457), under `/scim/v2` SCIM errors (RFC 7644 §3.12). A method that a path does \
not have is answered with 405 and `Allow`.";

const TAGS: [(&str, &str); 11] = [
    ("User", "The record of the person whose token it is."),
    ("SCIM", "The directory for other programs (RFC 7644)."),
    (
        "Administration",
        "The users who were deleted and can be restored.",
    ),
    ("Import", "Users and groups for another installation, and of one."),
    provisioning_clients::TAG,
    delegations::TAG,
    events::EVENTS_TAG,
    events::OPERATIONS_TAG,
    webhooks::WEBHOOKS_TAG,
    provisioning::PROVISIONING_TAG,
    ("Service", "The descriptions of the service itself."),
];

/// The description of the API.
pub(crate) fn api() -> Api {
    let mut operations = user::operations();
    operations.extend(admin_users::operations());
    operations.extend(scim::operations());
    operations.extend(groups::operations());
    operations.extend(root::operations());
    operations.extend(bulk::operations());
    operations.extend(imports::operations());
    operations.extend(provisioning_clients::operations());
    operations.extend(deleted_users::operations());
    operations.extend(delegations::operations());
    operations.extend(events::described_operations());
    operations.extend(webhooks::described_operations());
    operations.extend(provisioning::described_operations());
    operations.extend(chassis::openapi::published_operations(PATHS));
    Api {
        title: "Vestibule: user service",
        description: DESCRIPTION,
        tags: &TAGS,
        operations,
        security: SecurityVocabulary {
            code_scopes: scopes::OF_CODES,
            client_scopes: scopes::OF_CLIENTS,
            session_cookie: scopes::SESSION_COOKIE,
        },
        examples: include_str!("../../openapi-examples.json"),
    }
}
