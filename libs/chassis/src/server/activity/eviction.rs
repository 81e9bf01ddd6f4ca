//! Which connections can be spared when places run out.

use std::time::Duration;

use tokio::time::Instant;

/// How long a client may take for its part before it is asked for its place sooner than one that has nothing to send: a
/// TLS handshake over a bad mobile network takes as long.
const GRACE: Duration = Duration::from_secs(2);

/// How readily a connection can be spared: the least of all is asked first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::server) struct EvictionRank {
    class: RankClass,
    since: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum RankClass {
    /// The client owes the rest of a head or a body, or takes nothing of an answer, for longer than [`GRACE`].
    Slow,
    /// No request is open, so nothing is lost.
    Idle,
    /// As `Slow`, but for a shorter time.
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
