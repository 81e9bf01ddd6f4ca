//! Tests of registration requests.

mod sectors;
mod statements;

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::client::AuthMethod;

static NO_TYPES: BTreeSet<String> = BTreeSet::new();

fn rules(scopes: &Scope) -> RegistrationRules<'_> {
    RegistrationRules {
        scopes,
        detail_types: &NO_TYPES,
        require_pkce: true,
        require_consent: true,
        methods: &AuthMethod::ALL,
        statement_issuers: &[],
        now: 1_800_000_000,
    }
}

fn scopes() -> Scope {
    registrable_scopes()
}

/// The metadata of a request with one redirect URI and `more`.
fn register(more: &Value) -> Result<ClientMetadata, (ErrorCode, String)> {
    let mut request = json!({"redirect_uris": ["https://app.example/cb"]});
    for (name, value) in more.as_object().unwrap() {
        request[name] = value.clone();
    }
    let request = RegistrationRequest::parse(request.to_string().as_bytes()).unwrap();
    request
        .metadata(&rules(&scopes()))
        .map_err(|error| (error.error, error.error_description.into_owned()))
}

#[test]
fn members_are_honoured_ignored_or_refused() {
    let rows = [
        (
            "RFC 7591 §3.1: what is not known is ignored",
            json!({"hobby": "chess", "software_id": "x"}),
            None,
        ),
        (
            "RFC 7591 §2: contacts and pages",
            json!({"contacts": ["a@app.example"], "tos_uri": "https://app.example/tos"}),
            None,
        ),
        (
            "RFC 7591 §2: a page is on the web",
            json!({"policy_uri": "javascript:alert(1)"}),
            Some("policy_uri"),
        ),
        (
            "RFC 7591 §2: a logo is on the web",
            json!({"logo_uri": "data:image/png;base64,AAAA"}),
            Some("logo_uri"),
        ),
        (
            "OpenID Connect Registration §2: request_uris, with a version",
            json!({"request_uris": ["https://app.example/request.jwt#1"]}),
            None,
        ),
        (
            "RFC 9101 §5.2: a request URI has 512 bytes at most",
            json!({"request_uris": [format!("https://app.example/{}", "x".repeat(512))]}),
            Some("request_uris"),
        ),
        ("RFC 7591 §2.1: code", json!({"response_types": ["code"]}), None),
        (
            "RFC 7591 §2.1: nothing implicit",
            json!({"response_types": ["code", "id_token"]}),
            Some("response_types"),
        ),
        (
            "RFC 7591 §2.1: code goes with its grant",
            json!({"response_types": []}),
            Some("response_types"),
        ),
        (
            "RFC 7591 §2: no implicit grant (SB-23)",
            json!({"grant_types": ["implicit"]}),
            Some("grant_types"),
        ),
        (
            "SB-48: nothing without a person",
            json!({"grant_types": ["client_credentials"]}),
            Some("grant_types"),
        ),
        (
            "OpenID Registration §2: web",
            json!({"application_type": "web"}),
            None,
        ),
        (
            "OpenID Registration §2: native",
            json!({"application_type": "native"}),
            None,
        ),
        (
            "OpenID Registration §2: nothing else",
            json!({"application_type": "tv"}),
            Some("application_type"),
        ),
        (
            "OpenID Registration §2: no private scheme for the web",
            json!({"application_type": "web", "redirect_uris": ["com.example.app:/cb"]}),
            Some("redirect_uris"),
        ),
        (
            "RFC 6749 §3.1.2: no fragment",
            json!({"redirect_uris": ["https://app.example/cb#x"]}),
            Some("redirect_uris"),
        ),
        (
            "RFC 7591 §2: an address",
            json!({"redirect_uris": []}),
            Some("redirect_uris"),
        ),
        (
            "RFC 7591 §2: an array",
            json!({"redirect_uris": "https://app.example/cb"}),
            Some("redirect_uris"),
        ),
        (
            "ADR: no client_secret_jwt",
            json!({"token_endpoint_auth_method": "client_secret_jwt"}),
            Some("token_endpoint_auth_method"),
        ),
        (
            "OpenID Registration §2: an unknown algorithm",
            json!({"id_token_signed_response_alg": "HS256"}),
            Some("id_token_signed_response_alg"),
        ),
        (
            "OpenID Registration §2: keys",
            json!({"token_endpoint_auth_method": "private_key_jwt"}),
            Some("jwks"),
        ),
        (
            "RFC 7591 §2: null is left out",
            json!({"jwks_uri": null, "scope": null}),
            None,
        ),
        (
            "RFC 9126 §6: false asks for nothing",
            json!({"tls_client_certificate_bound_access_tokens": false}),
            None,
        ),
    ];
    for (section, more, refused) in rows {
        match (register(&more), refused) {
            (Ok(_), None) => {}
            (Err((code, text)), Some(member)) => {
                assert!(text.starts_with(member), "{section}: {text}");
                let expected = match member {
                    "redirect_uris" => ErrorCode::InvalidRedirectUri,
                    _ => ErrorCode::InvalidClientMetadata,
                };
                assert_eq!(code, expected, "{section}");
            }
            (outcome, _) => panic!("{section}: {outcome:?}"),
        }
    }
}

#[test]
fn known_metadata_that_is_not_supported_is_refused_by_name() {
    // RFC 7591 §3.2.2
    let supported = extended_members("");
    for name in members::UNSUPPORTED {
        if supported.contains(name) {
            continue;
        }
        let (code, text) = register(&json!({ (*name): "x" })).unwrap_err();
        assert!(
            code == ErrorCode::InvalidClientMetadata && text.starts_with(name),
            "{text}"
        );
    }
    assert!(register(&json!({"subject_type": "public"})).is_ok());
    // OpenID Connect Core §8.1
    let pairwise = register(&json!({"subject_type": "pairwise"})).unwrap();
    assert_eq!(registered_members(&pairwise).unwrap()["subject_type"], "pairwise");
    let native = json!({"subject_type": "pairwise", "redirect_uris": ["com.example.app:/cb"]});
    let (_, text) = register(&native).unwrap_err();
    assert!(text.starts_with("sector_identifier_uri: "), "{text}");
}

#[test]
fn privileges_are_not_chosen_by_the_client() {
    // SB-22, SB-29, SB-48
    let greedy = json!({
        "scope": "openid admin users:write directory:delegated email phone", "require_pkce": false,
        "audiences": ["https://bank.example"], "client_id": "vestibule-auth", "client_secret": "mine",
    });
    let metadata = register(&greedy).unwrap();
    assert_eq!(metadata.scope.to_string(), "openid email phone");
    assert!(metadata.require_pkce && metadata.audiences.is_empty());
    let open = scopes();
    let lenient = RegistrationRules {
        require_pkce: false,
        ..rules(&open)
    };
    for (method, required) in [("client_secret_basic", false), ("none", true)] {
        let body = json!({"redirect_uris": ["https://app.example/cb"], "token_endpoint_auth_method": method, "require_pkce": true});
        let request = RegistrationRequest::parse(body.to_string().as_bytes()).unwrap();
        assert_eq!(
            request.metadata(&lenient).unwrap().require_pkce,
            required,
            "{method}"
        );
    }
}

#[test]
fn defaults_are_those_of_rfc_7591() {
    let metadata = register(&json!({})).unwrap();
    assert_eq!(metadata.grant_types, [GrantType::AuthorizationCode].into());
    assert_eq!(metadata.token_endpoint_auth_method, AuthMethod::ClientSecretBasic);
    assert_eq!(metadata.scope.to_string(), "openid profile email");
    let told = registered_members(&metadata).unwrap();
    assert_eq!(told["response_types"], json!(["code"]));
    assert_eq!(
        (&told["application_type"], &told["subject_type"]),
        (&json!("web"), &json!("public"))
    );
    assert!(!told.contains_key("audiences"));
    let native = register(&json!({"redirect_uris": ["com.example.app:/cb"]})).unwrap();
    assert_eq!(registered_members(&native).unwrap()["application_type"], "native");
}

#[test]
fn access_that_outlives_a_session_is_for_clients_that_refresh_and_groups_for_those_that_name_them() {
    // SB-48
    let refreshes = json!(["authorization_code", "refresh_token"]);
    for (grant_types, scope, registered) in [
        (&refreshes, json!(null), "openid profile email offline_access"),
        (&json!(null), json!(null), "openid profile email"),
        (
            &refreshes,
            json!("openid groups offline_access"),
            "openid groups offline_access",
        ),
        (&json!(null), json!("openid offline_access"), "openid"),
    ] {
        let metadata = register(&json!({"grant_types": grant_types, "scope": scope})).unwrap();
        assert_eq!(
            metadata.scope,
            registered.parse().unwrap(),
            "{grant_types} {scope}"
        );
    }
}

#[test]
fn an_update_repeats_the_client_id_and_sets_nothing_of_the_server() {
    // RFC 7592 §2.2
    for (body, outcome) in [
        (json!({"client_id": "a"}), Ok(None)),
        (json!({"client_id": "a", "client_secret": "s"}), Ok(Some("s"))),
        (json!({"client_id": "b"}), Err(ErrorCode::InvalidRequest)),
        (json!({}), Err(ErrorCode::InvalidRequest)),
        (json!({"client_id": 1}), Err(ErrorCode::InvalidClientMetadata)),
        (
            json!({"client_id": "a", "registration_access_token": "t"}),
            Err(ErrorCode::InvalidRequest),
        ),
        (
            json!({"client_id": "a", "client_secret_expires_at": 0}),
            Err(ErrorCode::InvalidRequest),
        ),
    ] {
        let request = RegistrationRequest::parse(body.to_string().as_bytes()).unwrap();
        assert_eq!(
            request.check_update("a").map_err(|error| error.error),
            outcome,
            "{body}"
        );
    }
}

#[test]
fn a_body_is_an_object_without_repeated_members() {
    // SB-42
    for body in [
        "",
        "[]",
        "null",
        "\"x\"",
        r#"{"client_name": "a", "client_name": "b"}"#,
        "{",
    ] {
        let error = RegistrationRequest::parse(body.as_bytes()).unwrap_err();
        assert_eq!(error.error, ErrorCode::InvalidClientMetadata, "{body}");
    }
}

proptest! {
    #[test]
    fn anything_may_be_sent(name in select_member(), value in "\\PC{0,80}", number in any::<i64>()) {
        for value in [json!(value), json!([value]), json!({"keys": value}), json!(number)] {
            if let Ok(metadata) = register(&json!({ name: value })) {
                prop_assert!(metadata.check().is_ok());
                prop_assert!(scopes().covers(&metadata.scope));
            }
        }
    }
}

fn select_member() -> impl Strategy<Value = &'static str> {
    let all = [members::REGISTRABLE, members::UNSUPPORTED].concat();
    proptest::sample::select(all)
}

#[test]
fn a_client_is_registered_for_the_types_of_details_that_the_installation_names() {
    // SB-48; RFC 9396 §10
    let (scopes, open) = (scopes(), BTreeSet::from(["account".to_owned()]));
    let body = json!({"redirect_uris": ["https://app.example/cb"], "authorization_details_types": ["account", "payment", "later"]});
    let request = RegistrationRequest::parse(body.to_string().as_bytes()).unwrap();
    let registered =
        |rules: &RegistrationRules<'_>| request.metadata(rules).unwrap().authorization_details_types;
    assert_eq!(registered(&rules(&scopes)), NO_TYPES);
    let some = RegistrationRules {
        detail_types: &open,
        ..rules(&scopes)
    };
    assert_eq!(registered(&some), open);
}
