//! Fuzz targets of OAuth and OpenID Connect input: tokens, redirect URIs and authorization requests.

use std::sync::OnceLock;

use oidc::authorization_details::{AuthorizationDetails, DetailType, DetailTypes, Schema};
use oidc::authorize::{
    AuthorizationError, EncodedResponse, UnverifiedAuthorizationRequest, check, check_pushed,
    pushed_reference, pushed_request,
};
use oidc::claims::ClaimScopes;
use oidc::client::{ClientMetadata, RegisteredClient};
use oidc::client_auth::{ClientAssertion, ClientAuthentication};
use oidc::dpop::{ExpectedProof, TYP_DPOP, unverified_nonce, verify_proof};
use oidc::jose::{Algorithm, JwkSet, KeySet, SigningKey, TYP_ACCESS_TOKEN, Validation, peek_header, verify};
use oidc::logout::LogoutRequest;
use oidc::params::Params;
use oidc::redirect_uri::RedirectUri;
use oidc::revocation::RevocationRequest;
use oidc::server::{AuthorizationServer, PrivilegedScopes};
use serde_json::{Value, json};

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
        let _ = ClientAssertion::parse(token);
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

pub(crate) const DPOP: FuzzTarget = FuzzTarget {
    name: "dpop",
    run: dpop,
    worst: |length| {
        let mut inputs = json_texts(length);
        inputs.push(".".repeat(length).into_bytes());
        inputs.push(format!("{}.e30.", "A".repeat(length)).into_bytes());
        inputs
    },
};

/// Bytes as a DPoP proof, and as the claims of one that is signed well.
fn dpop(input: &[u8]) {
    static KEY: OnceLock<Option<SigningKey>> = OnceLock::new();
    let Some(key) = KEY.get_or_init(|| SigningKey::generate(Algorithm::Es256).ok()) else {
        return;
    };
    let expected = ExpectedProof {
        method: "POST",
        url: "https://id.example/oauth2/token",
        access_token: None,
        now: 1_800_000_000,
    };
    if let Ok(text) = std::str::from_utf8(input) {
        assert!(verify_proof(text, &expected).is_err(), "nobody signed it");
        let _ = unverified_nonce(text);
    }
    let header = serde_json::json!({ "typ": TYP_DPOP, "alg": "ES256", "jwk": key.public() });
    if let Ok(claims) = serde_json::from_slice::<Value>(input)
        && let Ok(proof) = key.sign_with_header(&header, &claims)
        && let Ok(verified) = verify_proof(&proof, &expected)
    {
        assert_eq!(claims["htm"], expected.method);
        assert_eq!(claims["jti"], verified.jti.as_str());
        assert_eq!(unverified_nonce(&proof), Ok(verified.nonce));
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
        let _ = oidc::device::DeviceAuthorizationRequest::parse(&form);
        push(&form);
    }
    let _ = pushed_reference(text);
    check_details(text);
    if let Some(code) = oidc::device::UserCode::parse(text) {
        assert_eq!(oidc::device::UserCode::parse(&code.to_string()), Some(code));
    }
    let _ = text.parse::<oidc::scope::Scope>();
}

/// A text as authorization details. What is accepted is read back as it was granted, and has every required member.
fn check_details(text: &str) {
    let Ok(details) = AuthorizationDetails::parse(text) else {
        return;
    };
    let written = serde_json::to_string(&details).unwrap_or_default();
    assert_eq!(
        AuthorizationDetails::parse(&written).as_ref(),
        Ok(&details),
        "read back"
    );
    let registered = metadata().authorization_details_types;
    if detail_types().check(&details, &registered).is_ok() {
        assert!(
            details
                .iter()
                .all(|(name, detail)| name == "payment" && detail.contains_key("amount"))
        );
    }
}

/// One type, whose schema has every keyword.
fn detail_types() -> &'static DetailTypes {
    static DETAIL_TYPES: OnceLock<DetailTypes> = OnceLock::new();
    DETAIL_TYPES.get_or_init(|| {
        let schema = json!({
            "title": "payment", "description": "a payment", "type": "object", "required": ["amount"],
            "properties": {
                "amount": { "type": "number", "minimum": 1, "maximum": 5000 },
                "times": { "type": "integer" },
                "urgent": { "type": "boolean" },
                "currency": { "type": "string", "minLength": 3, "maxLength": 3, "enum": ["CHF", "EUR"] },
                "kind": { "const": "transfer" },
                "locations": { "type": "array", "minItems": 1, "maxItems": 3, "items": { "type": "string" } },
                "note": { "type": "object", "additionalProperties": true },
            },
        });
        let mut types = DetailTypes::default();
        if let Ok(schema) = Schema::parse(&schema) {
            let description = "Start a payment".to_owned();
            types.add("payment", DetailType { description, schema });
        }
        types
    })
}

const REGISTERED: [&str; 2] = ["https://a/", "https://app.example/cb"];
const NOW: i64 = 1_800_000_000;

fn metadata() -> ClientMetadata {
    ClientMetadata {
        redirect_uris: REGISTERED.iter().filter_map(|uri| uri.parse().ok()).collect(),
        authorization_details_types: ["payment".to_owned()].into(),
        ..ClientMetadata::default()
    }
}

fn server(hint_keys: &KeySet) -> AuthorizationServer<'_> {
    static CLAIMS: OnceLock<ClaimScopes> = OnceLock::new();
    AuthorizationServer {
        issuer: "https://id.example",
        audiences: &[],
        privileged_scopes: PrivilegedScopes {
            of_administrators: &["admin"],
            of_users: &["directory:delegated"],
        },
        hint_keys,
        requires_pushed_requests: false,
        claims: CLAIMS.get_or_init(ClaimScopes::default),
        detail_types: detail_types(),
        registers_users: true,
        clock_skew: 60,
    }
}

/// Whatever a client asks for, the browser goes to the address that is registered for it.
fn decide(request: &UnverifiedAuthorizationRequest) {
    let metadata = metadata();
    let client = RegisteredClient {
        client_id: "a",
        metadata: &metadata,
    };
    let keys = KeySet::default();
    match check(request, client, server(&keys), NOW) {
        Ok(checked) => {
            let _ = checked.decide(None, NOW);
            assert!(REGISTERED.contains(&checked.target().redirect_uri()));
        }
        Err(AuthorizationError::Redirect(error)) => {
            let encoded = error.response().encode(NOW, |_| Ok::<_, ()>("jwt".to_owned()));
            assert!(encoded.is_ok_and(|response| match response {
                EncodedResponse::Redirect(url) => REGISTERED.iter().any(|uri| url.starts_with(uri)),
                EncodedResponse::FormPost { action, .. } => REGISTERED.contains(&action.as_str()),
            }));
        }
        Err(AuthorizationError::Page(_)) => {}
    }
}

/// A stored request that was pushed reads back as the same request of the same client.
fn push(form: &Params) {
    let metadata = metadata();
    let client = RegisteredClient {
        client_id: "a",
        metadata: &metadata,
    };
    let keys = KeySet::default();
    let Ok(request) = pushed_request(form, "a") else {
        return;
    };
    if check_pushed(&request, client, server(&keys), NOW).is_ok() {
        let stored = UnverifiedAuthorizationRequest::parse(&request.params().encoded(&[]));
        assert!(stored.is_ok_and(|stored| stored.client_id == "a" && stored.params() == request.params()));
    }
}
