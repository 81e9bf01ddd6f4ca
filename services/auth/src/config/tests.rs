//! Tests of the configuration and of `auth.sample.toml`.

use std::path::Path;

use super::*;

fn read(text: &str) -> Settings {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("auth.toml");
    std::fs::write(&file, text).unwrap();
    chassis::config::load("auth", Some(&file), std::iter::empty()).unwrap()
}

fn sample() -> String {
    let file = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/auth.sample.toml"));
    std::fs::read_to_string(file).unwrap()
}

#[test]
fn the_sample_configuration_is_read_and_fit_for_use() {
    let settings = read(&sample());
    settings.check().unwrap();
    assert_eq!(settings.issuer.as_str(), "http://localhost:8000");
    chassis::cipher::Cipher::new(&settings.encryption).unwrap();
}

#[test]
fn the_sample_shows_every_default_as_it_is() {
    let sample = sample();
    let needed = ["listen", "database", "users", "encryption", "service", "clients"];
    let mut keep = true;
    let least: Vec<&str> = sample
        .lines()
        .filter(|line| {
            if let Some(table) = line.strip_prefix('[') {
                keep = needed.iter().any(|name| table.starts_with(name));
            }
            keep && !line.starts_with("drain_seconds")
        })
        .collect();
    assert_eq!(
        format!("{:?}", read(&least.join("\n"))),
        format!("{:?}", read(&sample))
    );
}

// SB-5, SB-21
#[test]
fn what_would_weaken_the_service_is_refused_by_key() {
    for (from, to, key) in [
        (
            "argon2_memory_kib = 19456",
            "argon2_memory_kib = 19455",
            "passwords.argon2_memory_kib",
        ),
        (
            "argon2_iterations = 2",
            "argon2_iterations = 1",
            "passwords.argon2_iterations",
        ),
        ("min_length = 15", "min_length = 7", "passwords.min_length"),
        ("code_seconds = 60", "code_seconds = 61", "tokens.code_seconds"),
        (
            "issuer = \"http://localhost:8000\"",
            "issuer = \"http://id.example.org\"",
            "issuer",
        ),
        (
            "# internal_url = \"http://vestibule-users:8001\"",
            "internal_url = \"ftp://vestibule-users\"",
            "users.internal_url",
        ),
    ] {
        let text = sample().replacen(from, to, 1);
        let error = read(&text).check().unwrap_err();
        assert_eq!(error.key(), key);
    }
}

#[test]
fn people_are_asked_where_everybody_may_register_an_application() {
    // SB-29
    for (mode, asked, refused) in [
        ("open", "true", false),
        ("open", "false", true),
        ("token", "false", false),
    ] {
        let text = sample()
            .replacen("clients = \"off\"", &format!("clients = \"{mode}\""), 1)
            .replacen("require_consent = true", &format!("require_consent = {asked}"), 1);
        let outcome = read(&text).check();
        assert_eq!(outcome.is_err(), refused, "{mode} {asked}");
        if let Err(error) = outcome {
            assert_eq!(error.key(), "registration.require_consent");
        }
    }
}

#[test]
fn applications_register_for_types_of_details_that_are_configured() {
    let text = sample().replacen(
        "\nauthorization_details_types = []",
        "\nauthorization_details_types = [\"payment\"]",
        1,
    );
    let error = read(&text).check().unwrap_err();
    assert_eq!(error.key(), "registration.authorization_details_types");
    let known = format!("{text}\n[authorization_details.payment]\ndescription = \"Start a payment\"\n");
    assert_eq!(read(&known).check().map_err(|error| error.to_string()), Ok(()));
}

#[test]
fn an_http_issuer_is_for_this_machine_unless_a_setting_says_otherwise() {
    let with = |issuer: &str| read(&sample().replacen("http://localhost:8000", issuer, 1));
    for issuer in [
        "http://id.example.org",
        "http://10.0.0.7:8000",
        "http://auth:8000/idp",
    ] {
        let mut settings = with(issuer);
        let error = settings.check().unwrap_err();
        assert_eq!(error.key(), "issuer");
        assert!(error.to_string().contains("allow_insecure_issuer"), "{error}");
        settings.allow_insecure_issuer = true;
        settings.check().unwrap();
    }
    for issuer in [
        "https://id.example.org/idp",
        "http://localhost:8000/idp",
        "http://127.0.0.1:8000",
        "http://[::1]",
    ] {
        with(issuer).check().unwrap();
    }
}

#[test]
fn a_public_url_that_cannot_be_one_is_refused_by_key() {
    for (from, to, key) in [
        (
            "url = \"http://localhost:8001\"",
            "url = \"ftp://localhost\"",
            "users.url",
        ),
        (
            "issuer = \"http://localhost:8000\"",
            "issuer = \"https://example.org/a//b\"",
            "issuer",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("auth.toml");
        std::fs::write(&file, sample().replacen(from, to, 1)).unwrap();
        let error = chassis::config::load::<Settings>("auth", Some(&file), std::iter::empty()).unwrap_err();
        assert_eq!(error.key(), key);
    }
}

#[test]
fn a_broker_without_its_settings_is_refused_by_key() {
    let text = sample().replacen("transport = \"feed\"", "transport = \"kafka\"", 1);
    assert_eq!(read(&text).check().unwrap_err().key(), "events.kafka");
}

#[test]
fn a_derived_secret_is_the_same_on_every_replica_and_another_for_every_purpose() {
    let (one, other) = (read(&sample()), read(&sample()));
    assert_eq!(
        one.secret_for("pages").unwrap(),
        other.secret_for("pages").unwrap()
    );
    assert_ne!(one.secret_for("pages").unwrap(), one.secret_for("else").unwrap());
}

#[test]
fn a_key_that_was_renamed_is_refused_with_the_names_that_there_are() {
    for (from, to, key, now) in [
        (
            "client_secret = \"replace",
            "secret = \"replace",
            "clients.vestibule-auth.secret",
            "client_secret",
        ),
        (
            "scope = \"users:read",
            "scopes = \"users:read",
            "clients.vestibule-auth.scopes",
            "scope",
        ),
        (
            "scope = \"users:read",
            "name = \"users:read",
            "clients.vestibule-auth.name",
            "client_name",
        ),
        (
            "scope = \"users:read",
            "id_token_algorithm = \"users:read",
            "clients.vestibule-auth.id_token_algorithm",
            "id_token_signed_response_alg",
        ),
        (
            "header_timeout_seconds",
            "header_seconds",
            "limits.header_seconds",
            "header_timeout_seconds",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("auth.toml");
        std::fs::write(&file, sample().replacen(from, to, 1)).unwrap();
        let error = chassis::config::load::<Settings>("auth", Some(&file), std::iter::empty()).unwrap_err();
        assert_eq!(error.key(), key);
        let text = error.to_string();
        let (_, names) = text.split_once("not a known key; expected one of: ").unwrap();
        assert!(names.split(", ").any(|name| name == now), "{text}");
    }
}

#[test]
fn a_client_may_stand_in_the_environment_alone() {
    let variables = [
        ("CLIENT_SECRET", "0123456789abcdef0123456789abcdef"),
        ("GRANT_TYPES", "client_credentials, refresh_token"),
        ("SCOPE", "users:read events:read"),
        ("AUDIENCES", "http://localhost:8001"),
    ]
    .map(|(key, text)| (format!("VESTIBULE_AUTH__CLIENTS__ROBOT__{key}"), text.to_owned()));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("auth.toml");
    std::fs::write(&file, sample()).unwrap();
    let settings: Settings = chassis::config::load("auth", Some(&file), variables.into_iter()).unwrap();
    let robot = &settings.clients["robot"];
    assert!(robot.client_secret.is_some());
    assert_eq!(robot.metadata.grant_types.len(), 2);
    assert_eq!(robot.metadata.scope.to_string(), "users:read events:read");
    assert_eq!(robot.metadata.audiences.len(), 1);
}

#[test]
fn recipients_of_an_export_are_keys_of_age_and_the_retired_switch_says_so() {
    let key = "age1j6w7s3mmqp0zw34wl96kh4paw6ezqw290wgey3yradffms8lpvhsuhd0s3";
    let with = |line: &str| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("auth.toml");
        std::fs::write(&file, sample().replacen("export_recipients = []", line, 1)).unwrap();
        chassis::config::load::<Settings>("auth", Some(&file), std::iter::empty())
    };
    let settings = with(&format!("export_recipients = [\"{key}\"]")).unwrap();
    assert_eq!(settings.passwords.export_recipients.len(), 1);
    let error = with("export_recipients = [\"age1secret\"]").unwrap_err();
    assert_eq!(error.key(), "passwords.export_recipients");
    assert!(
        error.to_string().contains("expected a public key of age"),
        "{error}"
    );
    for retired in ["allow_export = false", "allow_export = true"] {
        let error = with(retired).unwrap_err();
        assert_eq!(error.key(), "passwords.allow_export");
        assert!(error.to_string().contains("export_recipients names"), "{error}");
    }
}
