//! Hourly quotas: a number of uses in an hour, which begins with the first.

mod sources;
mod store;

use std::time::Duration;

pub(crate) use sources::{QuotaClaim, SourceQuota, SourceQuotas};
pub(crate) use store::{QuotaUsage, claim, find_usage, release, sweep};

/// The period of a quota. A clock that was set back ends it too.
pub(crate) const HOUR: Duration = Duration::from_secs(3600);

/// The limit of a setting. 0 means no limit.
pub(crate) fn limit(setting: u32) -> i64 {
    match setting {
        0 => i64::MAX,
        limit => i64::from(limit),
    }
}
