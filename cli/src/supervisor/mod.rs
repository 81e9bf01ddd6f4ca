//! The supervisor: runs the services as child processes and restarts them until a stop is requested.

mod backoff;
mod child;
pub(crate) mod ports;
mod printer;
mod readiness;
mod signals;
#[cfg(test)]
mod tests;

use std::process::ExitStatus;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::error::{CommandError, ErrorCode};
use crate::logs::LogLevel;
use backoff::Backoff;
use child::ChildProcess;
pub(crate) use child::ServiceCommand;
pub(crate) use printer::Printer;
pub(crate) use signals::stop_on_signals;

/// The stop that is requested of the supervisor. A later variant is stronger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum StopRequest {
    /// No stop: go on.
    None,
    /// Let the services finish their work.
    Drain,
    /// Kill the services now.
    Kill,
}

/// Returns when at least `what` is requested.
async fn stop_requested(stop: &mut watch::Receiver<StopRequest>, what: StopRequest) {
    if stop.wait_for(|now| *now >= what).await.is_err() {
        // The sender is gone, so no request can come any more.
        std::future::pending::<()>().await;
    }
}

/// The limits of restarts and of stopping.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RestartPolicy {
    /// The delay before the first restart. It doubles with each exit.
    pub(crate) initial_backoff: Duration,
    /// The longest delay before a restart.
    pub(crate) max_backoff: Duration,
    /// The time that a service has to end after SIGTERM.
    pub(crate) drain_timeout: Duration,
    /// The number of exits that are allowed before a service was ready once.
    pub(crate) start_attempts: u32,
}

impl Default for RestartPolicy {
    fn default() -> Self {
        Self {
            initial_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(10),
            drain_timeout: Duration::from_secs(15),
            start_attempts: 5,
        }
    }
}

/// Supervises the services, and shares its channels with the command that started it.
#[derive(Clone, Debug)]
pub(crate) struct Supervisor {
    pub(crate) printer: Printer,
    pub(crate) policy: RestartPolicy,
    pub(crate) stop: watch::Receiver<StopRequest>,
    /// The set-up link, once `auth` has logged one.
    pub(crate) link: watch::Sender<Option<String>>,
    /// Receives the name of a service when it is ready for the first time.
    pub(crate) ready: mpsc::Sender<&'static str>,
}

impl Supervisor {
    /// Runs the services until a stop is requested, or until a service cannot be started.
    ///
    /// # Errors
    /// When a service cannot start: its configuration, its database or its port is at fault.
    pub(crate) async fn run(mut self, services: Vec<ServiceCommand>) -> Result<(), CommandError> {
        let (give_up, gave_up) = watch::channel(StopRequest::None);
        let mut loops = JoinSet::new();
        for service in services {
            let restart_loop = RestartLoop {
                service,
                shared: Self {
                    stop: gave_up.clone(),
                    ..self.clone()
                },
                was_ready: false,
            };
            loops.spawn(restart_loop.run());
        }
        let mut result = Ok(());
        loop {
            let now = *self.stop.borrow_and_update();
            give_up.send_if_modified(|state| {
                let higher = now > *state;
                *state = now.max(*state);
                higher
            });
            tokio::select! {
                Ok(()) = self.stop.changed() => {}
                ended = loops.join_next() => match ended {
                    None => return result,
                    Some(Ok(Ok(()))) => {}
                    Some(Ok(Err(failure))) => {
                        give_up.send_replace(StopRequest::Drain);
                        result = result.and(Err(failure));
                    }
                    Some(Err(panic)) => {
                        give_up.send_replace(StopRequest::Drain);
                        result = result.and(Err(CommandError::new(ErrorCode::Failed, format!("the supervisor failed: {panic}"))));
                    }
                },
            }
        }
    }
}

/// Runs one service and restarts it when it exits.
struct RestartLoop {
    service: ServiceCommand,
    shared: Supervisor,
    was_ready: bool,
}

/// The end of one run of a service.
enum RunEnd {
    Stopped,
    Exited(ExitStatus),
}

impl RestartLoop {
    async fn run(mut self) -> Result<(), CommandError> {
        let name = self.service.name;
        let policy = self.shared.policy;
        let mut backoff = Backoff::new(policy.initial_backoff, policy.max_backoff);
        loop {
            let started = Instant::now();
            let status = match self.run_once().await? {
                RunEnd::Stopped => return Ok(()),
                RunEnd::Exited(status) => status,
            };
            let wait = backoff.next_delay(started.elapsed());
            if !self.was_ready {
                self.check_start_failure(status, backoff.exits)?;
            }
            let message = format!(
                "{name} {}; starting it again in {} ms",
                describe(status),
                wait.as_millis()
            );
            self.shared.printer.log_notice(LogLevel::Warn, message, &[]).await;
            tokio::select! {
                () = sleep(wait) => {}
                () = stop_requested(&mut self.shared.stop, StopRequest::Drain) => return Ok(()),
            }
        }
    }

    async fn run_once(&mut self) -> Result<RunEnd, CommandError> {
        let name = self.service.name;
        let shared = &mut self.shared;
        let mut running = ChildProcess::spawn(&self.service, &shared.printer, &shared.link)
            .map_err(|error| CommandError::new(ErrorCode::Failed, format!("cannot start {name}: {error}")))?;
        let mut ready = std::pin::pin!(readiness::wait_until_ready(self.service.management));
        let mut is_ready = false;
        loop {
            tokio::select! {
                status = running.wait() => {
                    running.drain_output().await;
                    return status
                        .map(RunEnd::Exited)
                        .map_err(|error| CommandError::new(ErrorCode::Failed, format!("cannot wait for {name}: {error}")));
                }
                () = &mut ready, if !is_ready => {
                    is_ready = true;
                    if std::mem::replace(&mut self.was_ready, true) {
                        let fields = [("process.pid", running.pid())];
                        shared.printer.log_notice(LogLevel::Info, format!("{name} is back"), &fields).await;
                    } else {
                        let _ = shared.ready.send(name).await;
                    }
                }
                () = stop_requested(&mut shared.stop, StopRequest::Drain) => {
                    let drain = shared.policy.drain_timeout;
                    if running.terminate(drain, &mut shared.stop).await {
                        shared.printer.log_notice(LogLevel::Warn, format!("{name} was killed"), &[]).await;
                    }
                    return Ok(RunEnd::Stopped);
                }
            }
        }
    }

    /// Fails when a service that was never ready must not be started again: its exit code names a permanent fault, or
    /// it exited too often.
    fn check_start_failure(&self, status: ExitStatus, exits: u32) -> Result<(), CommandError> {
        let name = self.service.name;
        // The services' own exit codes: configuration, database, port. Each has said why in its last line.
        let (code, what) = match status.code() {
            Some(2) => (ErrorCode::Usage, "refuses its configuration"),
            Some(3) => (ErrorCode::Failed, "cannot use its database"),
            Some(4) => (ErrorCode::Conflict, "cannot have its port"),
            _ if exits >= self.shared.policy.start_attempts => (ErrorCode::Failed, "does not start"),
            _ => return Ok(()),
        };
        Err(CommandError::new(code, format!("{name} {what}")).hint("Its own message stands above."))
    }
}

fn describe(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with exit code {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}
