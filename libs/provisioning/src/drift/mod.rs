//! The drift check: what a target has is compared with what it should have, page by page.

mod members;
mod missing;
mod page;

use chassis::db::{DbError, Tx};
use tokio::time::Instant;
use uuid::Uuid;

use self::members::MemberDifferences;
use crate::push::{LIMIT, features_of, remote_of};
use crate::remote::RemoteError;
use crate::store::checks::{self, Check, Finding, MAX_FINDINGS};
use crate::store::{Target, marks, members as stored_members};
use crate::{Provisioning, ProvisioningError};

/// A check that this replica has claimed for a page.
#[derive(Debug)]
pub(crate) struct CheckJob {
    pub(crate) provisioning: Provisioning,
    pub(crate) target: Target,
    pub(crate) check: Check,
    /// The time of the claim, from which the limit of the page counts.
    pub(crate) claimed: Instant,
}

/// The result of a page.
#[derive(Debug, Default)]
struct PageResult {
    compared: i64,
    findings: Vec<Finding>,
    /// The resources here that were found at the target.
    seen: Vec<Uuid>,
    /// The ids of the target that were compared, of a page for which the time was too short. Its rest is compared next.
    stopped_after: Option<Vec<String>>,
    /// The start of the next page of the same phase.
    next: Option<String>,
    /// The members that are to be pushed once more if the check repairs.
    members: Vec<MemberDifferences>,
    /// The error that ended the page. What was compared before it counts.
    failure: Option<ProvisioningError>,
}

/// The phase after another.
fn next_phase(phase: &str) -> &'static str {
    match phase {
        "users" => "groups",
        "groups" => "missing",
        _ => "done",
    }
}

impl CheckJob {
    /// Compares one page, and writes down what it brought.
    pub(crate) async fn run(self) {
        let id = self.target.id;
        if let Err(error) = self.step().await {
            tracing::warn!(
                provisioning.target.id = %id,
                error = &error as &dyn std::error::Error,
                "page of a drift check not stored: it is repeated when its lease expires"
            );
        }
    }

    async fn step(mut self) -> Result<(), DbError> {
        let now = self.provisioning.now();
        let page = tokio::time::timeout_at(self.claimed + LIMIT, self.page()).await;
        let page = match page.unwrap_or(Err(RemoteError::Late.into())) {
            Ok(page) => page,
            Err(ProvisioningError::Db(error)) => return Err(error),
            Err(error) => PageResult {
                stopped_after: Some(Vec::new()),
                failure: Some(error),
                ..PageResult::default()
            },
        };
        match (&page.stopped_after, &page.next) {
            (Some(compared), _) => self.check.page_done.extend(compared.iter().cloned()),
            (None, Some(next)) => self.check.begin_page(next),
            (None, None) => {
                self.check.phase = next_phase(&self.check.phase).to_owned();
                self.check.begin_page("");
            }
        }
        match &page.failure {
            // The page goes on from there when there is room.
            None | Some(ProvisioningError::Remote(RemoteError::NoRoom)) => {}
            Some(error) => {
                self.check.phase = "failed".to_owned();
                self.check.error = Some(error.to_string());
            }
        }
        if matches!(self.check.phase.as_str(), "done" | "failed") {
            self.check.finished_at = Some(now);
        }
        self.note(&page);
        self.save(&page).await
    }

    fn note(&mut self, page: &PageResult) {
        let check = &mut self.check;
        check.compared = check.compared.saturating_add(page.compared);
        for finding in &page.findings {
            let count = match finding.finding.as_str() {
                "different" => &mut check.different,
                "missing" => &mut check.missing,
                "not_compared" => &mut check.not_compared,
                _ => &mut check.unmanaged,
            };
            *count = count.saturating_add(1);
            if check.findings.0.len() < MAX_FINDINGS {
                check.findings.0.push(finding.clone());
            }
        }
    }

    async fn save(&self, page: &PageResult) -> Result<(), DbError> {
        let mut tx = self.provisioning.shared.db.begin("provisioning_check").await?;
        let mut seen = page.seen.clone();
        seen.sort_unstable();
        if self.check.repair {
            self.repair_members(&mut tx, &page.members).await?;
        }
        marks::lock(&mut tx, self.target.id, &seen).await?;
        checks::see(&mut tx, &self.check, &seen).await?;
        if !checks::save(&mut tx, &self.check).await? {
            return Ok(());
        }
        if self.check.repair {
            let to_repair = page.findings.iter().filter(|finding| finding.is_repairable());
            let ours = to_repair.filter_map(|finding| finding.resource_id);
            let mut ours: Vec<Uuid> = ours.collect();
            ours.sort_unstable();
            marks::distrust(&mut tx, self.target.id, &ours, self.provisioning.now()).await?;
        }
        tx.wake_on_commit(&self.provisioning.shared.wake);
        tx.commit().await
    }

    /// Has members pushed once more. It is rolled back with the page if another replica has the check, and the groups are marked
    /// for their push in the same transaction: changes that no push was asked for would wait for ever. The rows of members are
    /// locked before those of resources, as by a push.
    async fn repair_members(&self, tx: &mut Tx, differences: &[MemberDifferences]) -> Result<(), DbError> {
        let mut differences: Vec<&MemberDifferences> = differences.iter().collect();
        differences.sort_unstable_by_key(|group| group.group);
        for MemberDifferences {
            group,
            missing,
            extra,
        } in differences
        {
            let of = (self.target.id, *group);
            stored_members::add_these_once_more(tx, of, missing).await?;
            stored_members::remove_these(tx, of, extra).await?;
        }
        Ok(())
    }

    async fn page(&self) -> Result<PageResult, ProvisioningError> {
        if self.check.phase == "missing" {
            return self.missing().await;
        }
        let remote = remote_of(&self.provisioning, &self.target)?;
        let features = features_of(&self.provisioning, &self.target, &remote).await?;
        self.compare(&remote, features).await
    }
}

impl Provisioning {
    /// Begins a drift check, which repairs what it finds if that is wanted.
    pub(crate) async fn check(&self, target: Uuid, repair: bool) -> Result<Check, ProvisioningError> {
        let now = self.now();
        let id = self.random().uuid(&*self.shared.clock);
        let mut tx = self.shared.db.begin("provisioning_check").await?;
        let found = crate::store::lock(&mut tx, target)
            .await?
            .ok_or(ProvisioningError::NotFound)?;
        if found.paused_at.is_some() {
            return Err(ProvisioningError::Paused);
        }
        if !checks::begin(&mut tx, target, (id, repair), now).await? {
            return Err(ProvisioningError::Checking);
        }
        let check = checks::find(&mut tx, target)
            .await?
            .ok_or(ProvisioningError::NotFound)?;
        tx.wake_on_commit(&self.shared.wake);
        tx.commit().await?;
        tracing::info!(event.action = "provisioning-checked", event.outcome = "success", provisioning.target.id = %target, "drift check of a provisioning target begun");
        Ok(check)
    }
}
