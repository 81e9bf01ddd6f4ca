//! Tests of the data directory of `vestibule up`.

mod addresses;

use std::fs;
use std::io::{Error, ErrorKind};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use chassis::random::SystemRandom;
use secrecy::ExposeSecret;
use tempfile::TempDir;

use super::*;
use crate::error::{CommandError, ErrorCode};

const NO_ENV: &dyn Fn(&str) -> Option<String> = &|_| None;

fn temporary_directory() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

fn random() -> SharedRandom {
    Arc::new(SystemRandom::default())
}

fn started(temp: &TempDir, ports: Ports) -> (DataDir, StackAddresses) {
    let data = DataDir::create(&temp.path().join("data")).expect("made");
    let addresses = data.addresses(ports, NO_ENV).expect("addresses");
    data.prepare(&addresses, &random()).expect("prepared");
    (data, addresses)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("metadata").permissions().mode() & 0o777
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// The environment variables of the services.
fn variables_for(
    data: &DataDir,
    ports: Ports,
    env: &dyn Fn(&str) -> Option<String>,
) -> Vec<(String, String)> {
    let addresses = data.addresses(ports, env).expect("addresses");
    let variables = data.overlay(&addresses, ports, env).expect("an overlay");
    let pair = |variable: EnvVariable| (variable.name, variable.value);
    variables.into_iter().map(pair).collect()
}

#[test]
fn a_first_start_makes_everything_for_its_owner_alone() {
    let temp = temporary_directory();
    let (data, _) = started(&temp, Ports::default());
    assert_eq!(mode(data.root()), 0o700);
    assert_eq!(mode(data.secrets().folder()), 0o700);
    let secrets: Vec<_> = fs::read_dir(data.secrets().folder())
        .expect("listed")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    assert_eq!(secrets.len(), 5);
    let files = [
        data.auth_file(),
        data.users_file(),
        data.root().join("operator.json"),
    ];
    for file in secrets.iter().chain(&files) {
        assert_eq!(mode(file), 0o600, "{}", file.display());
    }
    let leftovers = fs::read_dir(data.root()).expect("listed");
    let leftovers = leftovers.filter(|entry| {
        let name = entry.as_ref().expect("an entry").file_name();
        name.to_string_lossy().starts_with(".new-")
    });
    assert_eq!(leftovers.count(), 0);
}

#[test]
fn a_directory_that_was_there_is_closed_only_while_it_is_empty() {
    let temp = temporary_directory();
    let open = || fs::set_permissions(temp.path(), fs::Permissions::from_mode(0o755)).expect("changed");
    open();
    DataDir::create(temp.path()).expect("made");
    assert_eq!(mode(temp.path()), 0o700);
    open();
    fs::write(temp.path().join("something"), "x").expect("written");
    DataDir::create(temp.path()).expect("made");
    assert_eq!(mode(temp.path()), 0o755);
}

#[test]
fn secrets_differ_and_stay_from_start_to_start() {
    let temp = temporary_directory();
    let (data, addresses) = started(&temp, Ports::default());
    let secret = |name| {
        data.secrets()
            .client(name)
            .expect("a secret")
            .expose_secret()
            .to_owned()
    };
    let first = secret("vestibule-auth");
    assert!(first.len() >= 43, "256 bits");
    assert_ne!(first, secret("vestibule-users"));
    assert_ne!(first, secret("vestibule-cli"));
    data.prepare(&addresses, &random()).expect("prepared again");
    assert_eq!(first, secret("vestibule-auth"));
    let operator = data.operator().expect("an operator");
    assert_eq!(operator.client_secret.expose_secret(), secret("vestibule-cli"));
    assert!(!format!("{operator:?}").contains(operator.client_secret.expose_secret()));
}

#[test]
fn an_operators_edits_stay_and_are_heeded() {
    let temp = temporary_directory();
    let (data, _) = started(&temp, Ports::default());
    let edited = fs::read_to_string(data.auth_file())
        .expect("read")
        .replace("127.0.0.1:8000", "0.0.0.0:8010")
        .replace("http://localhost:8000", "https://id.example.org");
    fs::write(data.auth_file(), &edited).expect("written");
    let addresses = data.addresses(Ports::default(), NO_ENV).expect("addresses");
    data.prepare(&addresses, &random()).expect("prepared");
    assert_eq!(fs::read_to_string(data.auth_file()).expect("read"), edited);
    assert_eq!(addresses.auth.listen.to_string(), "0.0.0.0:8010");
    assert_eq!(addresses.auth.url, "https://id.example.org");
    assert_eq!(
        data.operator().expect("an operator").auth_url,
        "https://id.example.org"
    );
}

#[test]
fn ports_of_the_command_line_go_over_the_files_by_environment() {
    let temp = temporary_directory();
    let (data, _) = started(&temp, Ports::default());
    let ports = Ports {
        auth: Some(8100),
        // Named, so that it does not matter what else listens on this machine.
        auth_management: Some(9000),
        users_management: Some(9101),
        ..Ports::default()
    };
    let addresses = data.addresses(ports, NO_ENV).expect("addresses");
    assert_eq!(
        variables_for(&data, ports, NO_ENV),
        [
            ("VESTIBULE_AUTH__LISTEN__ADDRESS", "127.0.0.1:8100"),
            ("VESTIBULE_AUTH__ISSUER", "http://localhost:8100"),
            ("VESTIBULE_USERS__AUTH__ISSUER", "http://localhost:8100"),
            ("VESTIBULE_USERS__LISTEN__MANAGEMENT", "127.0.0.1:9101"),
        ]
        .map(owned)
    );
    assert_eq!(addresses.users.url, "http://localhost:8001");
    assert!(variables_for(&data, Ports::default(), NO_ENV).is_empty());
}

#[test]
fn an_issuer_behind_a_proxy_does_not_follow_the_port() {
    let temp = temporary_directory();
    let (data, _) = started(&temp, Ports::default());
    let env = |name: &str| (name == "VESTIBULE_AUTH__ISSUER").then(|| "https://id.example.org".to_owned());
    let ports = Ports {
        auth: Some(8100),
        ..Ports::default()
    };
    let addresses = data.addresses(ports, &env).expect("addresses");
    assert_eq!(
        (addresses.auth.url.as_str(), addresses.auth.listen.port()),
        ("https://id.example.org", 8100)
    );
}

#[test]
fn the_first_start_writes_the_ports_that_it_was_given() {
    let temp = temporary_directory();
    let ports = Ports {
        auth: Some(0),
        users: Some(8101),
        ..Ports::default()
    };
    let (data, addresses) = started(&temp, ports);
    assert_ne!(addresses.auth.listen.port(), 0);
    let later = data.addresses(Ports::default(), NO_ENV).expect("addresses");
    assert_eq!(later, addresses);
}

#[test]
fn a_broken_file_is_named_with_the_place_of_the_fault() {
    let temp = temporary_directory();
    let (data, _) = started(&temp, Ports::default());
    for (content, expected) in [
        ("issuer = \"http://localhost:8000\"\n[listen\n", "line 2"),
        ("[listen]\naddress = \"8000\"\n", "listen.address"),
        ("[listen]\nmanagement = 9000\n", "listen.management"),
    ] {
        fs::write(data.auth_file(), content).expect("written");
        let error = data.addresses(Ports::default(), NO_ENV).expect_err("refused");
        let failure = CommandError::from(error);
        assert_eq!(failure.code(), ErrorCode::Usage);
        let text = failure.to_string();
        assert!(text.contains("auth.toml") && text.contains(expected), "{text}");
    }
}

#[test]
fn the_lock_has_one_holder_and_tells_who_and_whether_the_last_one_crashed() {
    let temp = temporary_directory();
    let data = DataDir::create(temp.path()).expect("made");
    assert_eq!(lock_holder(data.root()), None);
    let lock = data.lock().expect("taken");
    assert!(!lock.after_a_crash);
    let pid = std::process::id().to_string();
    assert_eq!(lock_holder(data.root()), Some(pid.clone()));
    let refused = data.lock().expect_err("held");
    assert!(
        refused.to_string().contains(&format!("process {pid}")),
        "{refused}"
    );
    assert_eq!(CommandError::from(refused).code(), ErrorCode::Conflict);
    drop(lock);
    assert!(!data.lock().expect("taken again").after_a_crash);
    // What a process leaves that was killed.
    fs::write(data.root().join("lock"), "4711\n").expect("written");
    assert!(data.lock().expect("taken again").after_a_crash);
}

#[test]
fn a_file_is_no_data_directory() {
    let temp = temporary_directory();
    let path = temp.path().join("file");
    fs::write(&path, "x").expect("written");
    for error in [
        DataDir::create(&path).expect_err("refused"),
        DataDir::create(&path.join("inside")).expect_err("refused"),
        DataDir::open(&path)
            .and_then(|data| data.operator().map(|_| data))
            .expect_err("refused"),
    ] {
        let text = CommandError::from(error).to_string();
        assert!(text.contains("it is a file, not a directory"), "{text}");
    }
}

#[test]
fn a_directory_that_nothing_was_started_on_says_what_to_do() {
    let temp = temporary_directory();
    let failure = CommandError::from(DataDir::open(temp.path()).expect_err("nothing there"));
    assert_eq!(failure.code(), ErrorCode::NotFound);
    assert!(failure.to_string().contains("vestibule up"), "{failure}");
}

#[test]
fn what_the_operating_system_refuses_is_said_in_plain_words_with_a_remedy() {
    for (kind, code, words) in [
        (
            ErrorKind::PermissionDenied,
            ErrorCode::Denied,
            "permission denied",
        ),
        (ErrorKind::StorageFull, ErrorCode::Failed, "the disk is full"),
        (
            ErrorKind::ReadOnlyFilesystem,
            ErrorCode::Failed,
            "the file system is read-only",
        ),
    ] {
        let error = DataDirError::io("write", Path::new("/data/auth.toml"))(Error::from(kind));
        let failure = CommandError::from(error);
        assert_eq!(failure.code(), code);
        let text = failure.to_string();
        assert!(
            text.starts_with(&format!("cannot write /data/auth.toml: {words}")),
            "{text}"
        );
        assert!(text.contains("--data DIR"), "{text}");
    }
}

#[test]
fn a_file_that_cannot_be_written_is_not_there_in_part() {
    let temp = temporary_directory();
    let target = temp.path().join("taken");
    fs::create_dir(&target).expect("made");
    files::replace(&target, b"secret").expect_err("a directory is in the way");
    let names: Vec<_> = fs::read_dir(temp.path())
        .expect("listed")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    assert_eq!(names, ["taken"]);
}

#[test]
fn port_zero_is_a_free_port() {
    let temp = temporary_directory();
    let data = DataDir::create(temp.path()).expect("made");
    let ports = Ports {
        auth: Some(0),
        ..Ports::default()
    };
    let addresses = data.addresses(ports, NO_ENV).expect("addresses");
    TcpListener::bind(addresses.auth.listen).expect("free");
    assert_eq!(
        addresses.auth.url,
        format!("http://localhost:{}", addresses.auth.listen.port())
    );
}
