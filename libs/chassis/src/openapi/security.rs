//! The security of an operation (OpenAPI 3.1 §4.8.27 and §4.8.30).

use serde_json::{Map, Value, json};

use crate::routes::Permission;

/// What each scope allows.
const SCOPES: [(&str, &str); 6] = [
    ("openid", "the user's own data"),
    ("users:read", "read the directory"),
    ("users:write", "change the directory"),
    ("events:read", "read the event feed"),
    ("admin", "administer"),
    ("offline_access", "stay after the person has signed out"),
];

/// The security schemes. `authorization_server` is the URL of the authentication service.
pub(super) fn schemes(authorization_server: &str) -> Value {
    let base = authorization_server.trim_end_matches('/');
    let scopes: Map<String, Value> = SCOPES
        .iter()
        .map(|(name, meaning)| ((*name).to_owned(), json!(meaning)))
        .collect();
    json!({
        "oauth2": {
            "type": "oauth2",
            "description": "An access token in `Authorization: Bearer …` (RFC 6750).",
            "flows": {
                "authorizationCode": {
                    "authorizationUrl": format!("{base}/oauth2/authorize"),
                    "tokenUrl": format!("{base}/oauth2/token"),
                    "refreshUrl": format!("{base}/oauth2/token"),
                    "scopes": scopes,
                },
                "clientCredentials": {
                    "tokenUrl": format!("{base}/oauth2/token"),
                    "scopes": scopes,
                },
            },
        },
        "client": {
            "type": "http",
            "scheme": "basic",
            "description": "Client authentication (RFC 6749 §2.3): `client_secret_basic`. With `client_secret_post` the \
                            form has `client_id` and `client_secret`; a public client sends `client_id` alone.",
        },
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": "__Host-vestibule",
            "description": "The session of a browser. Over http and under a path the cookie has another name.",
        },
    })
}

/// The security requirement of an operation.
pub(super) fn requirement(permission: Permission) -> Value {
    match permission {
        Permission::Public(_) => json!([]),
        Permission::Scope(scope) | Permission::UserScope(scope) => json!([{ "oauth2": [scope] }]),
        Permission::Session => json!([{ "session": [] }, {}]),
        Permission::ClientAuthentication => json!([{ "client": [] }, {}]),
    }
}

/// The permission in words, for people.
pub(super) fn in_words(permission: Permission) -> String {
    match permission {
        Permission::Public(reason) => format!("public: {reason}"),
        Permission::Scope(scope) => format!("scope `{scope}`"),
        Permission::UserScope(scope) => format!("scope `{scope}`, a person's token"),
        Permission::Session => "the browser's session".to_owned(),
        Permission::ClientAuthentication => "client authentication".to_owned(),
    }
}
