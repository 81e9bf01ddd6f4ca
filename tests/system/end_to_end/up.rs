//! `vestibule up` and the administrator's commands.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use testkit::{Process, Program, free_port, program, within};

const START: Duration = Duration::from_secs(60);

/// A running `vestibule up` in a folder of its own.
pub(crate) struct Up {
    process: Process,
    pub(crate) ports: [u16; 4],
    pub(crate) folder: TempDir,
}

fn arguments(ports: [u16; 4]) -> Vec<String> {
    let names = [
        "--auth-port",
        "--users-port",
        "--auth-management-port",
        "--users-management-port",
    ];
    let mut arguments = vec!["up".to_owned(), "--data".to_owned(), "data".to_owned()];
    for (name, port) in names.into_iter().zip(ports) {
        arguments.extend([name.to_owned(), port.to_string()]);
    }
    arguments
}

impl Up {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ports = [free_port(), free_port(), free_port(), free_port()];
        let process = Process::start(Program {
            name: "up",
            path: program("vestibule"),
            arguments: arguments(ports).into_iter().map(Into::into).collect(),
            environment: Vec::new(),
            folder: folder.path().to_owned(),
            log: folder.path().join("up.log"),
        });
        Self {
            process,
            ports,
            folder,
        }
    }

    pub(crate) async fn ready(&self) {
        for port in [self.ports[2], self.ports[3]] {
            within(START, "a service is ready", async || answers(port).await).await;
        }
    }

    /// Runs the tool on this data directory.
    fn run(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = Command::new(program("vestibule"))
            .args(arguments)
            .current_dir(self.folder.path())
            .env("VESTIBULE_DATA", self.folder.path().join("data"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that reads nothing may have ended already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// Runs the tool and reads the JSON that it prints.
    fn json(&self, arguments: &[&str], input: &str) -> Value {
        let output = self.run(&[arguments, &["--output", "json"]].concat(), input);
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_slice(&output.stdout).unwrap_or(Value::Null)
    }

    /// The exit code of a command that fails, which says why.
    fn fails(&self, arguments: &[&str]) -> i32 {
        let output = self.run(arguments, "");
        assert!(
            !output.status.success() && !output.stderr.is_empty(),
            "{arguments:?} fails with a reason"
        );
        output.status.code().unwrap()
    }
}

async fn answers(management: u16) -> Option<()> {
    let answer = reqwest::get(format!("http://127.0.0.1:{management}/health/ready"))
        .await
        .ok()?;
    answer.status().is_success().then_some(())
}

/// The process id of the service that `up` started, from the kernel's list of processes.
fn child(parent: u32, service: &str) -> Option<Pid> {
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(id) = entry.file_name().to_string_lossy().parse::<i32>() else {
            continue;
        };
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let command = fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default();
        // After the name in parentheses: the state, then the parent.
        let of = stat
            .rsplit_once(')')
            .and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok());
        if of == Some(parent) && command.split('\0').any(|argument| argument == service) {
            return Pid::from_raw(id);
        }
    }
    None
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn up_prints_the_addresses_and_the_link_and_keeps_its_secrets_to_itself() {
    let up = Up::start();
    up.ready().await;
    let told = [
        format!("http://localhost:{}", up.ports[0]),
        format!("http://localhost:{}", up.ports[1]),
        "/setup?token=".to_owned(),
    ];
    within(START, "the addresses and the link are printed", async || {
        let log = up.process.log();
        told.iter().all(|text| log.contains(text)).then_some(())
    })
    .await;
    let data = up.folder.path().join("data");
    assert_eq!(mode(&data), 0o700);
    assert_eq!(mode(&data.join("secrets")), 0o700);
    assert_eq!(mode(&data.join("operator.json")), 0o600);
    for entry in fs::read_dir(data.join("secrets")).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
    for database in ["auth.db", "users.db"] {
        assert_eq!(
            mode(&data.join(database)) & 0o077,
            0,
            "{database} is for the owner alone"
        );
    }
}

#[tokio::test]
async fn a_second_up_on_the_same_directory_is_refused() {
    let up = Up::start();
    up.ready().await;
    let other = arguments([free_port(), free_port(), free_port(), free_port()]);
    let output = up.run(&other.iter().map(String::as_str).collect::<Vec<_>>(), "");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("data"), "{said}");
    assert!(
        said.contains(&up.process.id().to_string()),
        "it names the process: {said}"
    );
    up.ready().await;
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for taken in 0..4 {
        let ports = [free_port(), free_port(), free_port(), free_port()];
        let _listener = std::net::TcpListener::bind(("127.0.0.1", ports[taken])).unwrap();
        let output = Command::new(program("vestibule"))
            .args(arguments(ports))
            .current_dir(folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(4), "{said}");
        assert!(said.contains(&ports[taken].to_string()), "{said}");
    }
}

#[tokio::test]
async fn a_service_that_dies_is_started_again() {
    let up = Up::start();
    up.ready().await;
    for (service, management) in [("auth", up.ports[2]), ("users", up.ports[3])] {
        let first = child(up.process.id(), service).unwrap();
        kill_process(first, Signal::KILL).unwrap();
        within(START, "another process takes its place", async || {
            let second = child(up.process.id(), service)?;
            (second != first).then_some(())
        })
        .await;
        within(START, "it is ready", async || answers(management).await).await;
    }
}

#[tokio::test]
async fn interrupting_it_ends_both_services_and_succeeds() {
    let mut up = Up::start();
    up.ready().await;
    let children = ["auth", "users"].map(|service| child(up.process.id(), service).unwrap());
    up.process.signal(Signal::INT);
    let status = up.process.ended().await;
    assert!(status.success(), "{status}: {}", up.process.log());
    for child in children {
        assert!(
            !Path::new(&format!("/proc/{}", child.as_raw_nonzero())).exists(),
            "no service is left behind"
        );
    }
}

#[tokio::test]
async fn killing_it_leaves_no_service_behind() {
    let mut up = Up::start();
    up.ready().await;
    let children = ["auth", "users"].map(|service| child(up.process.id(), service).unwrap());
    up.process.kill();
    within(Duration::from_secs(20), "the services end too", async || {
        children
            .iter()
            .all(|child| !Path::new(&format!("/proc/{}", child.as_raw_nonzero())).exists())
            .then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_administrator_manages_people() {
    let up = Up::start();
    up.ready().await;
    let made = up.json(
        &[
            "user",
            "add",
            "ann",
            "--email",
            "ann@example.com",
            "--password-stdin",
            "--admin",
        ],
        "plum-tractor-violin-42\n",
    );
    assert!(made["id"].is_string(), "{made}");
    assert_eq!(
        up.fails(&["user", "add", "ANN", "--email", "other@example.com"]),
        4,
        "the name is taken"
    );
    assert_eq!(up.fails(&["user", "show", "nobody"]), 3, "not found");

    let shown = up.json(&["user", "show", "ann"], "");
    assert_eq!(shown["id"], made["id"]);
    let list = up.json(&["user", "list"], "");
    assert_eq!(list.as_array().map(Vec::len), Some(1), "{list}");

    up.json(&["user", "disable", "ann"], "");
    assert_eq!(up.json(&["user", "show", "ann"], "")["active"], false);
    up.json(&["user", "enable", "ann"], "");
    assert_eq!(up.json(&["user", "show", "ann"], "")["active"], true);
    up.json(&["user", "delete", "ann", "--yes"], "");
    assert_eq!(up.fails(&["user", "show", "ann"]), 3);
}

#[tokio::test]
async fn an_administrator_manages_applications_keys_and_looks_around() {
    let mut up = Up::start();
    up.ready().await;
    let client = up.json(
        &[
            "client",
            "add",
            "Web shop",
            "--redirect-uri",
            "https://shop.example.org/callback",
        ],
        "",
    );
    let id = client["client_id"].as_str().unwrap();
    assert!(client["client_secret"].is_string());
    let shown = up.json(&["client", "show", id], "");
    assert_eq!(shown["client_name"], "Web shop");
    assert!(shown.get("client_secret").is_none(), "a secret is shown once");
    up.json(&["client", "delete", id], "");
    assert_eq!(up.fails(&["client", "show", id]), 3);

    let before = up.json(&["keys", "list"], "");
    up.json(&["keys", "rotate"], "");
    let after = up.json(&["keys", "list"], "");
    assert!(
        after.as_array().unwrap().len() > before.as_array().unwrap().len(),
        "{before} {after}"
    );

    let events = up.run(&["events", "tail", "--service", "auth", "--output", "json"], "");
    let text = String::from_utf8(events.stdout).unwrap();
    assert!(
        text.lines()
            .any(|line| line.contains("vestibule.client.created.v1")),
        "{text}"
    );

    let doctor = up.run(&["doctor"], "");
    assert!(
        doctor.status.success(),
        "{}",
        String::from_utf8_lossy(&doctor.stdout)
    );
    let check = up.run(&["config", "check", "data/auth.toml", "data/users.toml"], "");
    assert!(
        check.status.success(),
        "{}",
        String::from_utf8_lossy(&check.stderr)
    );
    fs::write(up.folder.path().join("data/users.toml"), "surprise = 1\n").unwrap();
    assert_eq!(
        up.fails(&["config", "check", "--service", "users", "data/users.toml"]),
        2
    );

    up.process.signal(Signal::TERM);
    up.process.ended().await;
    assert_eq!(up.fails(&["user", "list"]), 5, "the services cannot be reached");
}
