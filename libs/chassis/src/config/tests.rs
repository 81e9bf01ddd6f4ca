//! Tests of the configuration reader.

use std::collections::BTreeMap;
use std::path::PathBuf;

use proptest::prelude::*;
use schemars::JsonSchema;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use super::*;
use crate::db::DbConfig;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    issuer: Url,
    #[serde(default)]
    drain_seconds: Option<u64>,
    listen: ListenConfig,
    database: DbConfig,
    #[serde(default)]
    log: LogConfig,
    #[serde(default)]
    clients: BTreeMap<String, Client>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Client {
    #[schemars(with = "String")]
    secret: SecretString,
    #[serde(default)]
    scopes: Vec<String>,
}

const GOOD: &str = r#"
issuer = "http://localhost:8000"

[listen]
address = "127.0.0.1:8000"
management = "127.0.0.1:9000"

[database]
url = "sqlite:auth.db"

[clients.cli]
secret = "swordfish"
"#;

struct Case {
    folder: tempfile::TempDir,
}

impl Case {
    fn new(toml: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("auth.toml"), toml).unwrap();
        Self { folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("auth.toml")
    }

    fn load(&self, env: &[(&str, &str)]) -> Result<Settings, ConfigError> {
        let env = env
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        load("auth", Some(&self.path()), env)
    }

    fn refusal(&self, env: &[(&str, &str)]) -> String {
        let error = self.load(env).unwrap_err().to_string();
        error.replace(&self.folder.path().display().to_string(), "DIR")
    }
}

#[test]
fn a_file_is_read_and_a_variable_is_stronger() {
    let case = Case::new(GOOD);
    let settings = case.load(&[]).unwrap();
    assert_eq!(settings.listen.address.port(), 8000);
    assert_eq!(settings.log.format, LogFormat::Auto);
    assert_eq!(settings.issuer.port(), Some(8000));
    let settings = case
        .load(&[
            ("VESTIBULE_AUTH__DATABASE__URL", "sqlite:other.db"),
            ("VESTIBULE_AUTH__DATABASE__MAX_CONNECTIONS", " 3 "),
            ("VESTIBULE_AUTH__DRAIN_SECONDS", "0"),
            ("VESTIBULE_AUTH__LOG__FORMAT", "ecs"),
            ("VESTIBULE_AUTH__LISTEN__TRUSTED_PROXIES", "10.0.0.0/8, ::1"),
            (
                "VESTIBULE_AUTH__CLIENTS__NEW",
                r#"{ secret = "s", scopes = ["a", "b"] }"#,
            ),
            ("VESTIBULE_USERS__NONSENSE", "of another service"),
            ("VESTIBULE_AUTHX", "not ours"),
        ])
        .unwrap();
    assert_eq!(settings.database.url.expose_secret(), "sqlite:other.db");
    assert_eq!(settings.database.max_connections, 3);
    assert_eq!(settings.drain_seconds, Some(0));
    assert_eq!(settings.log.format, LogFormat::Ecs);
    assert_eq!(settings.listen.trusted_proxies.len(), 2);
    assert_eq!(settings.clients["new"].scopes, ["a", "b"]);
    assert_eq!(settings.clients["cli"].secret.expose_secret(), "swordfish");
}

#[test]
fn the_environment_alone_is_enough() {
    let env = [
        ("ISSUER", "http://localhost"),
        ("LISTEN__ADDRESS", "[::1]:1"),
        ("LISTEN__MANAGEMENT", "[::1]:2"),
        ("DATABASE__URL", "sqlite:x"),
    ];
    let env = env.map(|(name, text)| (format!("VESTIBULE_AUTH__{name}"), text.to_owned()));
    let settings: Settings = load("auth", None, env.into_iter()).unwrap();
    assert_eq!(settings.listen.address.port(), 1);
    let error = load::<Settings>("auth", None, std::iter::empty()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "environment: issuer: this key is missing (it can also be set with VESTIBULE_AUTH__ISSUER)"
    );
}

#[test]
fn a_secret_may_stand_in_a_file() {
    let case = Case::new(&GOOD.replace(r#"secret = "swordfish""#, r#"secret_file = "cli.secret""#));
    std::fs::write(case.folder.path().join("cli.secret"), "  trimmed\n").unwrap();
    std::fs::write(case.folder.path().join("url"), "sqlite:file.db\n").unwrap();
    let settings = case
        .load(&[("VESTIBULE_AUTH__DATABASE__URL_FILE", "url")])
        .unwrap();
    assert_eq!(settings.clients["cli"].secret.expose_secret(), "trimmed");
    assert_eq!(settings.database.url.expose_secret(), "sqlite:file.db");
}

#[test]
fn a_missing_secret_file_is_named() {
    let case = Case::new(&GOOD.replace(r#"secret = "swordfish""#, r#"secret_file = "gone""#));
    let text = case.refusal(&[]);
    assert!(
        text.starts_with("DIR/gone: clients.cli.secret: cannot read this file: No such file"),
        "{text}"
    );
    // What is overlaid need not be there.
    assert!(
        case.load(&[("VESTIBULE_AUTH__CLIENTS__CLI__SECRET", "x")])
            .is_ok()
    );
}

#[test]
fn every_mistake_names_its_place_its_key_and_what_is_expected() {
    let change = |from: &str, to: &str| Case::new(&GOOD.replace(from, to)).refusal(&[]);
    for (text, expected) in [
        (
            change("management =", "managment ="),
            "DIR/auth.toml: listen.managment: not a known key; expected one of: address, management, tls, trusted_proxies",
        ),
        (
            change("management = \"127.0.0.1:9000\"", ""),
            "DIR/auth.toml: listen.management: this key is missing (it can also be set with \
             VESTIBULE_AUTH__LISTEN__MANAGEMENT)",
        ),
        (
            change("\"127.0.0.1:8000\"", "8000"),
            "DIR/auth.toml: listen.address: expected socket address, found a whole number",
        ),
        (
            change("\"127.0.0.1:8000\"", "\"localhost\""),
            "DIR/auth.toml: listen.address: invalid socket address syntax",
        ),
        (
            change("[database]", "[log]\nformat = \"json\"\n[database]"),
            "DIR/auth.toml: log.format: expected one of: auto, text, ecs",
        ),
        (
            change("[database]", "[log]\nlevel = \"info,http=loud\"\n[database]"),
            "DIR/auth.toml: log.level: expected a level such as info, or levels by module such as info,http=debug",
        ),
        (
            change("[database]", "[database]\nurl_file = \"x\""),
            "DIR/auth.toml: database.url: both url and url_file are set",
        ),
        (
            change("[database]", "[database"),
            "DIR/auth.toml: line 8, column 10: ",
        ),
    ] {
        assert!(text.starts_with(expected), "{text}\nis not\n{expected}");
    }
}

#[test]
fn mistakes_in_variables_name_the_variable() {
    let case = Case::new(GOOD);
    for (name, text, expected) in [
        (
            "VESTIBULE_AUTH__DATABASE__MAX_CONNECTIONS",
            "many",
            "VESTIBULE_AUTH__DATABASE__MAX_CONNECTIONS: database.max_connections: \
             expected a whole number from 0 to 4294967295",
        ),
        (
            "VESTIBULE_AUTH__DATABSE__URL",
            "x",
            "VESTIBULE_AUTH__DATABSE__URL: databse: not a known key; expected one of: issuer, drain_seconds, listen, \
             database, log, clients",
        ),
        (
            "VESTIBULE_AUTH__ISSUER__HOST",
            "x",
            "VESTIBULE_AUTH__ISSUER__HOST: issuer.host: a part of this variable's name is a value, not a table",
        ),
        (
            "VESTIBULE_AUTH__",
            "x",
            "VESTIBULE_AUTH__: a part of this variable's name is empty",
        ),
    ] {
        assert_eq!(case.refusal(&[(name, text)]), expected);
    }
    let both = [
        ("VESTIBULE_AUTH__DATABASE__URL", "x"),
        ("VESTIBULE_AUTH__DATABASE__URL_FILE", "y"),
    ];
    assert!(case.refusal(&both).contains("are both set"));
}

#[test]
fn no_mistake_prints_a_value() {
    let secret = "swordfish";
    let case = Case::new(GOOD);
    for name in [
        "ISSUER",
        "DRAIN_SECONDS",
        "LISTEN",
        "LISTEN__ADDRESS",
        "LISTEN__TRUSTED_PROXIES",
        "DATABASE",
        "DATABASE__MAX_CONNECTIONS",
        "LOG__FORMAT",
        "CLIENTS__CLI",
        "CLIENTS__CLI__UNKNOWN",
        "CLIENTS__CLI__SECRET__MORE",
    ] {
        let text = case.refusal(&[(&format!("VESTIBULE_AUTH__{name}"), secret)]);
        assert!(!text.contains(secret), "{name}: {text}");
    }
    // A syntax error in the line of a secret.
    let text = Case::new(&GOOD.replace("\"swordfish\"", "\"swordfish")).refusal(&[]);
    assert!(!text.contains(secret), "{text}");
    assert!(text.contains("line 12"), "{text}");
    // Nor does a setting print itself.
    assert!(!format!("{:?}", case.load(&[]).unwrap()).contains(secret));
}

#[test]
fn a_file_that_is_missing_or_not_text_is_named() {
    let error =
        load::<Settings>("auth", Some("/nowhere/auth.toml".as_ref()), std::iter::empty()).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("/nowhere/auth.toml: cannot read this file:")
    );
    let case = Case::new("");
    std::fs::write(case.path(), b"issuer = \"\xff\"").unwrap();
    assert_eq!(case.refusal(&[]), "DIR/auth.toml: not UTF-8: byte 11 is wrong");
}

#[test]
fn the_schema_has_every_key_and_files_for_texts() {
    let schema = schema::<Settings>();
    assert!(schema["properties"]["issuer"].is_object());
    let client = &schema["$defs"]["Client"];
    assert!(client["properties"]["secret_file"].is_object());
    assert_eq!(client["allOf"][0]["oneOf"][1]["required"][0], "secret_file");
    assert_eq!(client["additionalProperties"], false);
}

proptest! {
    // SB-42
    #[test]
    fn any_variable_is_used_or_refused(name in "[A-Za-z_]{0,40}", text in ".{0,60}") {
        let env = [(format!("VESTIBULE_AUTH__{name}"), text)];
        let _ = load::<Settings>("auth", None, env.into_iter());
    }

    #[test]
    fn any_text_survives_the_way_through_a_variable(text in "[^\0]{1,60}") {
        let env = [
            ("VESTIBULE_X__SECRET".to_owned(), text.clone()),
            ("VESTIBULE_X__SCOPES".to_owned(), "a".to_owned()),
        ];
        let client: Client = load("x", None, env.into_iter()).unwrap();
        prop_assert_eq!(client.secret.expose_secret(), &text);
    }

    #[test]
    fn any_file_is_used_or_refused(text in "(issuer|\\[listen\\]|=|\"|[a-z.\\[\\]{}\n ]){0,40}") {
        let _ = Case::new(&text).load(&[]);
    }
}
