//! The last phase of a drift check: what was pushed and is not at the target.

use std::time::Duration;

use chassis::db::next_cursor;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use super::page::{STOP, finding};
use super::{CheckJob, PageResult};
use crate::ProvisioningError;
use crate::push::remote_of;
use crate::remote::{Kind, Remote, RemoteError};
use crate::store::checks::{self, Pushed};

/// Resources looked at in one page.
const PAGE: i64 = 500;
/// The longest wait for the answer that shows that a target is there: what is left of a page after one that was late.
const PROBE: Duration = Duration::from_secs(8);

impl CheckJob {
    /// A page of what was pushed and is not at the target.
    pub(super) async fn missing(&self) -> Result<PageResult, ProvisioningError> {
        let after: Uuid = self.check.cursor.parse().unwrap_or_default();
        let shared = &self.provisioning.shared;
        let mut reader = shared.db.reader().await?;
        let page = checks::unseen_after(&mut reader, &self.check, after, PAGE).await?;
        drop(reader);
        // Everything was listed that is there: what was not seen is missing.
        let remote = match self.check.not_compared {
            0 => None,
            _ => Some(remote_of(&self.provisioning, &self.target)?),
        };
        let mut result = PageResult::default();
        let mut last = None;
        for pushed in &page {
            if remote.is_some() && last.is_some() && Instant::now() >= self.claimed + STOP {
                result.next = last;
                return Ok(result);
            }
            match finding_of(remote.as_ref(), pushed).await {
                Ok(found) => {
                    let (id, remote_id) = (Some(pushed.resource_id), pushed.remote_id.as_deref());
                    let found = found.map(|name| finding(name, &pushed.kind, id, remote_id));
                    result.findings.extend(found);
                }
                // What was found before is not lost with it.
                Err(error) => {
                    result.stopped_after = last.is_none().then(Vec::new);
                    result.next = last;
                    result.failure = Some(error.into());
                    return Ok(result);
                }
            }
            last = Some(pushed.resource_id.to_string());
        }
        result.next = next_cursor(&page, PAGE, |pushed| pushed.resource_id.to_string());
        Ok(result)
    }
}

/// The finding about a resource that the list did not bring: `missing` when it is not at the target, `not_compared` when the target
/// does not say. A list that passed over what is too large for an answer does not show that, so with `remote` the target is asked for
/// the resource itself.
async fn finding_of(
    remote: Option<&Remote<'_>>,
    pushed: &Pushed,
) -> Result<Option<&'static str>, RemoteError> {
    let (true, Some(id)) = (pushed.is_missing, &pushed.remote_id) else {
        return Ok(None);
    };
    let Some(remote) = remote else {
        return Ok(Some("missing"));
    };
    match remote.read(Kind::of_name(&pushed.kind), id).await {
        Ok(found) => Ok(found.is_none().then_some("missing")),
        // It is there, and the list that passed over it has counted it.
        Err(RemoteError::TooLarge { .. }) => Ok(None),
        Err(RemoteError::Refused { .. }) => Ok(Some("not_compared")),
        Err(RemoteError::Late) => expect_answer(remote).await.map(|()| Some("not_compared")),
        Err(error) => Err(error),
    }
}

/// Has a target that was late answer something else: then it was late for one resource alone, and the others can be compared.
///
/// # Errors
/// When the target does not answer at all.
pub(super) async fn expect_answer(remote: &Remote<'_>) -> Result<(), RemoteError> {
    match timeout(PROBE, remote.probe(Kind::Group)).await {
        Ok(Ok(()) | Err(RemoteError::TooLarge { .. } | RemoteError::Refused { .. })) => Ok(()),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(RemoteError::Late),
    }
}
