//! Tests of the configuration.

use std::path::Path;

use super::*;

#[test]
fn the_sample_configuration_is_read() {
    let file = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/users.sample.toml"));
    let settings: Settings = chassis::config::load("users", Some(file), std::iter::empty()).unwrap();
    assert_eq!(settings.audience(), "http://localhost:8001");
    assert_eq!(settings.auth.issuer(), "http://localhost:8000");
    assert_eq!(settings.auth.registrar, default_registrar());
}

#[test]
fn the_kafka_settings_of_the_sample_are_read_when_they_are_no_comment() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("users.toml");
    let sample = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/users.sample.toml"));
    let sample = std::fs::read_to_string(sample).unwrap();
    let read = |text: &str| -> Settings {
        std::fs::write(&file, text).unwrap();
        chassis::config::load("users", Some(&file), std::iter::empty()).unwrap()
    };
    let chosen = sample.replacen("transport = \"feed\"", "transport = \"kafka\"", 1);
    assert_eq!(read(&chosen).check().unwrap_err().key(), "events.kafka");
    let mut inside = false;
    let lines: Vec<String> = chosen
        .lines()
        .map(|line| {
            let bare = line.strip_prefix("# ").unwrap_or_default();
            if bare.starts_with('[') {
                inside = bare.starts_with("[events.kafka");
            }
            // Keys, and not the sentences about them.
            let key =
                bare.starts_with('[') || bare.split_once(" = ").is_some_and(|(key, _)| !key.contains(' '));
            if inside && key { bare } else { line }
                .replace("password_file = \"/run/secrets/kafka\"", "password = \"x\"")
        })
        .collect();
    let settings = read(&lines.join("\n"));
    settings.check().unwrap();
    let kafka = settings.events.kafka.unwrap();
    assert_eq!((kafka.brokers.len(), kafka.partitions.get()), (2, 16));
    assert_eq!(kafka.sasl.unwrap().user, "vestibule-users");
}

#[test]
fn the_sample_shows_every_default_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("users.toml");
    let least = "url = \"http://localhost:8001\"\n\
        listen = { address = \"127.0.0.1:8001\", management = \"127.0.0.1:9001\" }\n\
        database = { url = \"sqlite:users.db\" }\n\
        auth = { issuer = \"http://localhost:8000\", client_secret = \"replace me; better, client_secret_file\" }\n";
    std::fs::write(&file, least).unwrap();
    let defaults: Settings = chassis::config::load("users", Some(&file), std::iter::empty()).unwrap();
    let sample = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/users.sample.toml"));
    let sample: Settings = chassis::config::load("users", Some(sample), std::iter::empty()).unwrap();
    assert_eq!(format!("{defaults:?}"), format!("{sample:?}"));
}

#[test]
fn passwords_are_accepted_refused_or_ignored() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("users.toml");
    let sample = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/users.sample.toml"));
    let sample = std::fs::read_to_string(sample).unwrap();
    let read = |value: &str, variable: Option<&str>| {
        let text = sample.replacen("passwords = \"accept\"", &format!("passwords = {value}"), 1);
        assert_ne!(
            (text == sample, value),
            (true, "\"ignore\""),
            "the sample has the key"
        );
        std::fs::write(&file, text).unwrap();
        let name = "VESTIBULE_USERS__SCIM__PASSWORDS";
        let variables = variable.map(|value| (name.to_owned(), value.to_owned()));
        chassis::config::load::<Settings>("users", Some(&file), variables.into_iter())
            .map(|settings| settings.scim.passwords)
    };
    for (value, expected) in [
        ("\"accept\"", ScimPasswords::Accept),
        ("\"refuse\"", ScimPasswords::Refuse),
        ("\"ignore\"", ScimPasswords::Ignore),
        // The values of releases that knew no third one.
        ("true", ScimPasswords::Accept),
        ("false", ScimPasswords::Refuse),
    ] {
        assert_eq!(read(value, None).unwrap(), expected, "{value}");
        let text = value.trim_matches('"');
        assert_eq!(read("\"accept\"", Some(text)).unwrap(), expected, "{value}");
    }
    let refused = read("\"maybe\"", None).unwrap_err();
    assert!(refused.to_string().contains("accept"), "{refused}");
}
