//! Tests of the file: every error names the line, the column and the key, and no value.

use super::*;
use crate::apply::file::SecretSource;
use proptest::prelude::*;

#[test]
fn the_sample_is_a_file() {
    let sample = include_str!("../../../../deploy/samples/vestibule.toml");
    let declared = parsed(sample).expect("a file");
    assert_eq!(declared.name.as_str(), "default");
    assert_eq!(
        declared.clients.keys().collect::<Vec<_>>(),
        ["handbook", "nightly", "phone"]
    );
    let secrets: Vec<_> = declared.clients.values().map(|client| &client.secret).collect();
    assert_eq!(
        secrets,
        [
            &Some(SecretSource::File("etc/secrets/handbook".into())),
            &Some(SecretSource::Variable("NIGHTLY_SECRET".to_owned())),
            &None
        ]
    );
    assert_eq!(declared.hosts["status.example.org"].rules.public.len(), 2);
}

#[test]
fn an_error_names_line_and_key() {
    for (text, expected) in [
        ("clients = 3", "etc/vestibule.toml:1:1: clients: expected a table"),
        ("[client.shop]", "etc/vestibule.toml:1:2: client: unknown key"),
        (
            "name = \"Shop Team\"",
            "etc/vestibule.toml:1:1: name: expected 1 to 64",
        ),
        (
            "[clients.shop]\nredirect_uri = []",
            "etc/vestibule.toml:2:1: clients.shop.redirect_uri: unknown field",
        ),
        (
            "[clients.shop]\n\nredirect_uris = [\"https://a.example/cb\", 3]",
            "etc/vestibule.toml:3:42: clients.shop.redirect_uris: ",
        ),
        (
            "[clients.shop]\nclient_name = \"Shop\"",
            "etc/vestibule.toml:1:10: clients.shop.redirect_uris: ",
        ),
        (
            "[clients.\"a b\"]",
            "etc/vestibule.toml:1:10: clients.\"a b\": expected a client_id",
        ),
        (
            "[clients.shop]\nredirect_uris = [\"https://a.example/cb\"]\n[clients.shop.roles.editor]\nmembers = []",
            "etc/vestibule.toml:4:1: clients.shop.roles.editor.members: unknown field",
        ),
        (
            "[clients.shop]\nredirect_uris = [\"https://a.example/cb\"]\nclient_secret = \"hunter2hunter2\"",
            "etc/vestibule.toml:3:1: clients.shop.client_secret: a secret does not stand in the file",
        ),
        (
            "[clients.shop]\nredirect_uris = [\"https://a.example/cb\"]\nclient_secret_file = \"a\"\nclient_secret_env = \"A\"",
            "expected one of client_secret_file and client_secret_env",
        ),
        (
            "[clients.shop]\nredirect_uris = [\"https://a.example/cb\"]\ntoken_endpoint_auth_method = \"none\"\nclient_secret_file = \"a\"",
            "clients.shop: the client authenticates without a secret",
        ),
        (
            "[protected_hosts.\"wiki.example.org\"]\ngroups = [\"a\"]",
            "protected_hosts.\"wiki.example.org\": missing field `name`",
        ),
        (
            "[protected_hosts.\"wiki.example.org\"]\nname = \"Wiki\"",
            "etc/vestibule.toml:1:18: protected_hosts.\"wiki.example.org\".groups: expected a group",
        ),
        (
            "[protected_hosts.\"http://wiki.example.org\"]\nname = \"Wiki\"\neverybody = true",
            "etc/vestibule.toml:1:18: protected_hosts.\"http://wiki.example.org\": ",
        ),
        (
            "[protected_hosts]\n\"a.example\" = { name = \"A\", everybody = true }\n\"A.example\" = { name = \"A\", everybody = true }",
            "the host stands here twice",
        ),
        (
            "[protected_hosts.\"wiki.example.org\"]\neverybody = true\nname = \" \"",
            "etc/vestibule.toml:3:1: protected_hosts.\"wiki.example.org\".name: expected 1 to 100 printable characters",
        ),
        (
            "[clients.\"..\"]\nredirect_uris = [\"https://a.example/cb\"]",
            "etc/vestibule.toml:1:10: clients.\"..\": expected a client_id",
        ),
        (
            "[clients.a]\nredirect_uris = [\"https://a.example/cb\"]\nclient_secret_file = \"s/one\"\n[clients.b]\nredirect_uris = [\"https://b.example/cb\"]\nclient_secret_file = \"s/./one\"",
            "etc/vestibule.toml:6:1: clients.b.client_secret_file: the client a has the same reference",
        ),
        (
            "[clients.a]\nredirect_uris = [\"https://a.example/cb\"]\nclient_secret_env = \"ONE\"\n[clients.b]\nredirect_uris = [\"https://b.example/cb\"]\nclient_secret_env = \"ONE\"",
            "clients.b.client_secret_env: the client a has the same reference",
        ),
        (
            "[scopes.work]\nclaim = []",
            "etc/vestibule.toml:2:1: scopes.work.claim: unknown field",
        ),
        ("[clients.shop\nx = 1", "etc/vestibule.toml:1:"),
    ] {
        let error = parsed(text).expect_err(text).to_string();
        assert!(error.contains(expected), "{text}: {error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

/// A secret at a wrong place is not in the error, which stands in the log of a job.
#[test]
fn an_error_repeats_no_value() {
    for member in [
        "jwks = \"\"\"-----hunter2 PRIVATE \\\"KEY\\\" -----\n\"\"\"",
        "jwks = [\"hunter2\"]",
        "client_secret_env = \"hunter2-itself\"",
        "client_secret_env = \"2hunter2\"",
        "token_endpoint_auth_method = \"hunter2\"",
        "token_endpoint_auth_method = \"hunter2`, expected `hunter2\"",
        "grant_types = \"hunter2\"",
        "redirect_uris = [\"hunter2 hunter2\"]",
        "require_assignment = \"hunter2\"",
        "roles = \"hunter2\"",
        "id_token_signed_response_alg = \"hunter2\"",
    ] {
        let text = format!("[clients.shop]\n{member}\n");
        let error = parsed(&text).expect_err(member).to_string();
        assert!(error.contains("clients.shop"), "{error}");
        assert!(!error.contains("hunter2"), "{member}: {error}");
    }
}

/// A value that may stand in a file, with a secret in it.
fn value() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "\"hunter2\"",
        "\"hunter2\\n\\\"hunter2\\\"\"",
        "'hunter2 \"hunter2\"'",
        "\"https://hunter2.example/hunter2 \"",
        "[\"hunter2\"]",
        "[[\"hunter2\"]]",
        "{ path = \"hunter2\" }",
        "[{ path = \"hunter2\", groups = [\"hunter2\"] }]",
        "{ keys = [{ kty = \"hunter2\", x = \"hunter2\" }] }",
        "{ editor = { description = \"hunter2\", groups = \"hunter2\" } }",
        "{ editor = \"hunter2\" }",
        "[]",
        "true",
        "-3",
        "1979-05-27",
    ])
    .prop_map(str::to_owned)
}

/// A table of a file, with members that exist and others.
fn table() -> impl Strategy<Value = String> {
    let tables = [
        "",
        "[clients.shop]",
        "[clients.shop.roles.editor]",
        "[protected_hosts.\"wiki.example.org\"]",
        "[scopes.work]",
    ];
    let mut names = oidc::client::extended_members("client_secret_env");
    names.extend([
        "name",
        "client_secret",
        "client_secret_file",
        "everybody",
        "groups",
        "public",
        "restricted",
        "claims",
        "description",
        "unknown",
    ]);
    let members = prop::collection::vec((prop::sample::select(names), value()), 0..4);
    (prop::sample::select(tables.to_vec()), members).prop_map(|(table, members)| {
        let members = members
            .into_iter()
            .map(|(name, value)| format!("{name} = {value}\n"));
        format!("{table}\n{}", members.collect::<String>())
    })
}

proptest! {
    #[test]
    fn any_text_is_a_file_or_an_error(text in "[\\[\\]a-z=\"'., \n#{}0-9]{0,80}") {
        let _ = parsed(&text);
    }

    #[test]
    fn any_tables_are_a_file_or_an_error_at_a_line_without_a_value(tables in prop::collection::vec(table(), 1..4)) {
        let text = tables.concat();
        if let Err(error) = parsed(&text) {
            let error = error.to_string();
            let rest = error.strip_prefix("etc/vestibule.toml:").expect("the file");
            let (line, rest) = rest.split_once(':').expect("a line");
            let (column, _) = rest.split_once(": ").expect("a column");
            let line: usize = line.parse().expect("a number");
            prop_assert!((1..=text.matches('\n').count() + 1).contains(&line), "{}", error);
            prop_assert!(column.parse::<usize>().is_ok(), "{}", error);
            prop_assert!(!error.contains("hunter2"), "{}: {}", text, error);
        }
    }
}
