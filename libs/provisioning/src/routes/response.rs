//! A target as it is shown: without its credentials.

use chassis::clock::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use super::super::rules::Rules;
use super::super::store::Target;
use super::super::store::figures::Counts;
use super::super::store::sweeps::Sweep;

/// A provisioning target. Its credentials are never shown.
#[derive(Serialize, schemars::JsonSchema)]
#[schemars(rename = "ProvisioningTarget")]
pub(crate) struct TargetResponse {
    id: Uuid,
    name: String,
    base_url: String,
    /// `bearer` or `client_credentials`.
    credentials_type: String,
    rules: Rules,
    enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    paused: Option<Paused>,
    /// The target failed, and is left alone for a while.
    #[serde(skip_serializing_if = "Option::is_none")]
    failing: Option<Failing>,
    /// Users and groups by their state at the target.
    #[serde(skip_serializing_if = "Option::is_none")]
    resources: Option<Counts>,
    /// The walks over the directory that are under way; without any, everything is among the counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    sweeps: Option<Vec<SweepProgress>>,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// Since when nothing is pushed, and why: `operator`, or `unauthorized` when the target refused the credentials.
#[derive(Serialize, schemars::JsonSchema)]
#[schemars(rename = "ProvisioningPause")]
pub(crate) struct Paused {
    at: Timestamp,
    reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Failures of a target in a row, until when it is left alone, and its last error.
#[derive(Serialize, schemars::JsonSchema)]
#[schemars(rename = "ProvisioningFailures")]
pub(crate) struct Failing {
    failures: i32,
    paused_until: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// A walk over the directory.
#[derive(Serialize, schemars::JsonSchema)]
#[schemars(rename = "ProvisioningSweep")]
pub(crate) struct SweepProgress {
    /// `users`, `groups`, `tracked` and `verify` (what the target holds), or `members` of a group.
    kind: String,
    /// Users or groups that it has looked at.
    scanned: i64,
}

#[derive(Serialize, schemars::JsonSchema)]
#[schemars(rename = "ProvisioningTargetPage")]
pub(crate) struct Page {
    pub(super) targets: Vec<TargetResponse>,
    /// For `after`, to read on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<Uuid>,
}

impl TargetResponse {
    pub(super) fn of(target: Target) -> Self {
        let paused = target.paused_at.zip(target.paused_reason);
        let failing = (target.failures > 0).then(|| Failing {
            failures: target.failures,
            paused_until: target.paused_until,
            error: target.last_error.clone(),
        });
        Self {
            id: target.id,
            name: target.name,
            base_url: target.base_url,
            credentials_type: target.credentials_type,
            rules: target.rules.0,
            enabled: paused.is_none(),
            failing: failing.filter(|_| paused.is_none()),
            paused: paused.map(|(at, reason)| Paused {
                at,
                reason,
                error: target.last_error,
            }),
            resources: None,
            sweeps: None,
            version: target.version,
            created_at: target.created_at,
            updated_at: target.updated_at,
        }
    }

    pub(super) fn with_progress(self, counts: Counts, sweeps: &[Sweep]) -> Self {
        let progress = |sweep: &Sweep| SweepProgress {
            kind: sweep.kind.clone(),
            scanned: sweep.scanned,
        };
        Self {
            resources: Some(counts),
            sweeps: Some(sweeps.iter().map(progress).collect()),
            ..self
        }
    }
}
