//! The description of this service's HTTP API (OpenAPI 3.1).

mod administration;
mod authorization;
mod clients;
mod forward_auth;
mod managed;
mod oauth;
mod pages;
mod registration;

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

const DESCRIPTION: &str = "The authentication service signs people in and gives tokens to applications.\n\nThe endpoints \
of OAuth 2 and OpenID Connect have the errors of these standards; pages have error pages; everything else has problem \
details (RFC 9457). A method that a path does not have is answered with 405 and `Allow`.";

const TAGS: [(&str, &str); 9] = [
    (
        "OAuth 2 and OpenID Connect",
        "The endpoints of the standards, for applications.",
    ),
    (
        "Direct sign-in",
        "For applications of your own, command lines and tests.",
    ),
    ("Administration", "Accounts, clients and signing keys."),
    (
        "Forward authentication",
        "For reverse proxies that ask about each request to a protected host, and the registration of these hosts.",
    ),
    (
        "Declarative files",
        "The clients and protected hosts that files of `vestibule apply` manage.",
    ),
    events::EVENTS_TAG,
    events::OPERATIONS_TAG,
    webhooks::WEBHOOKS_TAG,
    (
        "Service",
        "The descriptions of the service itself, and its pages for people.",
    ),
];

/// The description of the API.
pub(crate) fn api() -> Api {
    let mut operations = oauth::operations();
    operations.extend(administration::operations());
    operations.extend(forward_auth::operations());
    operations.extend(managed::operations());
    operations.extend(events::described_operations());
    operations.extend(webhooks::described_operations());
    operations.extend(pages::operations());
    operations.extend(chassis::openapi::published_operations(PATHS));
    Api {
        title: "Vestibule: authentication service",
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
