//! The pages of drift checks that are due.

use chassis::db::DbError;
use tokio::time::Instant;

use super::super::drift::CheckJob;
use super::super::store;
use super::super::store::checks;
use super::Dispatcher;

impl Dispatcher {
    /// Begins a page of each check that is due. The pages are compared beside the pushes.
    pub(super) async fn start_checks(&mut self) -> Result<(), DbError> {
        for job in self.claim_checks().await? {
            self.running.spawn(job.run());
        }
        Ok(())
    }

    /// Claims each check that is due for one page.
    pub(crate) async fn claim_checks(&self) -> Result<Vec<CheckJob>, DbError> {
        let shared = &self.provisioning.shared;
        let now = self.provisioning.now();
        let mut reader = shared.db.reader().await?;
        let held = chassis::db::clock(&mut reader).await?;
        let due = checks::due(&mut reader, (now, held)).await?;
        drop(reader);
        let mut jobs = Vec::new();
        for target in due {
            let began = Instant::now();
            let mut tx = shared.db.begin("provisioning_check").await?;
            let until = held + self.options.lease;
            let claimed = checks::claim(&mut tx, target, (held, until)).await?;
            let target = store::find(&mut tx, target).await?;
            tx.commit().await?;
            if let (Some(check), Some(target)) = (claimed, target) {
                jobs.push(CheckJob {
                    provisioning: self.provisioning.clone(),
                    target,
                    check,
                    claimed: began,
                });
            }
        }
        Ok(jobs)
    }
}
