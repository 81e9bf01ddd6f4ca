//! The handle of a running reconciler: requests for a comparison, and the status of the consumer.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc, oneshot};

use super::{ReconcileError, RepairMode, Report};
use crate::inbox::ConsumerStatus;

/// Reaches the reconciler of a service, wherever it runs. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ReconcilerHandle {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    asks: mpsc::Sender<Ask>,
    // Locked for as long as a reconciler runs: one that is started again takes over.
    asked: Arc<Mutex<mpsc::Receiver<Ask>>>,
    consumer: ConsumerStatus,
    /// The longest wait of somebody who asks by a request.
    patience: Duration,
}

/// Somebody's wish for a comparison.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) repair_mode: RepairMode,
    pub(super) answer: oneshot::Sender<Result<Report, ReconcileError>>,
}

/// The number of requests for a comparison that may wait.
const QUEUE: usize = 16;
/// The longest wait for a comparison of somebody who asks by a request: a little less than a request may
/// take.
const PATIENCE: Duration = Duration::from_secs(28);

impl Default for ReconcilerHandle {
    fn default() -> Self {
        Self::with_patience(PATIENCE)
    }
}

impl ReconcilerHandle {
    fn with_patience(patience: Duration) -> Self {
        let (asks, asked) = mpsc::channel(QUEUE);
        Self {
            shared: Arc::new(Shared {
                asks,
                asked: Arc::new(Mutex::new(asked)),
                consumer: ConsumerStatus::default(),
                patience,
            }),
        }
    }

    /// Compares now, and repairs what can be repaired if `repair` says so.
    ///
    /// # Errors
    /// When the other service cannot be asked, or the database fails.
    pub async fn ask(&self, repair: bool) -> Result<Report, ReconcileError> {
        let report = self.ask_for(repair.into());
        tokio::time::timeout(self.shared.patience, report)
            .await
            .unwrap_or(Err(ReconcileError::Busy))
    }

    /// Compares now, and applies the current state of all that is missing or behind here, without waiting for the events
    /// that may be on their way with it. Takes as long as that takes: minutes with a million people, more when most of
    /// them are behind.
    ///
    /// # Errors
    /// When the other service cannot be asked, or the database fails.
    pub async fn catch_up(&self) -> Result<Report, ReconcileError> {
        self.ask_for(RepairMode::AtOnce).await
    }

    async fn ask_for(&self, repair_mode: RepairMode) -> Result<Report, ReconcileError> {
        let (answer, result) = oneshot::channel();
        self.shared
            .asks
            .try_send(Ask { repair_mode, answer })
            .map_err(|_| ReconcileError::Busy)?;
        result.await.unwrap_or(Err(ReconcileError::Busy))
    }

    /// Closes the queue of requests.
    #[cfg(test)]
    pub(crate) fn close(&self) {
        self.shared.asked.try_lock().unwrap().close();
    }

    /// The status of the consumer in this process.
    pub(crate) fn consumer(&self) -> &ConsumerStatus {
        &self.shared.consumer
    }

    pub(super) fn asked(&self) -> Arc<Mutex<mpsc::Receiver<Ask>>> {
        Arc::clone(&self.shared.asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_asks_by_a_request_waits_for_less_than_that_and_who_catches_up_until_it_is_done() {
        let patience = Duration::from_millis(10);
        let handle = ReconcilerHandle::with_patience(patience);
        assert!(matches!(handle.ask(true).await, Err(ReconcileError::Busy)));
        let answering = async {
            let asked = handle.asked();
            let mut asked = asked.lock().await;
            assert!(
                asked.recv().await.unwrap().answer.is_closed(),
                "nobody waits for it"
            );
            let ask = asked.recv().await.unwrap();
            tokio::time::sleep(patience * 20).await;
            let report = Report::new(chassis::clock::Timestamp::from_secs(7));
            assert!(ask.answer.send(Ok(report)).is_ok(), "somebody still waits");
        };
        let (report, ()) = tokio::join!(handle.catch_up(), answering);
        assert_eq!(report.unwrap().at.as_secs(), 7);
    }
}
