//! Keeps services running as child processes, until it is asked to end.

mod backoff;
mod child;
pub(crate) mod ports;
mod printer;
mod ready;
mod signals;
#[cfg(test)]
mod tests;

use std::process::ExitStatus;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::failure::{Code, Failure};
use crate::logs::Level;
use backoff::Backoff;
use child::Running;
pub(crate) use child::Service;
pub(crate) use printer::Printer;
pub(crate) use signals::stop_on_signals;

/// What the supervisor is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stop {
    /// To go on.
    No,
    /// To let the services finish what they are doing.
    Drain,
    /// To end them now.
    Kill,
}

/// Returns when at least `what` is asked.
async fn asked(stop: &mut watch::Receiver<Stop>, what: Stop) {
    if stop.wait_for(|now| *now >= what).await.is_err() {
        // Nobody is left who could ask.
        std::future::pending::<()>().await;
    }
}

/// How patient the supervisor is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// The wait before the first restart; doubled from death to death.
    pub(crate) first_restart: Duration,
    /// The longest wait before a restart.
    pub(crate) last_restart: Duration,
    /// How long a service may take to end.
    pub(crate) drain: Duration,
    /// How often a service may die before it was ever ready.
    pub(crate) attempts: u32,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            first_restart: Duration::from_millis(100),
            last_restart: Duration::from_secs(10),
            drain: Duration::from_secs(15),
            attempts: 5,
        }
    }
}

/// What the supervisor shares with whoever started it.
#[derive(Clone, Debug)]
pub(crate) struct Supervisor {
    pub(crate) printer: Printer,
    pub(crate) patience: Patience,
    pub(crate) stop: watch::Receiver<Stop>,
    /// The set-up link, when `auth` has logged one.
    pub(crate) link: watch::Sender<Option<String>>,
    /// Gets a service's name when it is ready for the first time.
    pub(crate) ready: mpsc::Sender<&'static str>,
}

impl Supervisor {
    /// Runs the services until a stop is asked for, or one cannot be started at all.
    ///
    /// # Errors
    /// When a service cannot start: its configuration, its database or its port is at fault.
    pub(crate) async fn run(mut self, services: Vec<Service>) -> Result<(), Failure> {
        let (give_up, gave_up) = watch::channel(Stop::No);
        let mut keepers = JoinSet::new();
        for service in services {
            let keeper = Keeper {
                service,
                shared: Self {
                    stop: gave_up.clone(),
                    ..self.clone()
                },
                was_ready: false,
            };
            keepers.spawn(keeper.keep());
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
                ended = keepers.join_next() => match ended {
                    None => return result,
                    Some(Ok(Ok(()))) => {}
                    Some(Ok(Err(failure))) => {
                        give_up.send_replace(Stop::Drain);
                        result = result.and(Err(failure));
                    }
                    Some(Err(panic)) => {
                        give_up.send_replace(Stop::Drain);
                        result = result.and(Err(Failure::new(Code::Failed, format!("the supervisor failed: {panic}"))));
                    }
                },
            }
        }
    }
}

/// Keeps one service running.
struct Keeper {
    service: Service,
    shared: Supervisor,
    was_ready: bool,
}

/// How a run ended.
enum End {
    Asked,
    Itself(ExitStatus),
}

impl Keeper {
    async fn keep(mut self) -> Result<(), Failure> {
        let name = self.service.name;
        let patience = self.shared.patience;
        let mut backoff = Backoff::new(patience.first_restart, patience.last_restart);
        loop {
            let started = Instant::now();
            let status = match self.run_once().await? {
                End::Asked => return Ok(()),
                End::Itself(status) => status,
            };
            let wait = backoff.after(started.elapsed());
            if !self.was_ready {
                self.judge(status, backoff.deaths)?;
            }
            let message = format!(
                "{name} {}; starting it again in {} ms",
                describe(status),
                wait.as_millis()
            );
            self.shared.printer.notice(Level::Warn, message, &[]).await;
            tokio::select! {
                () = sleep(wait) => {}
                () = asked(&mut self.shared.stop, Stop::Drain) => return Ok(()),
            }
        }
    }

    async fn run_once(&mut self) -> Result<End, Failure> {
        let name = self.service.name;
        let shared = &mut self.shared;
        let mut running = Running::spawn(&self.service, &shared.printer, &shared.link)
            .map_err(|error| Failure::new(Code::Failed, format!("cannot start {name}: {error}")))?;
        let mut ready = std::pin::pin!(ready::ready(self.service.management));
        let mut is_ready = false;
        loop {
            tokio::select! {
                status = running.wait() => {
                    running.last_words().await;
                    return status
                        .map(End::Itself)
                        .map_err(|error| Failure::new(Code::Failed, format!("cannot wait for {name}: {error}")));
                }
                () = &mut ready, if !is_ready => {
                    is_ready = true;
                    if std::mem::replace(&mut self.was_ready, true) {
                        let fields = [("process.pid", running.pid())];
                        shared.printer.notice(Level::Info, format!("{name} is back"), &fields).await;
                    } else {
                        let _ = shared.ready.send(name).await;
                    }
                }
                () = asked(&mut shared.stop, Stop::Drain) => {
                    let drain = shared.patience.drain;
                    if running.stop(drain, &mut shared.stop).await {
                        shared.printer.notice(Level::Warn, format!("{name} was killed"), &[]).await;
                    }
                    return Ok(End::Asked);
                }
            }
        }
    }

    /// Whether a service that was never ready is worth another try.
    fn judge(&self, status: ExitStatus, deaths: u32) -> Result<(), Failure> {
        let name = self.service.name;
        // The services' own exit codes: configuration, database, port. Each has said why in its last line.
        let (code, what) = match status.code() {
            Some(2) => (Code::Usage, "refuses its configuration"),
            Some(3) => (Code::Failed, "cannot use its database"),
            Some(4) => (Code::Conflict, "cannot have its port"),
            _ if deaths >= self.shared.patience.attempts => (Code::Failed, "does not start"),
            _ => return Ok(()),
        };
        Err(Failure::new(code, format!("{name} {what}")).hint("Its own message stands above."))
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
