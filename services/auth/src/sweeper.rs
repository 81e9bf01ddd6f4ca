//! The sweeper: a background task that deletes expired rows and publishes the counts of failed sign-ins.

use std::time::Duration;

use chassis::backoff::Backoff;
use chassis::clock::SharedClock;
use chassis::db::{Db, DbError};
use chassis::schedule::run_on_schedule;
use chassis::shutdown::Shutdown;

use crate::accounts::{self, Accounts};
use crate::clients::ClientRegistration;
use crate::grants::Grants;
use crate::registration::Registrations;
use crate::sessions::Sessions;
use crate::{
    authorization_requests, clients, form_submissions, host_sessions, logouts, setup_links, sign_up, throttle,
};

/// The interval between two sweeps.
const INTERVAL: Duration = Duration::from_secs(30);

/// Deletes what is over in every domain.
#[derive(Clone)]
pub(crate) struct Sweeper {
    pub(crate) db: Db,
    pub(crate) clock: SharedClock,
    pub(crate) accounts: Accounts,
    pub(crate) grants: Grants,
    pub(crate) registrations: Registrations,
    pub(crate) sessions: Sessions,
    pub(crate) client_registration: ClientRegistration,
}

impl Sweeper {
    /// Sweeps until `shutdown`. Replicas may sweep at the same time.
    pub(crate) async fn run(self, shutdown: Shutdown) {
        let failures = Backoff::new("expired rows cannot be deleted");
        run_on_schedule(INTERVAL, failures, &shutdown, || self.sweep()).await;
    }

    /// Sweeps once, in short transactions.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn sweep(&self) -> Result<(), DbError> {
        loop {
            let mut tx = self.db.begin("sweep_sessions").await?;
            let gone = self.sessions.sweep(&mut tx).await?;
            tx.commit().await?;
            if gone == 0 {
                break;
            }
        }
        let mut tx = self.db.begin("sweep_registrations").await?;
        self.registrations.sweep(&mut tx).await?;
        sign_up::sweep(&mut tx, self.clock.now()).await?;
        tx.commit().await?;
        loop {
            let mut tx = self.db.begin("publish_failed_sign_ins").await?;
            let published = self.accounts.publish_failures(&mut tx).await?;
            tx.commit().await?;
            if published == 0 {
                break;
            }
        }
        let mut tx = self.db.begin("sweep").await?;
        let now = self.clock.now();
        throttle::sweep(&mut tx, now).await?;
        setup_links::sweep(&mut tx, now).await?;
        accounts::sweep_devices(&mut tx, now).await?;
        tx.commit().await?;
        let mut tx = self.db.begin("sweep_short_lived").await?;
        authorization_requests::sweep(&mut tx, now).await?;
        form_submissions::sweep(&mut tx, now).await?;
        clients::sweep(&mut tx, now).await?;
        host_sessions::sweep(&mut tx, now).await?;
        logouts::sweep(&mut tx).await?;
        tx.commit().await?;
        self.client_registration.sweep_unused().await?;
        self.grants.sweep().await.map(drop)
    }
}
