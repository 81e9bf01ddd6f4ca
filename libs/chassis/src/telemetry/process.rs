//! Process metrics, under the names that Prometheus' own clients use. `metrics-process` reads them from the system; they are
//! written here, because its recorder would cut the processor time to whole seconds.

use std::fmt::Write as _;

use metrics_process::collector::collect;

use super::catalogue::PROCESS;

/// The metrics `process_…` in the text format of Prometheus, measured now.
pub(super) fn text() -> String {
    let mut text = String::new();
    for (name, value) in measure() {
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

/// The metrics that the system knows. A limit that is not set is not among them.
fn measure() -> Vec<(&'static str, f64)> {
    let process = collect();
    let number = |value: Option<u64>| value.map(|value| value as f64);
    let limit = |value: Option<u64>| number(value.filter(|value| *value > 0));
    let measured = [
        ("process_cpu_seconds_total", process.cpu_seconds_total),
        (
            "process_resident_memory_bytes",
            number(process.resident_memory_bytes),
        ),
        (
            "process_virtual_memory_bytes",
            number(process.virtual_memory_bytes),
        ),
        ("process_open_fds", number(process.open_fds)),
        ("process_max_fds", limit(process.max_fds)),
        ("process_threads", number(process.threads)),
        ("process_start_time_seconds", number(process.start_time_seconds)),
    ];
    measured
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_kernel_tells_of_this_process() {
        let measured = measure();
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

    #[test]
    fn each_metric_is_written_with_its_type() {
        let text = text();
        for (name, _) in measure() {
            let metric = PROCESS.iter().find(|metric| metric.name == name);
            let kind = metric.map(|metric| metric.kind.name());
            assert!(
                text.contains(&format!("# TYPE {name} {}\n{name} ", kind.unwrap())),
                "{text}"
            );
        }
    }
}
