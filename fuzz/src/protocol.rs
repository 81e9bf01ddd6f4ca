//! Fuzz targets of OAuth and OpenID Connect input: tokens, redirect URIs and authorization requests.

use std::sync::OnceLock;

use oidc::authorize::{AuthorizationError, UnverifiedAuthorizationRequest, check};
use oidc::client::{ClientMetadata, RegisteredClient};
use oidc::client_auth::ClientAuthentication;
use oidc::jose::{Algorithm, JwkSet, KeySet, SigningKey, TYP_ACCESS_TOKEN, Validation, peek_header, verify};
use oidc::logout::LogoutRequest;
use oidc::params::Params;
use oidc::redirect_uri::RedirectUri;
use oidc::revocation::RevocationRequest;
use oidc::server::{AuthorizationServer, PrivilegedScopes};
use serde_json::Value;

use crate::{FuzzTarget, json_texts, repeat_pieces};

pub(crate) const JWT: FuzzTarget = FuzzTarget {
    name: "jwt",
    run: jwt,
    worst: |length| {
        let mut inputs = json_texts(length);
        inputs.push(".".repeat(length).into_bytes());
        inputs.push(format!("{}.e30.", "A".repeat(length)).into_bytes());
        inputs.push(format!("eyJhbGciOiJFUzI1NiJ9.{}.x", "A".repeat(length)).into_bytes());
        inputs
    },
};

/// Bytes as a token, and as the claims of a token that is signed well.
fn jwt(input: &[u8]) {
    static KEY: OnceLock<Option<(SigningKey, KeySet)>> = OnceLock::new();
    let made = KEY.get_or_init(|| {
        let key = SigningKey::generate(Algorithm::Es256).ok()?;
        let keys = vec![key.public().clone()];
        let known = KeySet::from_jwks(&JwkSet { keys });
        Some((key, known))
    });
    let Some((key, known)) = made else { return };
    let expect = Validation {
        typ: TYP_ACCESS_TOKEN,
        algorithms: &[Algorithm::Es256],
        issuer: "https://id.example",
        audience: Some("https://api.example"),
        now: 1_800_000_000,
        leeway: 30,
        accept_expired: false,
    };
    if let Ok(token) = std::str::from_utf8(input) {
        let _ = peek_header(token);
        assert!(
            verify::<Value>(token, known, &expect).is_err(),
            "nobody has the key"
        );
    }
    if let Ok(claims) = serde_json::from_slice::<Value>(input)
        && let Ok(token) = key.sign(TYP_ACCESS_TOKEN, &claims)
        && let Ok(verified) = verify::<Value>(&token, known, &expect)
    {
        assert_eq!(verified.claims["iss"], expect.issuer);
    }
}

pub(crate) const REDIRECT_URI: FuzzTarget = FuzzTarget {
    name: "redirect_uri",
    run: redirect_uri,
    worst: |length| {
        [
            format!("https://a/{}", "../".repeat(length / 3)),
            format!("https://{}", "a.".repeat(length / 2)),
            format!("http://127.0.0.1:{}", "1".repeat(length)),
            format!("https://a/?{}", "&".repeat(length)),
        ]
        .map(String::into_bytes)
        .to_vec()
    },
};

fn redirect_uri(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let Ok(uri) = text.parse::<RedirectUri>() else {
        return;
    };
    assert!(uri.matches(text), "it is the same");
    assert!(text.is_ascii() && !text.contains(['#', '\r', '\n', ' ']));
    assert!(!uri.matches(&format!("{text}x")) || text.starts_with("http://"));
    assert!(RedirectUri::with_query(text, "code=1").starts_with(text));
}

pub(crate) const AUTHORIZE: FuzzTarget = FuzzTarget {
    name: "authorize",
    run: authorize,
    worst: |length| {
        let scope = repeat_pieces(length, |index| format!("{index:x}+"));
        let resources = repeat_pieces(length, |index| format!("resource=https://a/{index}&"));
        [
            format!("client_id=a&redirect_uri=https://a/&scope={scope}"),
            format!("client_id=a&redirect_uri=https://a/&{resources}"),
            format!("client_id={}", "%2525".repeat(length / 5)),
        ]
        .map(String::into_bytes)
        .to_vec()
    },
};

/// A query as an authorization request and as a logout request, and as a form of a client.
fn authorize(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    if let Ok(request) = UnverifiedAuthorizationRequest::parse(text) {
        let _ = request.validate();
        decide(&request);
    }
    let _ = LogoutRequest::parse(text);
    if let Ok(form) = Params::parse(text, &[]) {
        let _ = ClientAuthentication::parse(form.get("authorization"), &form);
        let _ = oidc::token::TokenRequest::parse(&form);
        let _ = RevocationRequest::parse(&form);
    }
    let _ = text.parse::<oidc::scope::Scope>();
}

/// Whatever a client asks for, the browser goes to the address that is registered for it.
fn decide(request: &UnverifiedAuthorizationRequest) {
    const REGISTERED: [&str; 2] = ["https://a/", "https://app.example/cb"];
    let metadata = ClientMetadata {
        redirect_uris: REGISTERED.iter().filter_map(|uri| uri.parse().ok()).collect(),
        ..ClientMetadata::default()
    };
    let client = RegisteredClient {
        client_id: "a",
        metadata: &metadata,
    };
    let server = AuthorizationServer {
        issuer: "https://id.example",
        audiences: &[],
        privileged_scopes: PrivilegedScopes(&["admin"]),
        hint_keys: &KeySet::from_jwks(&JwkSet { keys: Vec::new() }),
        clock_skew: 60,
    };
    match check(request, client, server, 1_800_000_000) {
        Ok(checked) => {
            let _ = checked.decide(None, 1_800_000_000);
            assert!(REGISTERED.contains(&checked.target().redirect_uri()));
        }
        Err(AuthorizationError::Redirect(error)) => {
            let url = error.url();
            assert!(REGISTERED.iter().any(|uri| url.starts_with(uri)));
        }
        Err(AuthorizationError::Page(_)) => {}
    }
}
