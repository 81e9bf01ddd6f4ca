//! The record of what became of a push.

use std::time::Duration;

use chassis::clock::Timestamp;
use chassis::db::{DbError, Tx};
use http::StatusCode;
use tokio::time::Instant;

use super::{Done, Job, Outcome, PushError, Refused};
use crate::metering;
use crate::remote::{Kind, RemoteError};
use crate::store::marks;
use crate::store::queue::{self, Outcome as Row};
use crate::store::{self, members};
use crate::{ProvisioningError, schedule};

/// The time for which a resource waits that this service could not push by its own fault.
const OWN_FAULT: Duration = Duration::from_secs(60);

/// The end of a push that succeeded.
struct End<'a> {
    state: &'static str,
    pause: Duration,
    refused: Option<&'a Refused>,
}

impl End<'_> {
    fn at_once(state: &'static str) -> Self {
        Self {
            state,
            pause: Duration::ZERO,
            refused: None,
        }
    }
}

/// A status as it is stored.
fn code(status: StatusCode) -> i32 {
    i32::from(status.as_u16())
}

/// True if the push failed because of this service, which is no attempt of the resource.
fn is_own_fault(error: &PushError) -> bool {
    matches!(
        error,
        PushError::Own(_) | PushError::Db(_) | PushError::Remote(RemoteError::NoRoom)
    )
}

impl Job {
    /// Writes the outcome down, unless another replica has claimed the resource meanwhile.
    pub(super) async fn record(&self, outcome: Outcome) -> Result<(), DbError> {
        match &outcome.result {
            Ok(done) => {
                self.record_success(done, &outcome).await?;
                self.provisioning.shared.health.answered(self.target.id);
                self.note_recovery().await
            }
            Err(error) => self.record_failure(error, &outcome).await,
        }
    }

    async fn record_success(&self, done: &Done, outcome: &Outcome) -> Result<(), DbError> {
        let now = self.provisioning.now();
        let mut tx = self.provisioning.shared.db.begin("provisioning_push").await?;
        let (groups, end) = match done {
            Done::Absent => return self.record_gone(tx, now, outcome.written).await,
            Done::Complete { groups } => (groups, self.end_of(outcome)),
            Done::MembersLeft { groups } => (groups, End::at_once("waiting")),
        };
        let (target, id) = (self.target.id, self.id());
        let changed = members::set_groups(&mut tx, target, id, groups).await?;
        let mut touched = changed.clone();
        touched.push(id);
        marks::lock(&mut tx, target, &touched).await?;
        let row = Row {
            state: end.state,
            next_attempt_at: now + end.pause,
            counts: end.refused.is_some(),
            status: end.refused.and_then(|refused| refused.status).map(code),
            error: end.refused.map(|refused| refused.reason.as_str()),
            ..self.row(outcome, now)
        };
        if !queue::finish(&mut tx, self.claim, &row).await? {
            return Ok(());
        }
        for group in changed {
            marks::track(&mut tx, target, (Kind::Group, group), now).await?;
        }
        tx.wake_on_commit(&self.provisioning.shared.wake);
        tx.commit().await?;
        match (end.refused, end.state) {
            (Some(_), "dead") => self.log_dead(),
            (Some(_), _) => metering::pushed("failed"),
            (None, _) => metering::pushed(if outcome.written { "pushed" } else { "unchanged" }),
        }
        Ok(())
    }

    /// The end of a push after which the resource is as it should be. A group whose members the target refuses in part is tried
    /// again like one that it refuses, and then given up with them, until the next change: its other members are pushed.
    fn end_of<'a>(&self, outcome: &'a Outcome) -> End<'a> {
        let Some(refused) = &outcome.refused else {
            return End::at_once("in_step");
        };
        let attempts = self.due.attempts.saturating_add(1);
        let pause = schedule::pause(attempts, true, self.provisioning.random());
        End {
            state: if pause.is_some() { "waiting" } else { "dead" },
            pause: pause.unwrap_or_default(),
            refused: Some(refused),
        }
    }

    async fn record_gone(&self, mut tx: Tx, now: Timestamp, written: bool) -> Result<(), DbError> {
        let (target, id) = (self.target.id, self.id());
        match self.kind() {
            Kind::User => members::forget_member(&mut tx, target, id).await?,
            Kind::Group => {
                members::forget_member(&mut tx, target, id).await?;
                members::forget_group(&mut tx, target, id).await?;
            }
        }
        if !queue::forget(&mut tx, self.claim, self.due.marks).await? {
            let gone = Outcome {
                result: Ok(Done::Absent),
                remote_id: None,
                remote_name: None,
                pushed: None,
                written,
                refused: None,
            };
            let row = Row {
                state: "waiting",
                next_attempt_at: now,
                ..self.row(&gone, now)
            };
            if !queue::finish(&mut tx, self.claim, &row).await? {
                return Ok(());
            }
        }
        tx.commit().await?;
        metering::pushed(if written { "pushed" } else { "unchanged" });
        Ok(())
    }

    /// The row of a success.
    fn row<'a>(&self, outcome: &'a Outcome, now: Timestamp) -> Row<'a> {
        Row {
            state: "in_step",
            marks: self.due.marks,
            remote_id: outcome.remote_id.as_deref(),
            remote_name: outcome.remote_name.as_deref(),
            pushed: outcome.pushed.as_deref(),
            next_attempt_at: now,
            counts: false,
            status: None,
            error: None,
            now,
        }
    }

    async fn record_failure(&self, error: &PushError, outcome: &Outcome) -> Result<(), DbError> {
        let now = self.provisioning.now();
        let counts = self.note_target_failure(error, now).await?;
        let attempts = self.due.attempts.saturating_add(i32::from(counts));
        let random = self.provisioning.random();
        let pause = match counts {
            true => schedule::pause(attempts, error.is_permanent(), random),
            false if is_own_fault(error) => Some(OWN_FAULT),
            // The target is left alone as a whole.
            false => Some(Duration::ZERO),
        };
        let status = match error {
            PushError::Remote(error) => error.status().map(code),
            _ => None,
        };
        let text = error.to_string();
        let row = Row {
            state: if pause.is_some() { "waiting" } else { "dead" },
            next_attempt_at: now + pause.unwrap_or_default(),
            counts,
            status,
            error: Some(&text),
            ..self.row(outcome, now)
        };
        let mut tx = self.provisioning.shared.db.begin("provisioning_push").await?;
        match queue::finish(&mut tx, self.claim, &row).await {
            Ok(true) => tx.commit().await?,
            Ok(false) => return Ok(()),
            // Another resource here got the same one at the target a moment ago.
            Err(DbError::Unique { .. }) => return self.put_off(now).await,
            Err(error) => return Err(error),
        }
        self.log_failure(error, pause, counts);
        Ok(())
    }

    /// Gives the resource back as it was.
    async fn put_off(&self, now: Timestamp) -> Result<(), DbError> {
        let mut tx = self.provisioning.shared.db.begin("provisioning_release").await?;
        queue::release(&mut tx, self.claim, Some(now + OWN_FAULT)).await?;
        tx.commit().await
    }

    fn log_failure(&self, error: &PushError, pause: Option<Duration>, counts: bool) {
        match (pause, counts) {
            (None, _) => self.log_dead(),
            (Some(_), true) => metering::pushed("failed"),
            (Some(_), false) => metering::pushed("postponed"),
        }
        if let PushError::Own(error) = error {
            tracing::error!(
                provisioning.target.id = %self.target.id,
                error = error as &dyn std::error::Error,
                "push to a target cannot be prepared: it is retried in a minute"
            );
        }
    }

    fn log_dead(&self) {
        metering::pushed("dead");
        tracing::error!(
            event.action = "provisioning-dead-lettered",
            event.outcome = "failure",
            provisioning.target.id = %self.target.id,
            provisioning.resource.id = %self.id(),
            "push to a target given up: it can be retried"
        );
    }

    /// Leaves the target alone when the failure is its own. Returns true if the failure is the resource's, and counts.
    async fn note_target_failure(&self, error: &PushError, now: Timestamp) -> Result<bool, DbError> {
        let shared = &self.provisioning.shared;
        match error {
            PushError::Remote(RemoteError::Unauthorized { reason, .. }) => {
                self.pause_unauthorized(reason, now).await?;
                Ok(false)
            }
            PushError::Remote(
                failure @ RemoteError::Unavailable {
                    retry_after, reason, ..
                },
            ) => {
                let rest = schedule::rest(self.target.failures, self.provisioning.random());
                let rest = retry_after.map_or(rest, |after| rest.max(after));
                self.back_off(reason, now, rest).await?;
                tracing::debug!(provisioning.target.id = %self.target.id, error.message = %failure, "target left alone");
                Ok(false)
            }
            PushError::Remote(RemoteError::Late) => {
                if shared.health.is_silent(self.target.id) {
                    let rest = schedule::rest(self.target.failures + 4, self.provisioning.random());
                    self.back_off("no answer in time", now, rest).await?;
                }
                Ok(true)
            }
            PushError::Own(own) => {
                if let ProvisioningError::Cipher(_) | ProvisioningError::NoEncryption = own {
                    shared.health.rest(self.target.id, Instant::now() + OWN_FAULT);
                }
                Ok(false)
            }
            PushError::Db(_) | PushError::Remote(RemoteError::NoRoom) => Ok(false),
            _ => {
                shared.health.answered(self.target.id);
                self.note_recovery().await?;
                Ok(true)
            }
        }
    }

    async fn back_off(&self, reason: &str, now: Timestamp, rest: Duration) -> Result<(), DbError> {
        let mut tx = self.provisioning.shared.db.begin("provisioning_back_off").await?;
        store::back_off(&mut tx, &self.target, reason, (now, now + rest)).await?;
        tx.commit().await
    }

    async fn pause_unauthorized(&self, reason: &str, now: Timestamp) -> Result<(), DbError> {
        let mut tx = self.provisioning.shared.db.begin("provisioning_pause").await?;
        let paused = store::pause(&mut tx, &self.target, "unauthorized", reason, now).await?;
        tx.commit().await?;
        if paused {
            tracing::error!(
                event.action = "provisioning-target-paused",
                event.outcome = "failure",
                provisioning.target.id = %self.target.id,
                "provisioning target paused: it refuses the credentials"
            );
        }
        Ok(())
    }

    /// Notes that the target answers again. In a transaction of its own: the row of the target is locked before those of
    /// resources elsewhere.
    async fn note_recovery(&self) -> Result<(), DbError> {
        if self.target.failures == 0 {
            return Ok(());
        }
        let mut tx = self
            .provisioning
            .shared
            .db
            .begin("provisioning_recovered")
            .await?;
        store::recovered(&mut tx, self.target.id).await?;
        tx.commit().await
    }
}
