//! Fuzz targets of HTTP input: forms, queries, JSON, cookies and other headers.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use axum::extract::FromRequestParts;
use chassis::client_certificate::{CLIENT_CERT, CLIENT_CERT_CHAIN, ClientCertificate};
use chassis::http::header::{accepts, content_type, cookie_values, list};
use chassis::http::{ClientInfo, Pairs, Peer, check_host, parse_json};
use chassis::network::Network;
use chassis::telemetry::TraceContext;
use futures_util::FutureExt;
use http::{HeaderMap, HeaderValue, Request, header};
use oidc::client::{AuthMethod, ClientMetadata};
use oidc::jose::{Algorithm, JwkSet, KeySet, SigningKey};
use oidc::params::Params;
use oidc::registration::{RegistrationRequest, RegistrationRules, StatementIssuer};
use oidc::scope::Scope;
use serde_json::{Value, json};

use crate::{FuzzTarget, json_texts, repeat_pieces};

pub(crate) const FORM: FuzzTarget = FuzzTarget {
    name: "form",
    run: form,
    worst: |length| {
        [
            repeat_pieces(length, |index| format!("{index:x}&")),
            repeat_pieces(length, |index| format!("a{index}=%41&")),
            format!("a={}", "%41".repeat(length / 3)),
            "&".repeat(length),
            "=&".repeat(length / 2),
        ]
        .map(String::into_bytes)
        .to_vec()
    },
};

/// Forms of pages and queries, and the parameters of OAuth.
fn form(input: &[u8]) {
    if let Ok(pairs) = Pairs::parse(input) {
        let encoded = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs.iter())
            .finish();
        assert_eq!(Pairs::parse(encoded.as_bytes()).ok(), Some(pairs), "read back");
    }
    if let Ok(text) = std::str::from_utf8(input)
        && let Ok(params) = Params::parse(text, &["resource"])
    {
        assert_eq!(params.duplicate(&["resource"]), None);
        let again = Params::parse(&params.encoded(&[]), &["resource"]);
        assert_eq!(again.ok().as_ref(), Some(&params), "read back");
    }
}

pub(crate) const JSON: FuzzTarget = FuzzTarget {
    name: "json",
    run: json,
    worst: json_texts,
};

fn json(input: &[u8]) {
    if let Ok(strict) = parse_json::<Value>(input) {
        let lenient = serde_json::from_slice::<Value>(input).ok();
        assert_eq!(Some(strict), lenient, "what is taken is JSON");
    }
    if let Ok(strict) = scim::json::parse(input) {
        let lenient = serde_json::from_slice::<Value>(input).ok();
        assert_eq!(Some(strict), lenient, "what is taken is JSON");
    }
    register(input);
}

/// Bytes as the registration of a client, and as the claims of a software statement that is signed well.
fn register(input: &[u8]) {
    static ISSUER: OnceLock<Option<(SigningKey, [StatementIssuer; 1])>> = OnceLock::new();
    let made = ISSUER.get_or_init(|| {
        let key = SigningKey::generate(Algorithm::Es256).ok()?;
        let keys = KeySet::from_jwks(&JwkSet {
            keys: vec![key.public().clone()],
        });
        let issuer = "https://issuer.example".to_owned();
        Some((key, [StatementIssuer { issuer, keys }]))
    });
    let Some((key, issuers)) = made else { return };
    register_with(input, issuers);
    if let Ok(Value::Object(mut claims)) = serde_json::from_slice(input) {
        claims.insert("iss".to_owned(), "https://issuer.example".into());
        if let Ok(statement) = key.sign("JWT", &claims) {
            let request = json!({ "software_statement": statement }).to_string();
            register_with(request.as_bytes(), issuers);
        }
    }
}

fn register_with(input: &[u8], statement_issuers: &[StatementIssuer]) {
    let Ok(scopes) = "openid profile".parse::<Scope>() else {
        return;
    };
    let rules = RegistrationRules {
        scopes: &scopes,
        detail_types: &BTreeSet::new(),
        require_pkce: true,
        require_consent: true,
        methods: &AuthMethod::ALL,
        statement_issuers,
        now: 0,
    };
    if let Ok(request) = RegistrationRequest::parse(input)
        && let Ok(metadata) = request.metadata(&rules)
    {
        assert!(
            metadata.require_pkce
                && scopes.covers(&metadata.scope)
                && metadata.authorization_details_types.is_empty(),
            "no privilege is chosen"
        );
    }
}

pub(crate) const COOKIE: FuzzTarget = FuzzTarget {
    name: "cookie",
    run: cookie,
    worst: |length| {
        [
            "a=b;".repeat(length / 4),
            ";".repeat(length),
            " ".repeat(length),
            "=".repeat(length),
            repeat_pieces(length, |index| format!("{index:x}=;")),
        ]
        .map(String::into_bytes)
        .to_vec()
    },
};

fn cookie(input: &[u8]) {
    let headers = header_map(&[(header::COOKIE, input)]);
    for value in cookie_values(&headers, "a") {
        assert!(!value.contains(&b';'), "one pair at a time");
    }
}

pub(crate) const HEADERS: FuzzTarget = FuzzTarget {
    name: "headers",
    run: headers,
    worst: |length| {
        [
            "10.0.0.1,".repeat(length / 9),
            ",".repeat(length),
            "-".repeat(length),
            "text/x;a=b,".repeat(length / 11),
            "W/\"1\",".repeat(length / 6),
            format!("{}:80", "1".repeat(length)),
        ]
        .map(String::into_bytes)
        .to_vec()
    },
};

/// One value as every header whose form we read.
fn headers(input: &[u8]) {
    let headers = header_map(&[
        (header::ACCEPT, input),
        (header::CONTENT_TYPE, input),
        (header::IF_MATCH, input),
        (header::HOST, input),
        (header::USER_AGENT, input),
        (header::HeaderName::from_static("x-forwarded-for"), input),
        (CLIENT_CERT, input),
        (CLIENT_CERT_CHAIN, input),
    ]);
    let _ = (accepts(&headers, "text/html"), content_type(&headers));
    if let Some(certificate) = ClientCertificate::of(&headers) {
        let client = ClientMetadata {
            tls_client_auth_san_dns: Some("robot.example".to_owned()),
            ..ClientMetadata::default()
        };
        client.is_certificate_subject(certificate.der());
    }
    let _ = scim::version::IfMatch::parse(list(&headers, &header::IF_MATCH).as_deref());
    if let Ok(text) = std::str::from_utf8(input)
        && let Some(trace) = TraceContext::parse(text)
    {
        assert_eq!(TraceContext::parse(&trace.to_string()), Some(trace));
    }
    let mut request = Request::new(());
    *request.headers_mut() = headers;
    let _ = check_host(&request);
    let (mut parts, ()) = request.into_parts();
    parts.extensions.insert(Peer {
        address: SocketAddr::from(([10, 0, 0, 1], 80)),
        tls: false,
        trusted: Arc::from("10.0.0.0/8".parse::<Network>().ok().as_slice()),
    });
    let client = ClientInfo::from_request_parts(&mut parts, &()).now_or_never();
    let agent = client.and_then(Result::ok).and_then(|client| client.user_agent);
    assert!(agent.is_none_or(|agent| agent.chars().count() <= 256));
}

/// Headers of these values, as far as a header can have them.
fn header_map(values: &[(header::HeaderName, &[u8])]) -> HeaderMap {
    let value = |value: &[u8]| HeaderValue::from_bytes(value).ok();
    values
        .iter()
        .filter_map(|(name, text)| Some((name.clone(), value(text)?)))
        .collect()
}
