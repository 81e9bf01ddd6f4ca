//! Tests of the commands `health` and `migrate` of the services: exit code and last line.

use std::process::{Command, Output};

use testkit::{Engine, Process, Stack, StackOptions, eventually, program};

const SERVICES: [&str; 2] = ["auth", "users"];

/// Runs `command` of a service with the configuration of `stack`, and variables that are stronger.
fn run(stack: &Stack, service: &str, command: &[&str], variables: &[(String, String)]) -> Output {
    Command::new(program(&format!("vestibule-{service}")))
        .args(command)
        .arg("--config")
        .arg(stack.folder().join(format!("{service}.toml")))
        .envs(
            variables
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
        )
        .current_dir(stack.folder())
        .output()
        .unwrap()
}

fn process<'a>(stack: &'a mut Stack, service: &str) -> &'a mut Process {
    if service == "auth" {
        &mut stack.auth
    } else {
        &mut stack.users
    }
}

fn last_word(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Asserts success without a message.
fn assert_success(output: &Output) {
    let said = last_word(output);
    assert!(output.status.success() && said.is_empty(), "{output:?}");
}

/// Asserts the exit code and a reason in one line.
fn assert_failure(output: &Output, service: &str, code: i32, why: &str) {
    let said = last_word(output);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.starts_with(&format!("vestibule-{service}: ")), "{said}");
    assert!(said.contains(why), "{why:?} is not in: {said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[tokio::test]
async fn health_and_migrate_say_by_their_exit_code_what_became_of_it() {
    let options = StackOptions::on(Engine::Sqlite)
        .with("VESTIBULE_AUTH__DATABASE__MIGRATE", "false")
        .with("VESTIBULE_USERS__DATABASE__MIGRATE", "false")
        .with("VESTIBULE_AUTH__DRAIN_SECONDS", "600")
        .with("VESTIBULE_USERS__DRAIN_SECONDS", "600");
    let mut stack = Stack::spawn(options).await;
    for service in SERVICES {
        eventually("it waits for the schema", async || {
            let output = run(&stack, service, &["health"], &[]);
            last_word(&output).contains("schema").then_some(())
        })
        .await;
        let waits = "not ready, it waits for: start, schema";
        assert_failure(&run(&stack, service, &["health"], &[]), service, 1, waits);
        assert_success(&run(&stack, service, &["migrate"], &[]));
    }
    stack.ready().await;
    for service in SERVICES {
        assert_success(&run(&stack, service, &["health"], &[]));
        // Nothing is left to do, and the service is at work.
        assert_success(&run(&stack, service, &["migrate"], &[]));
        assert_success(&run(&stack, service, &["health"], &[]));
    }
    for service in SERVICES {
        process(&mut stack, service).signal(rustix::process::Signal::TERM);
        eventually("it drains", async || {
            let output = run(&stack, service, &["health"], &[]);
            (!output.status.success()).then_some(())
        })
        .await;
        assert_failure(&run(&stack, service, &["health"], &[]), service, 1, "draining");
        process(&mut stack, service).kill();
        let gone = run(&stack, service, &["health"], &[]);
        assert_failure(&gone, service, 1, "no answer from http://127.0.0.1:");
    }
}

#[tokio::test]
async fn a_database_that_is_away_is_named_without_its_password() {
    let mut stack = Stack::spawn(StackOptions::on(Engine::Postgres)).await;
    stack.auth.kill();
    stack.users.kill();
    let servers = stack.database_urls();
    let refused = |service: &str, command: &[&str], url: &str, place: &str| {
        let variable = format!("VESTIBULE_{}__DATABASE__URL", service.to_uppercase());
        let output = run(&stack, service, command, &[(variable, url.to_owned())]);
        assert_failure(&output, service, 3, place);
        let all = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            last_word(&output)
        );
        assert!(!all.contains("hunter2"), "{all}");
    };
    // All at once: each waits some seconds for a server that may come.
    std::thread::scope(|scope| {
        for (service, theirs) in SERVICES.into_iter().zip(&servers) {
            for command in [&["migrate"][..], &[]] {
                let refused = &refused;
                scope.spawn(move || {
                    let away = "postgres://somebody:hunter2-plum@127.0.0.1:1/people";
                    refused(service, command, away, "127.0.0.1:1/people");
                    let mut stranger = url::Url::parse(theirs).unwrap();
                    stranger.set_username("nobody-of-that-name").unwrap();
                    stranger.set_password(Some("hunter2-plum")).unwrap();
                    refused(service, command, stranger.as_str(), stranger.path());
                });
            }
        }
    });
}
