//! Process metrics from `/proc`, under the names that Prometheus' own clients use. On systems other than Linux they are
//! missing.

use std::fmt::Write as _;
use std::fs;

use super::catalogue::PROCESS;

/// Indexes of fields in `/proc/PID/stat` after the name of the program, counted from the state (proc(5): field 3).
const UTIME: usize = 11;
const STIME: usize = 12;
const THREADS: usize = 17;
const STARTTIME: usize = 19;
const VSIZE: usize = 20;
const RSS: usize = 21;

/// The metrics `process_…` in the text format of Prometheus, measured now.
pub(super) fn text() -> String {
    let mut text = String::new();
    for (name, value) in measure().unwrap_or_default() {
        for metric in PROCESS.iter().filter(|metric| metric.name == name) {
            let (help, kind) = (metric.help, metric.kind.name());
            let _ = writeln!(
                text,
                "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n"
            );
        }
    }
    text
}

fn measure() -> Option<Vec<(&'static str, f64)>> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program stands in brackets and may hold any character.
    let (_, fields) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
    let field = |index: usize| fields.get(index)?.parse::<f64>().ok();
    let ticks = rustix::param::clock_ticks_per_second() as f64;
    let mut measured = vec![
        (
            "process_cpu_seconds_total",
            (field(UTIME)? + field(STIME)?) / ticks,
        ),
        (
            "process_resident_memory_bytes",
            field(RSS)? * rustix::param::page_size() as f64,
        ),
        ("process_virtual_memory_bytes", field(VSIZE)?),
        ("process_threads", field(THREADS)?),
        (
            "process_start_time_seconds",
            boot_time()? + field(STARTTIME)? / ticks,
        ),
    ];
    let open = fs::read_dir("/proc/self/fd").map(Iterator::count);
    measured.extend(open.ok().map(|open| ("process_open_fds", open as f64)));
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    measured.extend(limit.map(|limit| ("process_max_fds", limit as f64)));
    Some(measured)
}

/// The time at which the machine booted, in seconds since the Unix epoch.
fn boot_time() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    stat.lines()
        .find_map(|line| line.strip_prefix("btime "))?
        .trim()
        .parse()
        .ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_tells_of_this_process() {
        let measured = measure().unwrap();
        let of = |name| measured.iter().find(|(known, _)| *known == name).unwrap().1;
        assert!(of("process_resident_memory_bytes") > 1e6, "{measured:?}");
        assert!(of("process_virtual_memory_bytes") > of("process_resident_memory_bytes"));
        assert!(of("process_open_fds") >= 3.0 && of("process_max_fds") > of("process_open_fds"));
        assert!(of("process_threads") >= 2.0);
        let now = fs::metadata("/proc/self").unwrap().modified().unwrap();
        let now = now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
        let age = now - of("process_start_time_seconds");
        assert!((-2.0..600.0).contains(&age), "{age}");
    }
}
