//! Access tokens of people and applications, as `auth` would sign them.

use oidc::jose::TYP_ACCESS_TOKEN;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{AUDIENCE, ISSUER, KEY, NOW};

/// A token of `subject`, issued to `client`.
pub(crate) fn token(subject: &str, client: &str, scope: &str) -> String {
    token_for(AUDIENCE, subject, client, scope)
}

/// A token for another audience.
pub(crate) fn token_for(audience: &str, subject: &str, client: &str, scope: &str) -> String {
    signed(json!({ "aud": audience, "sub": subject, "client_id": client, "scope": scope }))
}

/// A token of a person that stems from a grant.
pub(crate) fn token_of_grant(grant: Uuid, person: Uuid, scope: &str) -> String {
    signed(json!({ "aud": AUDIENCE, "sub": person, "client_id": "cli", "scope": scope, "gid": grant }))
}

/// A token of a person that `client` got by exchange, after `clients`.
pub(crate) fn exchanged_token(person: Uuid, client: &str, clients: &[&str]) -> String {
    signed(json!({
        "aud": AUDIENCE, "sub": person, "client_id": client, "scope": "openid profile", "act": { "sub": client },
        "client_chain": clients,
    }))
}

/// A token of an application for itself, with the id by which it is revoked.
pub(crate) fn revocable_clients_token(id: Uuid, client: &str, scope: &str) -> String {
    signed(json!({ "aud": AUDIENCE, "sub": client, "client_id": client, "scope": scope, "gid": id }))
}

/// A token of a person that is valid for a day.
pub(crate) fn day_long_token(person: Uuid, scope: &str) -> String {
    let end = NOW.as_secs() + 86_400;
    signed(
        json!({ "aud": AUDIENCE, "sub": person, "client_id": "an-application", "scope": scope, "exp": end }),
    )
}

/// A token of a person who signed in so many seconds ago.
pub(crate) fn token_of_sign_in(person: Uuid, scope: &str, age: i64) -> String {
    let auth_time = NOW.as_secs() - age;
    signed(
        json!({ "aud": AUDIENCE, "sub": person, "client_id": "cli", "scope": scope, "auth_time": auth_time }),
    )
}

/// A token of a person that is bound to a key by DPoP.
pub(crate) fn bound_token(person: Uuid, jkt: &str) -> String {
    confirmed(person, &json!({ "jkt": jkt }))
}

/// A token of a person that is bound to a certificate of the client (RFC 8705 §3.1).
pub(crate) fn certificate_bound_token(person: Uuid, x5t: &str) -> String {
    confirmed(person, &json!({ "x5t#S256": x5t }))
}

fn confirmed(person: Uuid, confirmation: &Value) -> String {
    signed(json!({
        "aud": AUDIENCE, "sub": person, "client_id": "phone", "scope": "openid profile", "cnf": confirmation
    }))
}

fn signed(mut claims: Value) -> String {
    let now = NOW.as_secs();
    claims["iss"] = json!(ISSUER);
    claims["iat"] = json!(now);
    if claims["exp"].is_null() {
        claims["exp"] = json!(now + 300);
    }
    claims["jti"] = json!("1");
    KEY.sign(TYP_ACCESS_TOKEN, &claims).unwrap()
}

/// A token that a person got by signing in.
pub(crate) fn persons_token(id: Uuid) -> String {
    token(&id.to_string(), "a-web-application", "openid profile")
}

/// A token that an application got for itself.
pub(crate) fn clients_token(client: &str, scope: &str) -> String {
    token(client, client, scope)
}
