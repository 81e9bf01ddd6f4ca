//! A real program in a process of its own: started, killed, terminated, restarted.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that cannot start its programs must say why, and a failed one must show what they said"
)]

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::wait::within;

/// The number of log lines that a failed test shows.
const TAIL: usize = 60;

/// A free port of this machine, which this process returns only once.
///
/// The ports are below the ephemeral range of the kernel, so that no outgoing connection can take the port before the
/// program does.
///
/// # Panics
/// No port is free.
pub fn free_port() -> u16 {
    static CURSOR: AtomicU16 = AtomicU16::new(0);
    // Concurrent test processes have adjacent process ids: they begin far from each other.
    let start = u16::try_from(std::process::id().wrapping_mul(7_919) % 9_000).unwrap_or_default();
    for _ in 0..9_000 {
        let step = CURSOR.fetch_add(1, Ordering::Relaxed);
        let port = 10_000 + (start + step) % 9_000;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no port between 10000 and 19000 is free");
}

/// The path of a program of this workspace, in the build folder of the running test.
///
/// # Panics
/// It is not built.
pub fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the path of the running test");
    let mut folder = test.parent().expect("the folder of the running test");
    if folder.ends_with("deps") {
        folder = folder.parent().expect("the target folder");
    }
    let path = folder.join(name);
    assert!(
        path.exists(),
        "{} is not built: run `cargo build --workspace` first (`make test` does)",
        path.display()
    );
    path
}

/// A program to run, with its environment and log file.
#[derive(Clone, Debug)]
pub struct Program {
    /// The name for messages: `auth`, `users`, `up`.
    pub name: &'static str,
    /// The executable.
    pub path: PathBuf,
    /// The arguments.
    pub arguments: Vec<OsString>,
    /// Variables in addition to those of the test, except the test's `VESTIBULE_` variables, which are not passed on.
    pub environment: Vec<(String, String)>,
    /// The working directory.
    pub folder: PathBuf,
    /// The file that standard output and standard error are appended to.
    pub log: PathBuf,
}

/// A running or ended [`Program`]. Dropping it kills the program; if the test fails, it shows the last log lines.
#[derive(Debug)]
pub struct Process {
    program: Program,
    child: Option<Child>,
}

impl Process {
    /// Starts `program`.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(program: Program) -> Self {
        let mut process = Self { program, child: None };
        process.start_again();
        process
    }

    /// Starts it again, after it has ended.
    ///
    /// # Panics
    /// It still runs, or cannot be started.
    pub fn start_again(&mut self) {
        assert!(self.child.is_none(), "{} runs already", self.program.name);
        let log = append_to(&self.program.log);
        let mut command = Command::new(&self.program.path);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("VESTIBULE_") {
                command.env_remove(name);
            }
        }
        let child = command
            .args(&self.program.arguments)
            .envs(self.program.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.program.folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle to the log"))
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {}: {error}", self.program.path.display()));
        self.child = Some(child);
    }

    /// Sets an environment variable for the next start.
    pub fn set(&mut self, name: &str, value: &str) {
        self.program.environment.retain(|(known, _)| known != name);
        self.program.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Replaces the executable and its arguments for the next start, for example by another version.
    pub fn replace(&mut self, path: PathBuf, arguments: Vec<OsString>) {
        self.program.path = path;
        self.program.arguments = arguments;
    }

    /// The process id.
    ///
    /// # Panics
    /// It does not run.
    pub fn id(&self) -> u32 {
        self.child.as_ref().expect("the program runs").id()
    }

    /// True if it runs.
    pub fn is_running(&mut self) -> bool {
        match &mut self.child {
            Some(child) => matches!(child.try_wait(), Ok(None)),
            None => false,
        }
    }

    /// Kills it (`kill -9`), without a graceful shutdown.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Sends SIGTERM and waits until it ends, which draining may delay.
    ///
    /// # Panics
    /// It does not run, or does not end within 30 seconds.
    pub async fn terminate(&mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.ended().await
    }

    /// Sends a signal.
    ///
    /// # Panics
    /// It does not run.
    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.id())
            .ok()
            .and_then(Pid::from_raw)
            .expect("a process id");
        kill_process(pid, signal).expect("the signal is delivered");
    }

    /// Waits until it ends by itself.
    ///
    /// # Panics
    /// It does not run, or does not end within 30 seconds.
    pub async fn ended(&mut self) -> ExitStatus {
        let mut child = self.child.take().expect("the program runs");
        let what = format!("{} ends", self.program.name);
        let status = within(Duration::from_secs(30), &what, async || {
            child.try_wait().expect("the state of the program")
        })
        .await;
        self.child = None;
        status
    }

    /// The log so far.
    pub fn log(&self) -> String {
        let bytes = std::fs::read(&self.program.log).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn show_log(&self) {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        eprintln!("--- what {} said last ---", self.program.name);
        for line in lines.iter().skip(lines.len().saturating_sub(TAIL)) {
            eprintln!("{line}");
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.show_log();
        }
        self.kill();
    }
}

fn append_to(path: &Path) -> File {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()))
}
