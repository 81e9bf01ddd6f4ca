//! The cores and the memory that the container may use, which can be less than what the machine has.

use std::fs;
use std::path::{Path, PathBuf};

use super::Cost;

/// The divisor of the memory that hashing may take: half of it.
const MEMORY_DIVISOR: u64 = 2;

/// The number of hashing threads: one a core, as long as their blocks fit in half of the memory.
pub(super) fn threads(cost: Cost) -> usize {
    // Respects the affinity mask and the CPU quota of the control group.
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let fitting = memory_bytes(Path::new("/")).map_or(u64::MAX, |bytes| {
        bytes / MEMORY_DIVISOR / cost.memory_bytes().max(1)
    });
    cores.min(usize::try_from(fitting).unwrap_or(usize::MAX)).max(1)
}

/// The memory beside the blocks of `threads`, in bytes: what is left of the half of the memory that hashing may take.
pub(super) fn spare_memory(cost: Cost, threads: usize) -> u64 {
    let threads = u64::try_from(threads).unwrap_or(u64::MAX);
    let bytes = memory_bytes(Path::new("/")).unwrap_or(u64::MAX);
    (bytes / MEMORY_DIVISOR).saturating_sub(cost.memory_bytes().saturating_mul(threads))
}

/// The memory that this process may use, in bytes: the minimum of the machine's memory and the limits of its
/// control groups.
pub(super) fn memory_bytes(root: &Path) -> Option<u64> {
    cgroup_limits(root).into_iter().chain(machine_memory(root)).min()
}

fn machine_memory(root: &Path) -> Option<u64> {
    let info = fs::read_to_string(root.join("proc/meminfo")).ok()?;
    let total = info.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = total.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

fn cgroup_limits(root: &Path) -> Vec<u64> {
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let mut found = Vec::new();
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) = (fields.next(), fields.next(), fields.next()) else {
            continue;
        };
        // Version 2 has one hierarchy and no name for it; version 1 has one for `memory`.
        let (mount, file) = if controllers.is_empty() {
            (root.join("sys/fs/cgroup"), "memory.max")
        } else if controllers.split(',').any(|name| name == "memory") {
            (root.join("sys/fs/cgroup/memory"), "memory.limit_in_bytes")
        } else {
            continue;
        };
        let group = PathBuf::from(path.trim_start_matches('/'));
        for level in group.ancestors() {
            // "max" stands for no limit and is not a number.
            let limit = fs::read_to_string(mount.join(level).join(file));
            found.extend(limit.ok().and_then(|limit| limit.trim().parse::<u64>().ok()));
        }
    }
    found
}
