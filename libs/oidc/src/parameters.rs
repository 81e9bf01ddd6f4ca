//! The parameters of the protocol's requests as JSON Schemas, for descriptions of the API. The parsers of this crate read
//! them one by one, so they are no types.

use serde_json::{Map, Value, json};

use crate::authorize::ResponseMode;
use crate::client::GrantType;
use crate::exchange::TYPE_ACCESS_TOKEN;

/// Name, schema, and what it is.
type Parameter = (&'static str, Value, &'static str);

fn text() -> Value {
    json!({ "type": "string" })
}

fn resource() -> Parameter {
    let schema = json!({ "type": "string", "format": "uri" });
    (
        "resource",
        schema,
        "A service that the tokens are for (RFC 8707 §2). It may be repeated.",
    )
}

fn object(parameters: Vec<Parameter>, required: &[&str]) -> Value {
    let properties: Map<String, Value> = parameters
        .into_iter()
        .map(|(name, mut schema, description)| {
            if let Some(members) = schema.as_object_mut() {
                members.insert("description".to_owned(), json!(description));
            }
            (name.to_owned(), schema)
        })
        .collect();
    json!({ "type": "object", "properties": properties, "required": required })
}

/// An authorization request (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1).
pub fn authorization_request() -> Value {
    let parameters = vec![
        (
            "response_type",
            json!({ "const": "code" }),
            "`code` is the only one.",
        ),
        ("client_id", text(), "The client."),
        (
            "redirect_uri",
            text(),
            "Where the code is sent; one of those that are registered.",
        ),
        (
            "scope",
            text(),
            "The scopes that are asked for, with spaces between them.",
        ),
        (
            "response_mode",
            json!({ "enum": ResponseMode::NAMES }),
            "The way in which the response reaches the client: in the query, in a form that the browser posts, or signed \
             (JARM). `query` by default.",
        ),
        ("state", text(), "It is returned unchanged."),
        ("nonce", text(), "It is in the ID token."),
        (
            "code_challenge",
            text(),
            "The challenge of the proof key (RFC 7636 §4.2).",
        ),
        (
            "code_challenge_method",
            json!({ "const": "S256" }),
            "`S256` is the only one.",
        ),
        (
            "dpop_jkt",
            text(),
            "The thumbprint of the key that the code is bound to (RFC 9449 §10).",
        ),
        (
            "prompt",
            text(),
            "`none`, `login`, `consent`, `select_account` or `create`.",
        ),
        (
            "max_age",
            json!({ "type": "integer", "minimum": 0 }),
            "Seconds since the person has authenticated, at most.",
        ),
        (
            "acr_values",
            text(),
            "The classes of the authentication that are preferred, with spaces between them.",
        ),
        (
            "ui_locales",
            text(),
            "The languages that the person prefers, with spaces between them.",
        ),
        (
            "claims",
            text(),
            "Single claims for the ID token and for userinfo, as JSON (OpenID Connect Core §5.5).",
        ),
        (
            "authorization_details",
            text(),
            "What the client wants to do, as a JSON array of objects with a `type` (RFC 9396).",
        ),
        ("login_hint", text(), "The user name to suggest."),
        (
            "id_token_hint",
            text(),
            "An ID token of the person who is expected.",
        ),
        resource(),
        (
            "request",
            text(),
            "A request object: the request as a JWT that the client has signed (RFC 9101). Only `client_id` counts beside it.",
        ),
        (
            "request_uri",
            text(),
            "The request URI of a pushed request (RFC 9126 §4). Only `client_id` counts beside it.",
        ),
    ];
    object(parameters, &["client_id"])
}

/// A pushed authorization request (RFC 9126 §2.1): that of the authorization endpoint, with the authentication of the client.
pub fn pushed_authorization_request() -> Value {
    let mut request = authorization_request();
    if let Some(properties) = request.get_mut("properties").and_then(Value::as_object_mut) {
        let secret = json!({ "type": "string", "description": "Its secret (`client_secret_post`)." });
        properties.insert("client_secret".to_owned(), secret);
        properties.remove("request_uri");
    }
    if let Some(required) = request.get_mut("required") {
        *required = json!(["response_type"]);
    }
    request
}

/// A device authorization request (RFC 8628 §3.1).
pub fn device_authorization_request() -> Value {
    let parameters = vec![
        (
            "scope",
            text(),
            "The scopes that are asked for, with spaces between them.",
        ),
        resource(),
        (
            "client_id",
            text(),
            "The client, if it does not authenticate with a header.",
        ),
        ("client_secret", text(), "Its secret (`client_secret_post`)."),
    ];
    object(parameters, &[])
}

/// A token request (RFC 6749 §3.2).
pub fn token_request() -> Value {
    let grants = json!({ "enum": GrantType::ALL.map(GrantType::name) });
    let parameters = vec![
        ("grant_type", grants, "What the tokens are issued for."),
        ("code", text(), "The code (RFC 6749 §4.1.3)."),
        ("redirect_uri", text(), "That of the authorization request."),
        ("code_verifier", text(), "The proof key (RFC 7636 §4.5)."),
        ("refresh_token", text(), "The refresh token (RFC 6749 §6)."),
        ("device_code", text(), "The device code (RFC 8628 §3.4)."),
        (
            "subject_token",
            text(),
            "The access token of the user, to be exchanged (RFC 8693 §2.1).",
        ),
        (
            "subject_token_type",
            access_token_type(),
            "The type of `subject_token`.",
        ),
        (
            "actor_token",
            text(),
            "An access token of the acting party, in place of the client.",
        ),
        (
            "actor_token_type",
            access_token_type(),
            "The type of `actor_token`.",
        ),
        (
            "requested_token_type",
            access_token_type(),
            "The type of the token that is asked for.",
        ),
        (
            "audience",
            text(),
            "The same as `resource` (RFC 8693 §2.1). It may be repeated.",
        ),
        (
            "scope",
            text(),
            "The scopes that are asked for, with spaces between them.",
        ),
        (
            "authorization_details",
            text(),
            "What the client may do of what was granted, as a JSON array of objects with a `type` (RFC 9396).",
        ),
        resource(),
        (
            "client_id",
            text(),
            "The client, if it does not authenticate with a header.",
        ),
        ("client_secret", text(), "Its secret (`client_secret_post`)."),
    ];
    object(parameters, &["grant_type"])
}

/// The type of a token in an exchange (RFC 8693 §3).
fn access_token_type() -> Value {
    json!({ "const": TYPE_ACCESS_TOKEN })
}

/// A revocation request (RFC 7009 §2.1).
pub fn revocation_request() -> Value {
    token_of_client_request()
}

/// An introspection request (RFC 7662 §2.1).
pub fn introspection_request() -> Value {
    token_of_client_request()
}

/// A request about a token, by a client that authenticates.
fn token_of_client_request() -> Value {
    let parameters = vec![
        ("token", text(), "The access token or refresh token."),
        ("token_type_hint", text(), "It is ignored."),
        (
            "client_id",
            text(),
            "The client, if it does not authenticate with a header.",
        ),
        ("client_secret", text(), "Its secret (`client_secret_post`)."),
    ];
    object(parameters, &["token"])
}

/// An access token in the form of a UserInfo request (RFC 6750 §2.2).
pub fn userinfo_request() -> Value {
    let parameters = vec![(
        "access_token",
        text(),
        "The access token, if it is not in the Authorization header.",
    )];
    object(parameters, &[])
}

/// A logout request (OpenID Connect RP-Initiated Logout §2).
pub fn logout_request() -> Value {
    let parameters = vec![
        (
            "id_token_hint",
            text(),
            "An ID token of the session, expired or not.",
        ),
        (
            "client_id",
            text(),
            "The client, in place of the hint or to check it.",
        ),
        (
            "post_logout_redirect_uri",
            text(),
            "Where the browser goes afterwards; one of those that are registered.",
        ),
        ("state", text(), "It is returned unchanged."),
    ];
    object(parameters, &[])
}
