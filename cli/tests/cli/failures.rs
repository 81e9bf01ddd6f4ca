//! Tests of errors: each is reported before anything is changed, with its exit code.

use std::fs;
use std::net::TcpListener;

use testkit::free_port;

use crate::stack::{Up, run_tool_alone, run_with_empty_variable, vestibule};

#[test]
fn a_taken_port_is_named_and_nothing_is_written() {
    let temp = tempfile::tempdir().expect("a temporary directory");
    let data = temp.path().join("data");
    let data = data.to_str().expect("UTF-8");
    for option in [
        "--auth-port",
        "--users-port",
        "--auth-management-port",
        "--users-management-port",
    ] {
        let holder = TcpListener::bind(("127.0.0.1", free_port())).expect("bound");
        let port = holder.local_addr().expect("an address").port().to_string();
        let mut arguments = vec!["up", "--data", data, option, &port];
        for other in [
            "--auth-port",
            "--users-port",
            "--auth-management-port",
            "--users-management-port",
        ] {
            if other != option {
                arguments.extend([other, "0"]);
            }
        }
        let message = vestibule(&arguments, "").fails(4);
        assert!(
            message.contains(&format!("port {port} ")) && message.contains(option),
            "{message}"
        );
    }
    let left: Vec<_> = fs::read_dir(data)
        .expect("listed")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    assert_eq!(left, ["lock"]);
}

#[test]
fn a_variable_that_is_set_to_nothing_is_not_set() {
    let unset = vestibule(&["user", "list"], "");
    assert!(unset.err.contains(".vestibule"), "{unset:?}");
    for variable in [
        "VESTIBULE_DATA",
        "VESTIBULE_AUTH_URL",
        "VESTIBULE_USERS_URL",
        "VESTIBULE_TOKEN",
        "VESTIBULE_CLIENT_ID",
        "VESTIBULE_CLIENT_SECRET_FILE",
    ] {
        let empty = run_with_empty_variable(variable, &["user", "list"]);
        assert_eq!(
            (empty.code, empty.err),
            (unset.code, unset.err.clone()),
            "{variable}"
        );
    }
}

#[test]
fn a_directory_that_cannot_be_one_is_said_so() {
    let temp = tempfile::tempdir().expect("a temporary directory");
    let file = temp.path().join("file");
    fs::write(&file, "x").expect("written");
    for path in [file.clone(), file.join("inside"), "/proc/vestibule".into()] {
        let path = path.to_str().expect("UTF-8");
        let message = vestibule(&["up", "--data", path], "").fails(1);
        assert!(
            message.contains(path) && message.contains("--data DIR"),
            "{message}"
        );
    }
    assert_eq!(fs::read_to_string(&file).expect("read"), "x");
}

#[tokio::test]
async fn a_wrong_configuration_ends_up_with_the_file_and_the_key() {
    let mut up = Up::start().await;
    assert!(up.process.terminate().await.success());
    let file = up.data().join("auth.toml");
    let good = fs::read_to_string(&file).expect("read");
    fs::write(&file, good.replace("[users]", "[users]\ncolour = \"red\"")).expect("written");
    up.process.start_again();
    assert_eq!(up.process.ended().await.code(), Some(2));
    let log = up.process.log();
    assert!(log.contains("auth.toml") && log.contains("users.colour"), "{log}");

    let path = file.to_str().expect("UTF-8");
    let message = vestibule(&["config", "check", path], "").fails(2);
    assert!(
        message.contains("auth.toml") && message.contains("users.colour"),
        "{message}"
    );
    fs::write(&file, good).expect("written");
    let users = up.data().join("users.toml");
    vestibule(&["config", "check", path, users.to_str().expect("UTF-8")], "").ok();
}

#[tokio::test]
async fn a_damaged_database_ends_up_and_is_left_as_it_is() {
    let mut up = Up::start().await;
    assert!(up.process.terminate().await.success());
    let file = up.data().join("users.db");
    for left in ["users.db-wal", "users.db-shm"] {
        let _ = fs::remove_file(up.data().join(left));
    }
    let damage = vec![b'x'; 8192];
    fs::write(&file, &damage).expect("written");
    up.process.start_again();
    assert_eq!(up.process.ended().await.code(), Some(1));
    let log = up.process.log();
    assert!(log.contains("users cannot use its database"), "{log}");
    assert!(log.contains("damaged or is not a database"), "{log}");
    assert_eq!(fs::read(&file).expect("read"), damage);
    let found = up.run(&["doctor"]);
    assert_eq!(found.code, 1, "{found:?}");
    assert!(found.out.contains("✗ database of users"), "{}", found.out);
}

#[test]
fn without_a_running_stack_commands_say_what_to_do() {
    let temp = tempfile::tempdir().expect("a temporary directory");
    let nowhere = temp.path().to_str().expect("UTF-8");
    let message = vestibule(&["user", "list", "--data", nowhere], "").fails(3);
    assert!(message.contains("vestibule up"), "{message}");

    let dead = format!("http://localhost:{}", free_port());
    let url = ["user", "list", "--users-url", &dead];
    let message = vestibule(&[&url[..], &["--token", "t"]].concat(), "").fails(5);
    assert!(message.contains("cannot be reached"), "{message}");
    let message = vestibule(&url, "").fails(2);
    assert!(message.contains("--token"), "{message}");
    let client = ["--client-id", "c", "--client-secret-file", "/nowhere"];
    let message = vestibule(&[&url[..], &client].concat(), "").fails(2);
    assert!(message.contains("--auth-url"), "{message}");
    let other = ["keys", "list", "--users-url", &dead, "--token", "t"];
    assert!(vestibule(&other, "").fails(2).contains("--auth-url"));
}

#[test]
fn the_tool_alone_administers_and_starts_nothing() {
    let (whole, part) = (vestibule(&["--help"], "").ok(), run_tool_alone(&["--help"]).ok());
    let offered = |help: &str| help.lines().any(|line| line.trim_start().starts_with("up "));
    assert!(offered(&whole) && whole.contains("vestibule up"), "{whole}");
    assert!(!offered(&part) && !part.contains("vestibule up"), "{part}");
    for command in [
        "user",
        "client",
        "keys",
        "events",
        "webhook",
        "provisioning",
        "backup",
        "restore",
        "smoke",
    ] {
        assert!(part.contains(&format!("\n  {command} ")), "{part}");
    }
    for start in [["up", "--data=nowhere"], ["serve", "auth"]] {
        let message = run_tool_alone(&start).fails(2);
        assert!(message.contains("without the services"), "{message}");
        assert!(message.contains("vestibule-auth"), "{message}");
    }
    assert!(!std::path::Path::new("nowhere").exists());
    let url = format!("http://127.0.0.1:{}", free_port());
    let away = run_tool_alone(&[
        "user",
        "list",
        "--auth-url",
        &url,
        "--users-url",
        &url,
        "--token",
        "x",
    ])
    .fails(5);
    assert!(!away.contains("vestibule up"), "{away}");
}
