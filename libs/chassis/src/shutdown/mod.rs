//! Graceful shutdown of a process, and its background tasks.

mod panics;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use crate::backoff::exponential_pause;

pub use panics::spawn_thread;

/// The phase of the shutdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// The service runs.
    Running,
    /// Shutdown was requested: not ready any more, but still serving until load balancers have noticed.
    Draining,
    /// No new connections are accepted; waiting requests (long polls, streams) should end.
    Closing,
    /// Every request has its response; background tasks stop.
    Stopping,
}

/// The shutdown of a process, which every part of it observes. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Shutdown(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    phase: watch::Sender<Phase>,
    tasks: TaskTracker,
    running: Mutex<Vec<&'static str>>,
}

impl Default for Shutdown {
    fn default() -> Self {
        Self::new()
    }
}

impl Shutdown {
    /// The service runs.
    pub fn new() -> Self {
        Self(Arc::new(Inner {
            phase: watch::Sender::new(Phase::Running),
            tasks: TaskTracker::new(),
            running: Mutex::default(),
        }))
    }

    /// Begins the shutdown at the first SIGTERM or SIGINT; a second one ends the process at once.
    ///
    /// # Errors
    /// The signal handlers cannot be installed.
    pub fn on_signals(&self) -> std::io::Result<()> {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let shutdown = self.clone();
        self.0.tasks.spawn(async move {
            let mut next = async || {
                tokio::select! {
                    _ = terminate.recv() => "SIGTERM",
                    _ = interrupt.recv() => "SIGINT",
                }
            };
            let name = tokio::select! {
                name = next() => name,
                () = shutdown.cancelled() => return,
            };
            tracing::info!("{name} drains: requests in flight are finished");
            shutdown.begin();
            tokio::select! {
                _ = next() => std::process::exit(130),
                () = shutdown.cancelled() => {}
            }
        });
        Ok(())
    }

    /// Begins the shutdown. The server drives the later phases.
    pub fn begin(&self) {
        self.advance(Phase::Draining);
    }

    /// Advances to `phase`, never back.
    pub fn advance(&self, phase: Phase) {
        self.0.phase.send_if_modified(|current| {
            let forward = phase > *current;
            if forward {
                *current = phase;
            }
            forward
        });
    }

    /// The phase of the shutdown.
    pub fn phase(&self) -> Phase {
        *self.0.phase.borrow()
    }

    /// Waits until `phase` is reached.
    pub async fn reached(&self, phase: Phase) {
        let mut phases = self.0.phase.subscribe();
        // The sender lives in self, so this cannot fail.
        let _ = phases.wait_for(|current| *current >= phase).await;
    }

    /// Waits until shutdown begins.
    pub async fn draining(&self) {
        self.reached(Phase::Draining).await;
    }

    /// Waits until no new connections are accepted: a long poll or a stream ends now.
    pub async fn closing(&self) {
        self.reached(Phase::Closing).await;
    }

    /// Waits until background tasks must stop.
    pub async fn cancelled(&self) {
        self.reached(Phase::Stopping).await;
    }

    /// True if background tasks must stop.
    pub fn is_cancelled(&self) -> bool {
        self.phase() >= Phase::Stopping
    }

    /// Spawns `future` as a background task, which [`Shutdown::finish`] waits for. A panic is logged and counted in
    /// `vestibule_task_panics_total{task}`.
    pub fn spawn<F>(&self, name: &'static str, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let entry = RunningTask::new(self.clone(), name);
        panics::count_from_zero(name);
        self.0.tasks.spawn(async move {
            let _ = catch_panic(name, future).await;
            drop(entry);
        });
    }

    /// Spawns a background task made by `make`, and restarts it, after a growing pause, whenever it panics or returns before
    /// the shutdown.
    pub fn supervise<M, F>(&self, name: &'static str, mut make: M)
    where
        M: FnMut() -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let shutdown = self.clone();
        self.spawn(name, async move {
            let mut restarts = 0_u32;
            while !shutdown.is_cancelled() {
                let began = tokio::time::Instant::now();
                let returned = catch_panic(name, make()).await;
                if shutdown.is_cancelled() {
                    break;
                }
                if began.elapsed() > LONGEST_PAUSE {
                    restarts = 0;
                }
                let pause = exponential_pause(FIRST_PAUSE, LONGEST_PAUSE, restarts);
                restarts = restarts.saturating_add(1);
                if returned {
                    tracing::warn!(
                        "the background task {name} {ENDED_TOO_EARLY}; it starts again in {pause:?}"
                    );
                }
                tokio::select! {
                    () = tokio::time::sleep(pause) => {}
                    () = shutdown.cancelled() => {}
                }
            }
        });
    }

    /// Stops the background tasks and waits up to `timeout` for them.
    ///
    /// # Errors
    /// The names of the tasks that did not stop in time.
    pub async fn finish(&self, timeout: Duration) -> Result<(), Vec<&'static str>> {
        self.advance(Phase::Stopping);
        self.0.tasks.close();
        match tokio::time::timeout(timeout, self.0.tasks.wait()).await {
            Ok(()) => Ok(()),
            Err(_) => Err(self.running()),
        }
    }

    /// The names of the running background tasks.
    pub fn running(&self) -> Vec<&'static str> {
        self.0
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// The text in the log for a supervised task that returned before the shutdown.
pub const ENDED_TOO_EARLY: &str = "ended too early";
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Runs `future` and records a panic. Returns whether it completed without one.
async fn catch_panic<F: Future<Output = ()>>(name: &'static str, future: F) -> bool {
    match AssertUnwindSafe(future).catch_unwind().await {
        Ok(()) => true,
        Err(panic) => {
            panics::record_panic(name, panic.as_ref());
            false
        }
    }
}

/// An entry in the list of running tasks, removed when it is dropped.
struct RunningTask {
    shutdown: Shutdown,
    name: &'static str,
}

impl RunningTask {
    fn new(shutdown: Shutdown, name: &'static str) -> Self {
        let mut running = shutdown.0.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.push(name);
        drop(running);
        Self { shutdown, name }
    }
}

impl Drop for RunningTask {
    fn drop(&mut self) {
        let mut running = self
            .shutdown
            .0
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = running.iter().position(|name| *name == self.name) {
            running.swap_remove(index);
        }
    }
}
