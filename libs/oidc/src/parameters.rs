//! The parameters of the protocol's requests as JSON Schemas, for descriptions of the API. The parsers of this crate read
//! them one by one, so they are no types.

use serde_json::{Map, Value, json};

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
            "prompt",
            text(),
            "`none`, `login`, `consent` or `select_account`.",
        ),
        (
            "max_age",
            json!({ "type": "integer", "minimum": 0 }),
            "Seconds since the person has authenticated, at most.",
        ),
        ("login_hint", text(), "The user name to suggest."),
        (
            "id_token_hint",
            text(),
            "An ID token of the person who is expected.",
        ),
        resource(),
    ];
    object(parameters, &["client_id", "response_type"])
}

/// A token request (RFC 6749 §3.2).
pub fn token_request() -> Value {
    let grants = json!({ "enum": ["authorization_code", "refresh_token", "client_credentials"] });
    let parameters = vec![
        ("grant_type", grants, "What the tokens are issued for."),
        ("code", text(), "The code (RFC 6749 §4.1.3)."),
        ("redirect_uri", text(), "That of the authorization request."),
        ("code_verifier", text(), "The proof key (RFC 7636 §4.5)."),
        ("refresh_token", text(), "The refresh token (RFC 6749 §6)."),
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
    object(parameters, &["grant_type"])
}

/// A revocation request (RFC 7009 §2.1).
pub fn revocation_request() -> Value {
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
