//! A running `vestibule up` for tests, and commands that run against it.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use testkit::{Process, Program, eventually, free_port, within};

const PROGRAM: &str = env!("CARGO_BIN_EXE_vestibule");
/// A debug build on a busy machine is slow to its first answer.
pub(crate) const START: Duration = Duration::from_secs(60);

/// A running `vestibule up`, killed when dropped; its services follow it.
pub(crate) struct Up {
    pub(crate) process: Process,
    pub(crate) auth: u16,
    pub(crate) users: u16,
    folder: TempDir,
}

impl Up {
    /// Starts the stack without waiting.
    pub(crate) fn spawn(extra: &[&str]) -> Self {
        Self::spawn_in(tempfile::tempdir().expect("a temporary directory"), extra)
    }

    /// As [`Self::spawn`], in a directory that a test has prepared.
    pub(crate) fn spawn_in(folder: TempDir, extra: &[&str]) -> Self {
        Self::spawn_with(folder, extra, &[])
    }

    /// As [`Self::spawn_in`], with variables of its environment.
    pub(crate) fn spawn_with(folder: TempDir, extra: &[&str], environment: &[(&str, &str)]) -> Self {
        let [auth, users, auth_management, users_management] = [(); 4].map(|()| free_port());
        let mut arguments = vec!["up".into(), "--data".into(), folder.path().join("data").into()];
        for (option, port) in [
            ("--auth-port", auth),
            ("--users-port", users),
            ("--auth-management-port", auth_management),
            ("--users-management-port", users_management),
        ] {
            arguments.extend([option.into(), port.to_string().into()]);
        }
        arguments.extend(extra.iter().map(Into::into));
        let log = folder.path().join("up.log");
        // The log of an earlier start in this folder must not be taken for the log of this one.
        let _ = fs::remove_file(&log);
        let process = Process::start(Program {
            name: "up",
            path: PROGRAM.into(),
            arguments,
            environment: environment
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            folder: folder.path().to_owned(),
            log,
        });
        Self {
            process,
            auth,
            users,
            folder,
        }
    }

    /// Starts the stack and waits for its banner.
    pub(crate) async fn start() -> Self {
        let up = Self::spawn(&[]);
        up.wait_for_output("is ready").await;
        up
    }

    /// Waits until the stack has printed `text`.
    pub(crate) async fn wait_for_output(&self, text: &str) {
        within(START, &format!("up prints {text:?}"), async || {
            self.process.log().contains(text).then_some(())
        })
        .await;
    }

    /// Ends the stack, and returns its folder for another start.
    pub(crate) async fn end(mut self) -> TempDir {
        self.process.terminate().await;
        self.folder
    }

    /// The number of times that the stack has printed `text`.
    pub(crate) fn count(&self, text: &str) -> usize {
        self.process.log().matches(text).count()
    }

    /// The data directory.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The process ids of the services.
    pub(crate) fn children(&self) -> Vec<i32> {
        children_of(self.process.id())
    }

    /// The process id of `service`.
    pub(crate) async fn child(&self, service: &str) -> i32 {
        eventually(&format!("{service} runs"), async || {
            self.children().into_iter().find(|pid| {
                let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                line.split(|byte| *byte == 0)
                    .any(|word| word == service.as_bytes())
            })
        })
        .await
    }

    /// Runs a command against the stack.
    pub(crate) fn run(&self, arguments: &[&str]) -> CommandResult {
        self.run_with(arguments, "")
    }

    /// Adds a user of this name, with an address and a password.
    pub(crate) fn add_user(&self, name: &str, password: &str) -> CommandResult {
        let email = format!("{name}@example.org");
        self.run_with(
            &["user", "add", name, "--email", &email, "--password-stdin"],
            password,
        )
    }

    /// Runs a command against the stack, with `input` on standard input.
    pub(crate) fn run_with(&self, arguments: &[&str], input: &str) -> CommandResult {
        let data = self.data();
        let mut all = arguments.to_vec();
        all.extend(["--data", data.to_str().expect("UTF-8")]);
        vestibule(&all, input)
    }
}

/// The ids of a process's children.
fn children_of(pid: u32) -> Vec<i32> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let mut found: Vec<i32> = text
        .split_whitespace()
        .filter_map(|pid| pid.parse().ok())
        .collect();
    // A child belongs to the thread that started it.
    for entry in fs::read_dir(format!("/proc/{pid}/task"))
        .into_iter()
        .flatten()
        .flatten()
    {
        let text = fs::read_to_string(entry.path().join("children")).unwrap_or_default();
        found.extend(text.split_whitespace().filter_map(|pid| pid.parse::<i32>().ok()));
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Sends a signal.
pub(crate) fn send_signal(pid: i32, signal: Signal) {
    kill_process(Pid::from_raw(pid).expect("not 0"), signal).expect("the process is there");
}

/// Waits until a process has ended. A zombie counts as ended.
pub(crate) async fn wait_until_gone(pid: i32) {
    eventually(&format!("process {pid} ends"), async || {
        let state = fs::read_to_string(format!("/proc/{pid}/stat")).ok();
        state.is_none_or(|state| state.contains(") Z ")).then_some(())
    })
    .await;
}

/// The result of a command.
#[derive(Debug)]
pub(crate) struct CommandResult {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl CommandResult {
    /// Asserts success and returns standard output.
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.out
    }

    /// Asserts success and returns standard output as JSON.
    pub(crate) fn json(self) -> Value {
        serde_json::from_str(&self.ok()).expect("JSON")
    }

    /// Asserts failure with `code` and returns standard error.
    pub(crate) fn fails(self, code: i32) -> String {
        assert_eq!(self.code, code, "{self:?}");
        assert!(self.err.starts_with("error: "), "{self:?}");
        self.err
    }
}

/// The path of the tool.
pub(crate) fn tool() -> &'static str {
    PROGRAM
}

/// Runs the tool to its end.
pub(crate) fn vestibule(arguments: &[&str], input: &str) -> CommandResult {
    run_to_end(Command::new(PROGRAM), arguments, input)
}

/// Runs the tool to its end with a variable that is set to nothing.
pub(crate) fn run_with_empty_variable(variable: &str, arguments: &[&str]) -> CommandResult {
    let mut command = Command::new("env");
    command.arg(format!("{variable}=")).arg(PROGRAM);
    run_to_end(command, arguments, "")
}

/// Runs the tool to its end where no file can have more than 32 KiB, as on a disk that is full.
pub(crate) fn run_without_disk_space(arguments: &[&str]) -> CommandResult {
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; ulimit -f 64; exec \"$@\"", "sh", PROGRAM]);
    run_to_end(command, arguments, "")
}

/// Runs the tool alone to its end, as the image has it.
pub(crate) fn run_tool_alone(arguments: &[&str]) -> CommandResult {
    run_to_end(Command::new(env!("CARGO_BIN_EXE_vestibule-cli")), arguments, "")
}

fn run_to_end(mut command: Command, arguments: &[&str], input: &str) -> CommandResult {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("VESTIBULE_") {
            command.env_remove(name);
        }
    }
    let mut child = command
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("started");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(input.as_bytes()).expect("written");
    drop(stdin);
    let Output {
        status,
        stdout,
        stderr,
    } = child.wait_with_output().expect("ended");
    CommandResult {
        code: status.code().expect("an exit code"),
        out: String::from_utf8(stdout).expect("UTF-8"),
        err: String::from_utf8(stderr).expect("UTF-8"),
    }
}
