//! One comparison of the reconciler: digests, then versions, then a recheck of what differs, then its repair.

use std::collections::{HashMap, HashSet};

use chassis::db::{DbError, next_cursor};
use chassis::telemetry::error_text;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::compare::{Difference, compare, difference};
use super::digest::{PER_RANGE, Range, Tally};
use super::holdings::Held;
use super::serve::{MAX_IDS, States};
use super::{ReconcileError, Reconciler, RepairMode, Report};
use crate::inbox::{Handler, HandlerError};
use crate::snapshot::{Span, Version};
use contract::Envelope;

/// The interval of the checks whether the consumer has caught up.
const POLL_EVERY: std::time::Duration = std::time::Duration::from_millis(100);

impl<H: Handler> Reconciler<H> {
    /// Compares everything, some tens of thousands of aggregates at a time.
    pub(super) async fn compare_all(&self, repair_mode: RepairMode) -> Result<Report, ReconcileError> {
        let mut report = Report::new(self.inbox.clock().now());
        let mut after = Uuid::nil();
        loop {
            let digests = self.client.digests(after).await?;
            let mut found = Vec::new();
            for range in &digests.ranges {
                report.compared += range.tally.count();
                found.extend(self.range(range).await?);
            }
            if !found.is_empty() {
                if repair_mode != RepairMode::AtOnce && !self.caught_up(digests.position).await? {
                    report.caught_up = false;
                    return Ok(report);
                }
                for some in found.chunks(MAX_IDS) {
                    self.recheck(some, repair_mode, &mut report).await?;
                }
            }
            match digests.next {
                Some(next) => after = next,
                None => return Ok(report),
            }
        }
    }

    /// The differences in a range, at a first look.
    async fn range(&self, range: &Range) -> Result<Vec<Difference>, ReconcileError> {
        let ours = self.held(range.span()).await?;
        if Tally::of(&ours) == range.tally {
            return Ok(Vec::new());
        }
        let (mut theirs, mut span) = (Vec::new(), range.span());
        loop {
            let page = self.client.versions(span).await?;
            theirs.extend(page.versions);
            match page.next {
                Some(next) => span.after = next,
                None => break,
            }
        }
        Ok(compare(&theirs, &ours))
    }

    async fn held(&self, mut span: Span) -> Result<Vec<Version>, DbError> {
        let mut all = Vec::new();
        loop {
            let mut reader = self.inbox.db().reader().await?;
            let page = self.holdings.versions(&mut reader, span, PER_RANGE).await?;
            drop(reader);
            let last = next_cursor(&page, PER_RANGE, |last| last.id);
            all.extend(self.complete(page).await?);
            match last {
                Some(last) => span.after = last,
                None => return Ok(all),
            }
        }
    }

    /// The versions that are held of some aggregates.
    async fn held_of(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, i64>, DbError> {
        let mut reader = self.inbox.db().reader().await?;
        let held = self.holdings.of(&mut reader, ids).await?;
        drop(reader);
        let held = self.complete(held).await?;
        Ok(held.into_iter().map(|held| (held.id, held.version)).collect())
    }

    /// Fills in the versions that only the inbox knows. One that it does not know is older than any.
    async fn complete(&self, held: Vec<Held>) -> Result<Vec<Version>, DbError> {
        let unknown: Vec<Uuid> = held
            .iter()
            .filter(|held| held.version.is_none())
            .map(|held| held.id)
            .collect();
        let noted = if unknown.is_empty() {
            HashMap::new()
        } else {
            self.inbox.noted(&unknown).await?
        };
        let version = |held: Held| {
            let version = held.version.or_else(|| noted.get(&held.id).copied());
            Version::from((held.id, version.unwrap_or_default()))
        };
        Ok(held.into_iter().map(version).collect())
    }

    async fn settled(&self, states: &[Envelope]) -> Result<HashSet<Uuid>, DbError> {
        let mut reader = self.inbox.db().reader().await?;
        self.holdings.settled(&mut reader, states).await
    }

    /// Waits between the looks, and until the consumer has applied what was published before the first. Answers
    /// whether it has.
    async fn caught_up(&self, position: i64) -> Result<bool, DbError> {
        sleep(self.options.second_look).await;
        let deadline = Instant::now() + self.options.patience;
        loop {
            let there = if self.options.positions {
                self.inbox.position().await?.is_some_and(|ours| ours >= position)
            } else {
                !self.handle.consumer().is_lagging()
            };
            if there || Instant::now() >= deadline {
                return Ok(there);
            }
            sleep(POLL_EVERY).await;
        }
    }

    /// The second look at some differences. What still differs and did not move meanwhile is drift; when all is repaired
    /// at once, what moves is too: the event that comes with the same state is dropped then.
    async fn recheck(
        &self,
        first: &[Difference],
        repair_mode: RepairMode,
        report: &mut Report,
    ) -> Result<(), ReconcileError> {
        let ids: Vec<Uuid> = first.iter().map(|difference| difference.id).collect();
        // In this order: an event that comes in between shows in what is held, or moves the note that the repair compares.
        let noted = self.inbox.noted(&ids).await?;
        let States { unsent, events } = self.client.states(&ids).await?;
        let settled = self.settled(&events).await?;
        let theirs: HashMap<Uuid, Envelope> =
            events.into_iter().map(|event| (event.subject, event)).collect();
        let held = self.held_of(&ids).await?;
        let mut to_repair = Vec::new();
        for before in first {
            let id = before.id;
            let state = theirs.get(&id);
            let ours = held.get(&id).copied();
            let Some(now) = difference(id, state.map(|state| state.sequence), ours) else {
                continue;
            };
            let moves = ours != before.ours || now.kind != before.kind || unsent.contains(&id);
            if (moves && repair_mode != RepairMode::AtOnce)
                || (now.kind.is_repairable() && settled.contains(&id))
            {
                continue;
            }
            match state.filter(|_| repair_mode != RepairMode::Nothing && now.kind.is_repairable()) {
                Some(state) => to_repair.push((now, state, noted.get(&id).copied())),
                None => report.count_left(now),
            }
        }
        self.repair(&to_repair, report).await
    }

    /// Applies the current states of some aggregates, and looks whether they are held then.
    async fn repair(
        &self,
        differences: &[(Difference, &Envelope, Option<i64>)],
        report: &mut Report,
    ) -> Result<(), ReconcileError> {
        if differences.is_empty() {
            return Ok(());
        }
        let states: Vec<_> = differences
            .iter()
            .map(|(_, state, noted)| (*state, *noted))
            .collect();
        match self.inbox.repair_all(&states).await {
            Ok(true) => {}
            Err(HandlerError::Db(error)) if error.is_transient() => return Err(error.into()),
            // One of them that cannot be applied keeps no other from it.
            Ok(false) | Err(_) => self.repair_one_by_one(&states).await?,
        }
        let ids: Vec<Uuid> = states.iter().map(|(state, _)| state.subject).collect();
        let held = self.held_of(&ids).await?;
        let states: Vec<Envelope> = states.into_iter().map(|(state, _)| state.clone()).collect();
        let settled = self.settled(&states).await?;
        for (difference, state, _) in differences {
            let id = difference.id;
            let is_held = held.get(&id).is_some_and(|version| *version >= state.sequence);
            match is_held || settled.contains(&id) {
                true => report.count_repaired(difference.kind),
                false => report.count_left(*difference),
            }
        }
        Ok(())
    }

    async fn repair_one_by_one(&self, states: &[(&Envelope, Option<i64>)]) -> Result<(), ReconcileError> {
        for (state, noted) in states {
            match self.inbox.repair(state, *noted).await {
                Ok(_) => {}
                Err(HandlerError::Db(error)) if error.is_transient() => return Err(error.into()),
                Err(error) => {
                    let (consumer, error) = (self.inbox.consumer(), error_text(&error));
                    tracing::error!(consumer, aggregate = %state.subject, error, "drift cannot be repaired");
                }
            }
        }
        Ok(())
    }
}
