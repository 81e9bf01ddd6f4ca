//! Tests of the options of `vestibule client`.

use clap::Parser;
use oidc::client::{AuthMethod, ClientMetadata, ClientProfile};
use oidc::jose::Algorithm;
use serde_json::json;

use super::metadata::read_key_set;
use super::*;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    add: Add,
}

fn metadata(arguments: &[&str]) -> Result<ClientMetadata, String> {
    let line = Line::try_parse_from([&["x", "Shop"], arguments].concat());
    let line = line.map_err(|error| error.to_string())?;
    line.add.metadata().map_err(|invalid| invalid.to_string())
}

const CALLBACK: [&str; 2] = ["--redirect-uri", "https://shop.example.org/callback"];
const POST: [&str; 2] = ["--token-endpoint-auth-method", "client_secret_post"];

#[test]
fn a_private_key_is_not_sent() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("keys.json");
    for (text, good) in [
        (
            r#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#,
            true,
        ),
        (
            r#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qY", "d": "nWGx"}]}"#,
            false,
        ),
        ("null", false),
        ("-----BEGIN PUBLIC KEY-----", false),
    ] {
        std::fs::write(&path, text).expect("written");
        let read = read_key_set(&path);
        assert_eq!(read.is_ok(), good, "{text}: {read:?}");
        assert!(!format!("{read:?}").contains("nWGx"));
    }
}

#[test]
fn a_client_is_registered_for_the_one_method_that_was_named() {
    for (arguments, method) in [
        (&[][..], AuthMethod::ClientSecretBasic),
        (&["--public"], AuthMethod::None),
        (&POST, AuthMethod::ClientSecretPost),
    ] {
        let made = metadata(&[&CALLBACK, arguments].concat()).expect("metadata");
        assert_eq!(made.token_endpoint_auth_method, method);
        assert_eq!(made.scope, ClientMetadata::default().scope);
    }
    let both = [&CALLBACK[..], &POST, &["--public"]].concat();
    assert!(metadata(&both).is_err(), "a public client has no secret");
}

#[test]
fn what_does_not_fit_together_is_said_before_the_service_is_asked() {
    for (arguments, expected) in [
        (&[][..], "redirect_uris: "),
        (
            &["--public", "--grant-type", "client_credentials"],
            "token_endpoint_auth_method: ",
        ),
        (
            &["--grant-type", "client_credentials", "--scope", "a\"b"],
            "scope: ",
        ),
    ] {
        let refused = metadata(arguments).expect_err("it is refused");
        assert!(refused.starts_with(expected), "{refused}");
    }
    let refused = metadata(&["--grant-type", "password"]).expect_err("it is refused");
    assert!(refused.contains("authorization_code"), "{refused}");
}

#[test]
fn a_client_of_a_profile_gets_its_algorithms() {
    let method = ["--token-endpoint-auth-method", "private_key_jwt"];
    let keys = ["--jwks-uri", "https://shop.example.org/jwks"];
    let profile = ["--profile", "fapi2"];
    let made = metadata(&[&CALLBACK[..], &method, &keys, &profile].concat()).expect("metadata");
    assert_eq!(made.profile, Some(ClientProfile::Fapi2));
    assert_eq!(made.id_token_signed_response_alg, Algorithm::Es256);
    let secret = metadata(&[&CALLBACK[..], &profile].concat()).expect_err("it is refused");
    assert!(secret.starts_with("token_endpoint_auth_method: "), "{secret}");
    let other = metadata(&[&CALLBACK[..], &["--profile", "fapi1"]].concat()).expect_err("it is refused");
    assert!(other.contains("fapi2"), "{other}");
}

#[test]
fn an_api_and_the_application_that_calls_it_are_registered() {
    let machine = ["--grant-type", "client_credentials"];
    let api = metadata(&[&machine[..], &["--resource", "https://stock.example"]].concat()).expect("metadata");
    assert_eq!(json!(api)["resource"], "https://stock.example");
    let options = [
        "--audience",
        "https://stock.example",
        "--audience",
        "https://bank.example",
        "--access-token-format",
        "opaque",
        "--backchannel-logout-uri",
        "https://shop.example.org/logout",
        "--dpop-bound-access-tokens",
        "true",
    ];
    let shop = json!(metadata(&[&CALLBACK[..], &options].concat()).expect("metadata"));
    assert_eq!(
        shop["audiences"],
        json!(["https://stock.example", "https://bank.example"])
    );
    assert_eq!(shop["access_token_format"], "opaque");
    assert_eq!(shop["backchannel_logout_uri"], "https://shop.example.org/logout");
    assert_eq!(shop["dpop_bound_access_tokens"], true);
    let refused = metadata(&[&CALLBACK[..], &["--audience", "stock"]].concat()).expect_err("it is refused");
    assert!(refused.contains("absolute URI"), "{refused}");
}

#[test]
fn a_client_gets_identifiers_of_its_sector() {
    let pairwise = ["--subject-type", "pairwise"];
    let sector = ["--sector-identifier-uri", "https://group.example.org/uris.json"];
    let other = ["--redirect-uri", "https://store.example.org/callback"];
    let made = metadata(&[&CALLBACK[..], &pairwise].concat()).expect("metadata");
    assert_eq!(made.sector().as_deref(), Some("shop.example.org"));
    let refused = metadata(&[&CALLBACK[..], &other, &pairwise].concat()).expect_err("it has two hosts");
    assert!(refused.starts_with("sector_identifier_uri: "), "{refused}");
    let made = metadata(&[&CALLBACK[..], &other, &pairwise, &sector].concat()).expect("metadata");
    assert_eq!(made.sector().as_deref(), Some("group.example.org"));
    let unknown =
        metadata(&[&CALLBACK[..], &["--subject-type", "secret"]].concat()).expect_err("it is refused");
    assert!(unknown.contains("pairwise"), "{unknown}");
}

#[derive(Parser)]
struct UpdateLine {
    #[command(flatten)]
    update: Update,
}

#[test]
fn an_update_changes_what_is_named_and_leaves_the_rest() {
    let known = json!({
        "client_id": "shop", "client_name": "Shop", "redirect_uris": ["https://shop.example.org/callback"],
        "scope": "openid email", "require_pkce": true, "id_token_signed_response_alg": "ES256",
        "only_at_night": true, "origin": "administrator", "version": 3, "created_at": "2026-11-30T00:00:00Z",
    });
    let changed = |arguments: &[&str]| {
        let line = UpdateLine::try_parse_from([&["x", "shop"], arguments].concat()).expect("options");
        let body = line.update.changed(known.clone());
        let body = body.map_err(|error| error.to_string())?;
        assert_eq!(
            body["only_at_night"], true,
            "a member of a later release goes back as it came"
        );
        assert!(body.get("version").is_none() && body.get("origin").is_none());
        let mut understood = body.clone();
        understood
            .as_object_mut()
            .expect("an object")
            .retain(|name, _| !["only_at_night", "client_id"].contains(&name.as_str()));
        Ok::<ClientMetadata, String>(serde_json::from_value(understood).expect("metadata"))
    };
    let pkce = changed(&["--require-pkce", "false"]).expect("metadata");
    assert!(!pkce.require_pkce);
    assert_eq!(
        (pkce.client_name.as_deref(), pkce.scope.to_string().as_str()),
        (Some("Shop"), "openid email")
    );
    let renamed = changed(&[
        "--name",
        "Store",
        "--redirect-uri",
        "https://store.example.org/cb",
    ])
    .expect("metadata");
    assert_eq!(renamed.client_name.as_deref(), Some("Store"));
    assert_eq!(renamed.redirect_uris.len(), 1);
    let refused = changed(&["--public", "--require-pkce", "false"]).expect_err("it is refused");
    assert!(refused.contains("require_pkce: "), "{refused}");
}
