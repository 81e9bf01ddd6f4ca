//! The child process of a service: one run, in its own process group, with its output read line by line.

use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::printer::Printer;
use super::{StopRequest, stop_requested};
use crate::logs::{LogFormat, LogRecord};

/// The command that starts a service.
#[derive(Clone, Debug)]
pub(crate) struct ServiceCommand {
    /// `auth` or `users`.
    pub(crate) name: &'static str,
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<OsString>,
    /// Environment variables in addition to those of this process.
    pub(crate) env: Vec<(String, String)>,
    /// The working directory.
    pub(crate) folder: PathBuf,
    /// The management listener, which reports readiness.
    pub(crate) management: SocketAddr,
}

/// The process of a running service.
#[derive(Debug)]
pub(super) struct ChildProcess {
    child: Child,
    pid: Option<Pid>,
    readers: JoinSet<()>,
    /// Never written to: the service ends when it closes, which the kernel does for a supervisor that was killed.
    _lifeline: Option<ChildStdin>,
}

impl ChildProcess {
    pub(super) fn spawn(
        service: &ServiceCommand,
        printer: &Printer,
        link: &watch::Sender<Option<String>>,
    ) -> io::Result<Self> {
        let mut child = Command::new(&service.program)
            .args(&service.args)
            .envs(service.env.iter().map(|(name, value)| (name, value)))
            .current_dir(&service.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Its own group: Ctrl-C on the terminal reaches the supervisor alone, which ends the services in order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let mut readers = JoinSet::new();
        if let Some(stream) = child.stdout.take() {
            readers.spawn(forward_lines(service.name, stream, printer.clone(), link.clone()));
        }
        if let Some(stream) = child.stderr.take() {
            readers.spawn(forward_lines(service.name, stream, printer.clone(), link.clone()));
        }
        Ok(Self {
            pid: child.id().and_then(|pid| Pid::from_raw(pid.cast_signed())),
            _lifeline: child.stdin.take(),
            readers,
            child,
        })
    }

    /// The process id while the service runs; empty afterwards.
    pub(super) fn pid(&self) -> String {
        self.pid
            .map_or_else(String::new, |pid| pid.as_raw_nonzero().to_string())
    }

    /// Waits until the process exits.
    pub(super) async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Waits until the remaining output is printed. A process that the service left behind may hold the pipe open, so
    /// the wait is limited.
    pub(super) async fn drain_output(&mut self) {
        let all = async { while self.readers.join_next().await.is_some() {} };
        let _ = timeout(Duration::from_secs(1), all).await;
    }

    /// Sends SIGTERM, then SIGKILL after `drain` or on a request to kill. Returns whether the process was killed.
    pub(super) async fn terminate(
        &mut self,
        drain: Duration,
        stop: &mut watch::Receiver<StopRequest>,
    ) -> bool {
        if *stop.borrow() != StopRequest::Kill {
            self.signal(Signal::TERM);
            tokio::select! {
                _ = self.child.wait() => {
                    self.drain_output().await;
                    return false;
                }
                () = tokio::time::sleep(drain) => {}
                () = stop_requested(stop, StopRequest::Kill) => {}
            }
        }
        self.signal(Signal::KILL);
        let _ = self.child.wait().await;
        self.drain_output().await;
        true
    }

    fn signal(&self, signal: Signal) {
        if let Some(pid) = self.pid {
            // The group is gone when the process ended in between.
            let _ = kill_process_group(pid, signal);
        }
    }
}

async fn forward_lines(
    service: &'static str,
    stream: impl AsyncRead + Unpin,
    printer: Printer,
    link: watch::Sender<Option<String>>,
) {
    let mut stream = BufReader::new(stream);
    let mut line = Vec::new();
    while let Ok(1..) = stream.read_until(b'\n', &mut line).await {
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        line.clear();
        if text.is_empty() {
            continue;
        }
        let setup =
            LogRecord::parse(&text).and_then(|record| record.field("vestibule.setup.url").map(str::to_owned));
        if setup.is_some() {
            link.send_replace(setup);
            // People see it in the banner; printed twice it would look like two links.
            if printer.format() == LogFormat::Text {
                continue;
            }
        }
        printer.print_line(service, text).await;
    }
}
