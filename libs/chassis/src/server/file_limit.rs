//! File descriptor limit: every connection needs one, and the process needs some for itself.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The maximum number of connections of the management port.
pub(super) const MANAGEMENT_CONNECTIONS: usize = 64;
/// File descriptors for the database, outgoing calls, files and the runtime.
const RESERVED: usize = 256;

/// Raises the limit of this process for `connections` of the public port, as far as it may be raised. Returns how many fit:
/// with more, a flood on the public port would use up the descriptors of probes and of the database.
pub(super) fn raise(connections: usize) -> usize {
    let reserve = MANAGEMENT_CONNECTIONS + RESERVED;
    let wanted = u64::try_from(connections.saturating_add(reserve)).unwrap_or(u64::MAX);
    let limit = getrlimit(Resource::Nofile);
    let mut current = limit.current.unwrap_or(u64::MAX);
    if current < wanted {
        let raised = wanted.min(limit.maximum.unwrap_or(u64::MAX));
        let new = Rlimit {
            current: Some(raised),
            maximum: limit.maximum,
        };
        if setrlimit(Resource::Nofile, new).is_ok() {
            current = raised;
        }
    }
    let most = usize::try_from(current).unwrap_or(usize::MAX);
    let room = if most > 2 * reserve {
        most - reserve
    } else {
        most / 2
    };
    if room < connections {
        tracing::warn!(
            "limits.connections is {connections}, but this process may open {current} files: {room} connections at most"
        );
    }
    room.min(connections)
}
