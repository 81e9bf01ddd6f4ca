//! One push: one resource is brought to the state at a target that the rules and the directory ask for.

mod dry_run;
mod error;
mod group;
mod members;
mod memberships;
mod ownership;
mod plan;
mod record;
mod resource;
#[cfg(test)]
mod tests;
mod user;

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use http::StatusCode;
use tokio::time::Instant;
use url::Url;
use uuid::Uuid;

use crate::credentials::Credentials;
use crate::remote::{Features, Kind, Remote, RemoteError};
use crate::store::Target;
use crate::store::queue::{Claim, Due};
use crate::{Provisioning, ProvisioningError};

pub(crate) use dry_run::Planned;
pub(crate) use error::PushError;
pub(crate) use memberships::{above, pushed_groups};
pub(crate) use plan::{Wanted, plan};
pub(crate) use user::Situation;

/// The longest time of a push and of a page of a drift check, which is shorter than the lease of its claim.
pub(crate) const LIMIT: Duration = Duration::from_secs(100);

/// A resource that this replica has claimed.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) provisioning: Provisioning,
    pub(crate) target: Target,
    pub(crate) claim: Claim,
    pub(crate) due: Due,
    /// The time of the claim, from which the limit of the push counts.
    pub(crate) claimed: Instant,
}

/// The result of a push that succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    /// The resource is at the target as it should be, and a member of these groups.
    Complete { groups: Vec<Uuid> },
    /// The resource is at the target as it should be, and some of its members are to be pushed yet.
    MembersLeft { groups: Vec<Uuid> },
    /// Nothing of it is at the target.
    Absent,
}

/// A push under way. What was reached stays here when it fails.
#[derive(Debug)]
pub(crate) struct Attempt<'a> {
    pub(super) job: &'a Job,
    pub(super) remote: &'a Remote<'a>,
    pub(super) features: Features,
    /// The id at the target.
    pub(super) remote_id: Option<String>,
    /// The name that it is recognised by at a target that has not shown our `externalId`.
    pub(super) remote_name: Option<String>,
    /// The digest of what the target has.
    pub(super) pushed: Option<Vec<u8>>,
    /// True if the resource was created at the target.
    pub(super) created: bool,
    /// True if the resource was found by its name, and was not pushed from here before.
    pub(super) adopted: bool,
    /// True if something was written at the target.
    pub(super) written: bool,
    /// The members of the group that the target refused in this push.
    pub(super) refused_members: Vec<(Uuid, RemoteError)>,
    /// The members of the group that it refuses, summed up.
    pub(super) refused: Option<Refused>,
    /// True if nothing is to be written, here or at the target.
    pub(super) is_dry: bool,
    /// In a dry run, the first thing that would have been written.
    pub(super) planned: Option<Planned>,
}

impl Job {
    pub(crate) fn kind(&self) -> Kind {
        Kind::of_name(&self.due.kind)
    }

    pub(super) fn id(&self) -> Uuid {
        self.claim.resource
    }

    /// Pushes, and writes down what became of it.
    pub(crate) async fn run(self) {
        let outcome = match self.remote() {
            Ok(remote) => self.push(&remote).await,
            Err(error) => Outcome::failed(&self, PushError::Own(error)),
        };
        if let Err(error) = self.record(outcome).await {
            tracing::warn!(
                provisioning.target.id = %self.target.id,
                error = &error as &dyn std::error::Error,
                "outcome of a push not stored: it is repeated when its lease expires"
            );
        }
    }

    /// The client of the target.
    fn remote(&self) -> Result<Remote<'_>, ProvisioningError> {
        remote_of(&self.provisioning, &self.target)
    }

    async fn push(&self, remote: &Remote<'_>) -> Outcome {
        let deadline = self.claimed + LIMIT;
        let asking = features_of(&self.provisioning, &self.target, remote);
        let features = match tokio::time::timeout_at(deadline, asking).await {
            Ok(Ok(features)) => features,
            Ok(Err(error)) => return Outcome::failed(self, error.into()),
            Err(_) => return Outcome::failed(self, RemoteError::Late.into()),
        };
        let mut attempt = Attempt {
            job: self,
            remote,
            features,
            remote_id: self.due.remote_id.clone(),
            remote_name: self.due.remote_name.clone(),
            pushed: self.due.pushed.clone(),
            created: false,
            adopted: false,
            written: false,
            refused_members: Vec::new(),
            refused: None,
            is_dry: false,
            planned: None,
        };
        let pushing = async {
            match self.kind() {
                Kind::User => attempt.push_user().await,
                Kind::Group => attempt.push_group(deadline - LIMIT / 3).await,
            }
        };
        let result = tokio::time::timeout_at(deadline, pushing).await;
        let result = result.unwrap_or(Err(RemoteError::Late.into()));
        Outcome {
            remote_id: attempt.remote_id,
            remote_name: attempt.remote_name,
            pushed: attempt.pushed,
            written: attempt.written,
            refused: attempt.refused,
            result,
        }
    }
}

/// The outcome of a push.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) result: Result<Done, PushError>,
    pub(super) remote_id: Option<String>,
    pub(super) remote_name: Option<String>,
    pub(super) pushed: Option<Vec<u8>>,
    pub(super) written: bool,
    pub(super) refused: Option<Refused>,
}

/// Members of a group that a target refuses, though the group is pushed.
#[derive(Clone, Debug)]
pub(super) struct Refused {
    pub(super) reason: String,
    pub(super) status: Option<StatusCode>,
}

impl Outcome {
    fn failed(job: &Job, error: PushError) -> Self {
        Self {
            result: Err(error),
            remote_id: job.due.remote_id.clone(),
            remote_name: job.due.remote_name.clone(),
            pushed: job.due.pushed.clone(),
            written: false,
            refused: None,
        }
    }
}

/// The client of a target.
///
/// # Errors
/// When its credentials cannot be read.
pub(crate) fn remote_of<'a>(
    provisioning: &'a Provisioning,
    target: &Target,
) -> Result<Remote<'a>, ProvisioningError> {
    let credentials = Credentials::open(provisioning.cipher()?, target.id, &target.credentials())?;
    let base: Url = target
        .base_url
        .parse()
        .map_err(|_| crate::invalid::InvalidRule::new("base_url", "Expected a URL."))?;
    Ok(Remote {
        outbound: &provisioning.shared.outbound,
        base,
        credentials,
        tokens: &provisioning.shared.tokens,
        budget: &provisioning.shared.answers,
        cached_by: (target.id, target.version),
    })
}

/// The features of a target, which are asked for once by each replica while the target stays as it is.
///
/// # Errors
/// When the target cannot be asked.
pub(crate) async fn features_of(
    provisioning: &Provisioning,
    target: &Target,
    remote: &Remote<'_>,
) -> Result<Features, RemoteError> {
    let cached = || {
        let all = provisioning.shared.features.lock().ok()?;
        let (version, features) = all.get(&target.id)?;
        (*version == target.version).then_some(*features)
    };
    if let Some(features) = cached() {
        return Ok(features);
    }
    let features = remote.features().await?;
    if let Ok(mut all) = provisioning.shared.features.lock() {
        all.insert(target.id, (target.version, features));
    }
    Ok(features)
}

/// The digest of a resource as it is pushed.
pub(super) fn digest_of(value: &impl serde::Serialize) -> Vec<u8> {
    let text = serde_json::to_vec(value).unwrap_or_default();
    digest(&SHA256, &text).as_ref().to_vec()
}
