//! Tests of the supervisor: start, restart and stop.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rustix::process::Signal;
use serde_json::Value;
use testkit::within;

use crate::stack::{START, Up, send_signal, vestibule, wait_until_gone};

#[tokio::test]
async fn up_prints_addresses_and_the_set_up_link_and_ctrl_c_ends_everything() {
    let mut up = Up::start().await;
    let link = format!("http://localhost:{}/setup?token=", up.auth);
    up.wait_for_output(&link).await;
    assert_eq!(up.count("/setup?token="), 1, "the link is shown once");
    up.wait_for_output(&format!("http://localhost:{}", up.users))
        .await;
    let children = up.children();
    assert_eq!(children.len(), 2, "each service is a process of its own");
    assert!(!up.process.log().contains('\u{1b}'), "no colours in a file");

    send_signal(up.process.id().cast_signed(), Signal::INT);
    assert_eq!(up.process.ended().await.code(), Some(0));
    for child in children {
        wait_until_gone(child).await;
    }
    for file in ["auth.db", "users.db", "auth.toml", "users.toml", "operator.json"] {
        let mode = fs::metadata(up.data().join(file))
            .expect(file)
            .permissions()
            .mode();
        assert_eq!(mode & 0o077, 0, "{file} is its owner's alone");
    }
}

#[tokio::test]
async fn a_service_that_is_killed_comes_back_and_the_other_never_notices() {
    let up = Up::start().await;
    for (service, other) in [("auth", "users"), ("users", "auth")] {
        let killed = up.child(service).await;
        let bystander = up.child(other).await;
        send_signal(killed, Signal::KILL);
        up.wait_for_output(&format!("{service} is back")).await;
        assert_ne!(up.child(service).await, killed);
        assert_eq!(up.child(other).await, bystander);
    }
    up.run(&["doctor"]).ok();
}

#[tokio::test]
async fn a_second_up_on_the_same_directory_is_refused_by_name() {
    let up = Up::start().await;
    let message = up.run(&["up"]).fails(4);
    assert!(
        message.contains(&format!("as process {}", up.process.id())),
        "{message}"
    );
}

#[tokio::test]
async fn services_follow_a_supervisor_that_is_killed_and_the_next_up_takes_over() {
    let mut up = Up::start().await;
    let children = up.children();
    up.process.kill();
    // At once: the next one waits for the orphans to leave their ports.
    up.process.start_again();
    for child in children {
        wait_until_gone(child).await;
    }
    within(START, "the second banner", async || {
        (up.count("is ready (") == 2).then_some(())
    })
    .await;
    assert_eq!(
        up.process.terminate().await.code(),
        Some(0),
        "SIGTERM drains as Ctrl-C does"
    );
}

#[tokio::test]
async fn the_second_start_needs_no_ports_and_keeps_data() {
    let mut up = Up::start().await;
    up.add_user("ann", "plenty of words to guess\n").ok();
    assert!(up.process.terminate().await.success());
    let operator = fs::read_to_string(up.data().join("operator.json")).expect("read");
    up.process.start_again();
    within(START, "the second banner", async || {
        (up.count("is ready (") == 2).then_some(())
    })
    .await;
    assert_eq!(
        fs::read_to_string(up.data().join("operator.json")).expect("read"),
        operator
    );
    assert!(up.run(&["user", "list"]).ok().contains("ann@example.org"));
}

#[tokio::test]
async fn in_ecs_format_every_line_is_json() {
    let mut up = Up::spawn(&["--log-format", "ecs"]);
    up.wait_for_output("\"ready in ").await;
    assert!(up.process.terminate().await.success());
    let log = up.process.log();
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(line.get("@timestamp").is_some(), "{line}");
        assert!(line.get("message").is_some(), "{line}");
    }
    assert!(log.contains("setup"), "the link is part of the stream: {log}");
}

#[test]
fn help_and_version_need_nothing() {
    assert!(vestibule(&["--version"], "").ok().starts_with("vestibule 0."));
    assert!(vestibule(&["--help"], "").ok().contains("Exit codes:"));
    assert_eq!(vestibule(&["frobnicate"], "").code, 2);
}
