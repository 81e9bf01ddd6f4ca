//! The descriptions of dynamic client registration (RFC 7591, RFC 7592) and of initial access tokens.

use chassis::openapi::{ErrorFormat, ErrorType, Operation, Response};
use contract::paths::auth::{
    CLIENT_CONFIGURATION, CLIENT_REGISTRATION, INITIAL_ACCESS_TOKEN, INITIAL_ACCESS_TOKENS,
};
use http::Method;
use serde_json::{Value, json};

use crate::http::admin_initial_tokens::{InitialTokenList, InitialTokenView, NewInitialAccessToken};

/// Client metadata of RFC 7591 §2. What is not known is ignored.
fn metadata() -> Value {
    json!({
        "type": "object",
        "description": "Client metadata (RFC 7591 §2, OpenID Connect Registration §2). What is not known is ignored.",
        "properties": {
            "redirect_uris": { "type": "array", "items": { "type": "string" } },
            "client_name": { "type": ["string", "null"] },
            "grant_types": { "type": ["array", "null"], "items": { "type": "string" } },
            "response_types": { "type": ["array", "null"], "items": { "type": "string" } },
            "token_endpoint_auth_method": { "type": ["string", "null"] },
            "scope": { "type": ["string", "null"] },
        },
    })
}

/// A registration (RFC 7591 §3.2.1).
fn registration() -> Value {
    let mut schema = metadata();
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert("client_id".to_owned(), json!({ "type": "string" }));
        properties.insert("client_secret".to_owned(), json!({ "type": "string" }));
        properties.insert(
            "registration_access_token".to_owned(),
            json!({ "type": "string" }),
        );
        properties.insert("registration_client_uri".to_owned(), json!({ "type": "string" }));
    }
    schema
}

fn of_registration(operation: Operation) -> Operation {
    operation
        .format(ErrorFormat::OAuth)
        .error(ErrorType::oauth(
            401,
            "invalid_token",
            "the token is missing, used up, expired, or not the one of the registration",
        ))
        .error(ErrorType::problem(
            404,
            "not-found",
            "clients do not register themselves here",
        ))
        .error(ErrorType::oauth(500, "server_error", "the service failed"))
        .error(ErrorType::oauth(
            503,
            "temporarily_unavailable",
            "a part of the service is not available, or the client was changed at the same moment",
        ))
}

fn with_metadata(operation: Operation) -> Operation {
    operation
        .value("application/json", metadata())
        .error(ErrorType::oauth(
            400,
            "invalid_redirect_uri",
            "a redirect URI cannot be registered",
        ))
        .error(ErrorType::oauth(
            400,
            "invalid_client_metadata",
            "a member is not valid, or known and not supported",
        ))
        .error(ErrorType::oauth(
            400,
            "invalid_software_statement",
            "the software statement is malformed, forged or expired",
        ))
        .error(ErrorType::oauth(
            400,
            "unapproved_software_statement",
            "the issuer of the software statement is not trusted here",
        ))
}

pub(super) fn operations() -> Vec<Operation> {
    let named = |operation: Operation| {
        operation.path_parameter(
            "client_id",
            "The client.",
            json!({ "type": "string", "minLength": 1 }),
        )
    };
    let answer = |status, text| {
        Response::new(status, text)
            .value("application/json", registration())
            .header("Cache-Control", "`no-store`.")
    };
    vec![
        of_registration(with_metadata(Operation::new(
            Method::POST,
            CLIENT_REGISTRATION,
            "registerClient",
            "Registers a client (RFC 7591 §3)",
        )))
        .header(
            "Authorization",
            "`Bearer` and an initial access token, where one is needed.",
        )
        .response(answer(
            201,
            "The registration. Only this response has the secret.",
        ))
        .error(ErrorType::oauth(
            429,
            "temporarily_unavailable",
            "too many clients have registered in this hour, or in all",
        )),
        named(of_registration(Operation::new(
            Method::GET,
            CLIENT_CONFIGURATION,
            "readRegistration",
            "Returns the registration of a client (RFC 7592 §2.1)",
        )))
        .response(answer(200, "The registration, without the secret.")),
        named(of_registration(with_metadata(Operation::new(
            Method::PUT,
            CLIENT_CONFIGURATION,
            "replaceRegistration",
            "Replaces the metadata of a client (RFC 7592 §2.2)",
        ))))
        .response(answer(200, "The registration."))
        .error(ErrorType::oauth(
            400,
            "invalid_request",
            "client_id or client_secret is another one, or a member is there that only the server sets",
        )),
        named(of_registration(Operation::new(
            Method::DELETE,
            CLIENT_CONFIGURATION,
            "deleteRegistration",
            "Deletes a client and revokes its grants (RFC 7592 §2.3)",
        )))
        .response(Response::new(204, "It is deleted.")),
    ]
}

pub(super) fn initial_access_tokens() -> Vec<Operation> {
    vec![
        Operation::new(
            Method::GET,
            INITIAL_ACCESS_TOKENS,
            "listInitialAccessTokens",
            "Lists initial access tokens (RFC 7591 §3)",
        )
        .response(Response::new(200, "The tokens, the newest first.").json::<InitialTokenList>()),
        Operation::new(
            Method::POST,
            INITIAL_ACCESS_TOKENS,
            "createInitialAccessToken",
            "Makes an initial access token",
        )
        .description("Only this response has the token.")
        .json::<NewInitialAccessToken>()
        .response(Response::new(201, "The token.").json::<InitialTokenView>())
        .error(ErrorType::problem(409, "conflict", "there are too many tokens")),
        Operation::new(
            Method::DELETE,
            INITIAL_ACCESS_TOKEN,
            "deleteInitialAccessToken",
            "Deletes an initial access token",
        )
        .description("The clients that were registered with it stay.")
        .path_parameter("id", "The token.", json!({ "type": "string", "format": "uuid" }))
        .response(Response::new(204, "No client is registered with it any more.")),
    ]
}
