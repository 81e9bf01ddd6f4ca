//! The security of an operation (OpenAPI 3.1 §4.8.27 and §4.8.30).

use serde_json::{Map, Value, json};

use crate::routes::Permission;

/// A scope of an access token, and what it allows.
pub type ScopeMeaning = (&'static str, &'static str);

/// The names that the security schemes are made from, beside the URL of the authorization server.
#[derive(Clone, Copy, Debug)]
pub struct SecurityVocabulary {
    /// The scopes of tokens that are issued by a code (RFC 6749 §4.1).
    pub code_scopes: &'static [ScopeMeaning],
    /// The scopes of tokens that a client gets for itself (RFC 6749 §4.4).
    pub client_scopes: &'static [ScopeMeaning],
    /// The cookie of a browser's session.
    pub session_cookie: &'static str,
}

fn scopes(meanings: &[ScopeMeaning]) -> Map<String, Value> {
    let pairs = meanings.iter();
    pairs
        .map(|(name, meaning)| ((*name).to_owned(), json!(meaning)))
        .collect()
}

/// The security schemes. `authorization_server` is the URL of the authentication service.
pub(super) fn schemes(vocabulary: &SecurityVocabulary, authorization_server: &str) -> Value {
    let base = authorization_server.trim_end_matches('/');
    json!({
        "oauth2": {
            "type": "oauth2",
            "description": "An access token in `Authorization: Bearer …` (RFC 6750).",
            "flows": {
                "authorizationCode": {
                    "authorizationUrl": format!("{base}/oauth2/authorize"),
                    "tokenUrl": format!("{base}/oauth2/token"),
                    "refreshUrl": format!("{base}/oauth2/token"),
                    "scopes": scopes(vocabulary.code_scopes),
                },
                "clientCredentials": {
                    "tokenUrl": format!("{base}/oauth2/token"),
                    "scopes": scopes(vocabulary.client_scopes),
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
            "name": vocabulary.session_cookie,
            "description": "The session of a browser. Over http and under a path the cookie has another name.",
        },
    })
}

/// The security requirement of an operation.
pub(super) fn requirement(permission: Permission) -> Value {
    match permission {
        Permission::Public(_) => json!([]),
        Permission::Scope(scope) | Permission::SubjectScope(scope) | Permission::ScopeAnd(scope, _) => {
            json!([{ "oauth2": [scope] }])
        }
        Permission::AnyScope(scopes) => scopes.iter().map(|scope| json!({ "oauth2": [scope] })).collect(),
        Permission::Session => json!([{ "session": [] }, {}]),
        Permission::ClientAuthentication => json!([{ "client": [] }, {}]),
    }
}

/// The permission in words, for people.
pub(super) fn in_words(permission: Permission) -> String {
    match permission {
        Permission::Public(reason) => format!("public: {reason}"),
        Permission::Scope(scope) => format!("scope `{scope}`"),
        Permission::AnyScope(scopes) => {
            let named: Vec<String> = scopes.iter().map(|scope| format!("`{scope}`")).collect();
            format!("scope {}", named.join(" or "))
        }
        Permission::SubjectScope(scope) => {
            format!("scope `{scope}`, in a token that no client got for itself")
        }
        Permission::ScopeAnd(scope, more) => format!("scope `{scope}`, {more}"),
        Permission::Session => "the browser's session".to_owned(),
        Permission::ClientAuthentication => "client authentication".to_owned(),
    }
}
