use std::io::Write;

use chassis::config::{ConfigError, load};
use serde::Deserialize;

use crate::EventsConfig;

#[derive(Debug, Deserialize)]
struct Settings {
    events: EventsConfig,
}

/// The configuration that a service reads from this file and these variables.
fn read(file: &str, variables: &[(&str, &str)]) -> Result<EventsConfig, ConfigError> {
    let mut toml = tempfile::NamedTempFile::new().unwrap();
    toml.write_all(file.as_bytes()).unwrap();
    let variables = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let settings: Settings = load("auth", Some(toml.path()), variables)?;
    settings.events.check()?;
    Ok(settings.events)
}

const CHOSEN: &str = "[events]\ntransport = \"rabbitmq\"\n";

#[test]
fn without_a_broker_the_missing_key_is_named() {
    for file in [CHOSEN, "[events]\ntransport = \"rabbitmq\"\n[events.rabbitmq]\n"] {
        let error = read(file, &[]).unwrap_err();
        assert_eq!(error.key(), "events.rabbitmq.url", "{error}");
        assert!(error.to_string().contains("missing"), "{error}");
    }
}

#[test]
fn a_url_may_come_from_a_variable_or_a_file() {
    let mut secret = tempfile::NamedTempFile::new().unwrap();
    writeln!(secret, "amqps://u:swordfish@broker:5671/v").unwrap();
    let path = secret.path().to_str().unwrap();
    for (name, value) in [
        (
            "VESTIBULE_AUTH__EVENTS__RABBITMQ__URL",
            "amqps://u:swordfish@broker:5671/v",
        ),
        ("VESTIBULE_AUTH__EVENTS__RABBITMQ__URL_FILE", path),
    ] {
        let config = read(CHOSEN, &[(name, value)]).unwrap().rabbitmq.unwrap();
        assert!(config.declare);
        assert_eq!(format!("{:?}", config.url), "BrokerUrl(broker:5671)");
    }
}

#[test]
fn a_wrong_url_is_told_by_its_key_and_never_repeated() {
    let file = format!("{CHOSEN}[events.rabbitmq]\nurl = \"http://u:swordfish@broker\"\n");
    let error = read(&file, &[]).unwrap_err();
    assert_eq!(error.key(), "events.rabbitmq.url");
    assert!(error.to_string().contains("amqp://"), "{error}");
    assert!(!format!("{error} {error:?}").contains("swordfish"), "{error:?}");
}

#[test]
fn a_certificate_needs_its_key() {
    let file = format!(
        "{CHOSEN}[events.rabbitmq]\nurl = \"amqp://broker\"\n[events.rabbitmq.tls]\ncertificate = \"a.pem\"\n"
    );
    assert_eq!(read(&file, &[]).unwrap_err().key(), "events.rabbitmq.tls.key");
}
