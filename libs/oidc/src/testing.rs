//! A client, a server and ID tokens for tests of decisions.

use std::sync::LazyLock;

use serde_json::json;

use crate::authorization_details::{DetailType, DetailTypes, Schema};
use crate::claims::{ClaimScopes, IdTokenClaims};
use crate::client::{ClientMetadata, RegisteredClient};
use crate::jose::{Algorithm, JwkSet, KeySet, SigningKey, TYP_ACCESS_TOKEN, TYP_ID_TOKEN};
use crate::resource::Resource;
use crate::server::{AuthorizationServer, PrivilegedScopes};

pub(crate) const ISSUER: &str = "https://id.example";
pub(crate) const CALLBACK: &str = "https://app.example/cb";
pub(crate) const NOW: i64 = 1_800_000_000;
/// RFC 7636, Appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

pub(crate) const PRIVILEGED: PrivilegedScopes<'static> = PrivilegedScopes {
    of_administrators: &["admin", "users:read"],
    of_users: &["directory:delegated"],
};

struct Keys {
    signing: SigningKey,
    known: KeySet,
    audiences: Vec<Resource>,
    claims: ClaimScopes,
    detail_types: DetailTypes,
}

static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let signing = SigningKey::generate(Algorithm::Es256).unwrap();
    let known = KeySet::from_jwks(&JwkSet {
        keys: vec![signing.public().clone()],
    });
    let audiences = [ISSUER, "https://users.example"]
        .map(|url| Resource::parse(url).unwrap())
        .to_vec();
    let mut detail_types = DetailTypes::default();
    let payment = json!({ "required": ["amount"], "properties": { "amount": { "type": "integer" } } });
    let payment = DetailType {
        description: "Start a payment".to_owned(),
        schema: Schema::parse(&payment).unwrap(),
    };
    detail_types.add("payment", payment);
    Keys {
        signing,
        known,
        audiences,
        claims: ClaimScopes::default(),
        detail_types,
    }
});

/// The server. Administrators alone grant `admin`.
pub(crate) fn server() -> AuthorizationServer<'static> {
    AuthorizationServer {
        issuer: ISSUER,
        audiences: &KEYS.audiences,
        privileged_scopes: PRIVILEGED,
        hint_keys: &KEYS.known,
        requires_pushed_requests: false,
        claims: &KEYS.claims,
        detail_types: &KEYS.detail_types,
        registers_users: true,
        clock_skew: 60,
    }
}

/// The metadata of a confidential client with one redirect URI, changed.
pub(crate) fn metadata(change: fn(&mut ClientMetadata)) -> ClientMetadata {
    let mut metadata = ClientMetadata {
        redirect_uris: vec![CALLBACK.parse().unwrap()],
        ..ClientMetadata::default()
    };
    change(&mut metadata);
    metadata
}

/// The client `web`.
pub(crate) fn web(metadata: &ClientMetadata) -> RegisteredClient<'_> {
    RegisteredClient {
        client_id: "web",
        metadata,
    }
}

/// An ID token of Ann's session `s1` for `web`, changed. It expired long ago.
pub(crate) fn id_token(change: fn(&mut IdTokenClaims)) -> String {
    sign_claims(&KEYS.signing, TYP_ID_TOKEN, change)
}

/// The same, signed with a key that the server does not know any more.
pub(crate) fn id_token_of_a_dropped_key(change: fn(&mut IdTokenClaims)) -> String {
    sign_claims(
        &SigningKey::generate(Algorithm::Es256).unwrap(),
        TYP_ID_TOKEN,
        change,
    )
}

/// An access token of the same key with the claims of such an ID token.
pub(crate) fn access_token() -> String {
    sign_claims(&KEYS.signing, TYP_ACCESS_TOKEN, |_| {})
}

fn sign_claims(key: &SigningKey, typ: &str, change: fn(&mut IdTokenClaims)) -> String {
    let mut claims = IdTokenClaims {
        iss: ISSUER.to_owned(),
        sub: "ann".to_owned(),
        aud: "web".to_owned(),
        exp: NOW - 86_100,
        iat: NOW - 86_400,
        auth_time: NOW - 86_400,
        acr: Some("1".to_owned()),
        amr: vec!["pwd".to_owned()],
        nonce: None,
        at_hash: None,
        sid: Some("s1".to_owned()),
        roles: Vec::new(),
    };
    change(&mut claims);
    key.sign(typ, &claims).unwrap()
}
