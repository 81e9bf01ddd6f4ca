//! CPU time and memory of a process, from `/proc`.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::Signal;
use testkit::Process;

/// User and system time of a process and all its threads so far, in steps of the kernel's clock tick.
pub(crate) fn cpu_time(process: u32) -> Result<Duration> {
    let stat = ProcStat::of(process)?;
    Ok(duration(stat.field(14)? + stat.field(15)?))
}

/// User and system time of a process, of its children, and of those of its children that have ended.
pub(crate) fn family_cpu_time(process: u32) -> Result<Duration> {
    let stat = ProcStat::of(process)?;
    let mut used = stat.field(14)? + stat.field(15)? + stat.field(16)? + stat.field(17)?;
    for (_, stat) in children(process)? {
        used += stat.field(14)? + stat.field(15)?;
    }
    Ok(duration(used))
}

/// The only child of a process, as of a script that has started a program and waits for it.
pub(crate) fn only_child(process: u32) -> Result<u32> {
    let children = children(process)?;
    match children.as_slice() {
        [(child, _)] => Ok(*child),
        others => bail!("process {process} has {} children", others.len()),
    }
}

fn children(process: u32) -> Result<Vec<(u32, ProcStat)>> {
    let mut children = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(child) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // A process may end between the list and the look.
        let Ok(stat) = ProcStat::of(child) else { continue };
        if stat.field(4)? == u64::from(process) {
            children.push((child, stat));
        }
    }
    Ok(children)
}

/// A script that has started a program, and ends it when it is terminated. A script that is killed would leave it behind.
pub(crate) struct Script(pub(crate) Process);

impl Drop for Script {
    fn drop(&mut self) {
        self.0.signal(Signal::TERM);
        let began = Instant::now();
        while self.0.is_running() && began.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// The parent of a process.
pub(crate) fn parent(process: u32) -> Result<u32> {
    Ok(u32::try_from(ProcStat::of(process)?.field(4)?)?)
}

/// `/proc/PID/stat` (proc(5)) without the name, which stands in parentheses and may hold anything.
struct ProcStat(String);

impl ProcStat {
    fn of(process: u32) -> Result<Self> {
        let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
        let (_, fields) = stat.rsplit_once(')').context("the name in stat")?;
        Ok(Self(fields.to_owned()))
    }

    /// A field by its number in proc(5); the third is the first after the name.
    fn field(&self, number: usize) -> Result<u64> {
        let field = self.0.split_whitespace().nth(number.saturating_sub(3));
        Ok(field.context("a field of stat")?.parse()?)
    }
}

fn duration(ticks: u64) -> Duration {
    Duration::from_secs_f64(seconds(ticks) / seconds(rustix::param::clock_ticks_per_second()))
}

/// Resident memory of a process, in MiB, with the pages of the program that it has touched.
pub(crate) fn memory_mib(process: u32) -> Result<f64> {
    status_mib(process, "VmRSS:")
}

/// The most that was ever resident of a process, in MiB.
pub(crate) fn peak_memory_mib(process: u32) -> Result<f64> {
    status_mib(process, "VmHWM:")
}

/// Of [`memory_mib`], what the process has made itself: the kernel can drop no page of it, and share none.
pub(crate) fn own_memory_mib(process: u32) -> Result<f64> {
    status_mib(process, "RssAnon:")
}

fn status_mib(process: u32, field: &'static str) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(field))
        .context(field)?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(seconds(kib) / 1024.0)
}

/// Ticks and KiB are far below 2^52, so nothing is lost.
fn seconds(count: u64) -> f64 {
    count as f64
}
