//! `vestibule up`, and what is run beside it.

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
    /// Starts it without waiting.
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
        // What an earlier start in this folder said must not be taken for what this one says.
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

    /// Starts it and waits for its banner.
    pub(crate) async fn start() -> Self {
        let up = Self::spawn(&[]);
        up.shows("is ready").await;
        up
    }

    /// Waits until it has printed `text`.
    pub(crate) async fn shows(&self, text: &str) {
        within(START, &format!("up prints {text:?}"), async || {
            self.process.log().contains(text).then_some(())
        })
        .await;
    }

    /// Ends it, and gives its folder back for another start.
    pub(crate) async fn end(mut self) -> TempDir {
        self.process.terminate().await;
        self.folder
    }

    /// How often it has printed `text`.
    pub(crate) fn count(&self, text: &str) -> usize {
        self.process.log().matches(text).count()
    }

    /// Its data directory.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The ids of its services' processes.
    pub(crate) fn children(&self) -> Vec<i32> {
        children_of(self.process.id())
    }

    /// The id of the process of `service`.
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

    /// Runs a command against it.
    pub(crate) fn run(&self, arguments: &[&str]) -> Done {
        self.run_with(arguments, "")
    }

    /// Runs a command against it, with `input` on standard input.
    pub(crate) fn run_with(&self, arguments: &[&str], input: &str) -> Done {
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
pub(crate) fn signal(pid: i32, signal: Signal) {
    kill_process(Pid::from_raw(pid).expect("not 0"), signal).expect("the process is there");
}

/// Waits until a process is gone, or only its entry is left.
pub(crate) async fn gone(pid: i32) {
    eventually(&format!("process {pid} ends"), async || {
        let state = fs::read_to_string(format!("/proc/{pid}/stat")).ok();
        state.is_none_or(|state| state.contains(") Z ")).then_some(())
    })
    .await;
}

/// What a command did.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Done {
    /// Its output, when it succeeded.
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.out
    }

    /// Its output as JSON, when it succeeded.
    pub(crate) fn json(self) -> Value {
        serde_json::from_str(&self.ok()).expect("JSON")
    }

    /// Its message, when it failed with `code`.
    pub(crate) fn fails(self, code: i32) -> String {
        assert_eq!(self.code, code, "{self:?}");
        assert!(self.err.starts_with("error: "), "{self:?}");
        self.err
    }
}

/// Runs the tool to its end.
pub(crate) fn vestibule(arguments: &[&str], input: &str) -> Done {
    to_its_end(Command::new(PROGRAM), arguments, input)
}

/// Runs the tool to its end with a variable that is set to nothing.
pub(crate) fn with_empty(variable: &str, arguments: &[&str]) -> Done {
    let mut command = Command::new("env");
    command.arg(format!("{variable}=")).arg(PROGRAM);
    to_its_end(command, arguments, "")
}

/// Runs the tool to its end where no file can have more than 32 KiB, as on a disk that is full.
pub(crate) fn without_space(arguments: &[&str]) -> Done {
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; ulimit -f 64; exec \"$@\"", "sh", PROGRAM]);
    to_its_end(command, arguments, "")
}

/// Runs the tool alone to its end, as the image has it.
pub(crate) fn alone(arguments: &[&str]) -> Done {
    to_its_end(Command::new(env!("CARGO_BIN_EXE_vestibule-cli")), arguments, "")
}

fn to_its_end(mut command: Command, arguments: &[&str], input: &str) -> Done {
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
    Done {
        code: status.code().expect("an exit code"),
        out: String::from_utf8(stdout).expect("UTF-8"),
        err: String::from_utf8(stderr).expect("UTF-8"),
    }
}
