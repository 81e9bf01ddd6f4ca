//! What the kernel knows of a process: the CPU time that it has used, and its memory.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// User and system time of a process and all its threads so far, in steps of the kernel's clock tick.
pub(crate) fn cpu_time(process: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name, in parentheses, may hold anything; utime and stime are the 14th and 15th fields.
    let (_, fields) = stat.rsplit_once(')').context("the name in stat")?;
    let mut fields = fields.split_whitespace().skip(11);
    let mut ticks = || -> Result<u64> { Ok(fields.next().context("a field of stat")?.parse()?) };
    let used = ticks()? + ticks()?;
    Ok(Duration::from_secs_f64(
        seconds(used) / seconds(rustix::param::clock_ticks_per_second()),
    ))
}

/// Resident memory of a process, in MiB.
pub(crate) fn memory_mib(process: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .context("VmRSS in status")?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(seconds(kib) / 1024.0)
}

/// Ticks and KiB are far below 2^52, so nothing is lost.
fn seconds(count: u64) -> f64 {
    count as f64
}
