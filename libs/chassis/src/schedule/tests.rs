//! Tests of tasks that run at an interval.

use std::io;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::shutdown::Phase;

#[tokio::test]
async fn a_task_runs_at_once_and_after_a_failure_until_the_service_stops() {
    let (shutdown, runs) = (Shutdown::new(), AtomicU32::new(0));
    let task = || async {
        match runs.fetch_add(1, Ordering::SeqCst) {
            0 => Err(io::Error::other("the server is away")),
            3 => {
                shutdown.advance(Phase::Stopping);
                Ok(())
            }
            _ => Ok(()),
        }
    };
    let failures = || Backoff::new("the task cannot run");
    run_on_schedule(Duration::from_millis(1), failures(), &shutdown, task).await;
    assert_eq!(runs.load(Ordering::SeqCst), 4);
    run_on_schedule(Duration::from_millis(1), failures(), &shutdown, task).await;
    assert_eq!(runs.load(Ordering::SeqCst), 4, "nothing begins afterwards");
}
