//! Panics of background work: logged and counted, and the work is restarted.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::Duration;

use crate::telemetry::panic_text;

/// Creates the series at zero, so that the first panic is seen as an increase.
pub(super) fn count_from_zero(task: &'static str) {
    metrics::counter!("vestibule_task_panics_total", "task" => task).increment(0);
}

pub(super) fn record_panic(task: &'static str, panic: &(dyn Any + Send)) {
    metrics::counter!("vestibule_task_panics_total", "task" => task).increment(1);
    tracing::error!(
        error.type = "panic",
        error.message = panic_text(panic),
        "the background task {task} panicked"
    );
}

/// The pause between a panic and the restart, so that work that always panics does not fill the log or a core.
const RESTART_PAUSE: Duration = Duration::from_millis(20);

/// Runs `work` on a thread called `name`, and restarts it after a panic, until it returns: a worker that panics at one job
/// goes on with the next. A panic is logged and counted in `vestibule_task_panics_total{task}`.
///
/// # Errors
/// The thread cannot be started.
pub fn spawn_thread(
    name: String,
    task: &'static str,
    mut work: impl FnMut() + Send + 'static,
) -> io::Result<()> {
    count_from_zero(task);
    let again = move || {
        while let Err(panic) = catch_unwind(AssertUnwindSafe(&mut work)) {
            record_panic(task, panic.as_ref());
            thread::sleep(RESTART_PAUSE);
        }
    };
    thread::Builder::new().name(name).spawn(again).map(drop)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_thread_goes_on_after_a_panic() {
        let (jobs, taken) = mpsc::channel();
        let (done, seen) = mpsc::channel();
        spawn_thread("worker".to_owned(), "jobs", move || {
            while let Ok(job) = taken.recv() {
                assert_ne!(job, 2, "this job is bad");
                done.send(job).unwrap();
            }
        })
        .unwrap();
        for job in 1..=3 {
            jobs.send(job).unwrap();
        }
        drop(jobs);
        assert_eq!(seen.iter().collect::<Vec<_>>(), [1, 3]);
    }
}
