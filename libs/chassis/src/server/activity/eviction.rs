//! Eviction order of connections when slots run out.

use std::time::Duration;

use tokio::time::Instant;

/// The time after which a client is evicted sooner than an idle one: a TLS handshake over a bad mobile
/// network takes as long.
const GRACE: Duration = Duration::from_secs(2);

/// The eviction rank of a connection. The lowest rank is evicted first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::server) struct EvictionRank {
    class: RankClass,
    since: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum RankClass {
    /// The service waits for the rest of a head or a body, or for the client to read, for longer than [`GRACE`].
    Slow,
    /// No request is open, so nothing is lost.
    Idle,
    /// Like `Slow`, but for a shorter time.
    Begun,
}

impl EvictionRank {
    pub(super) fn idle(since: Instant) -> Self {
        let class = RankClass::Idle;
        Self { class, since }
    }

    pub(super) fn unfinished(since: Instant) -> Self {
        let class = match since.elapsed() > GRACE {
            true => RankClass::Slow,
            false => RankClass::Begun,
        };
        Self { class, since }
    }
}
