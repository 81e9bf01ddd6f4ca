//! The log lines of administrative acts: each example that changes something is in the log with who did it and from where.

use http::Method;
use serde_json::Value;
use testkit::Process;

/// Operations whose examples change nothing: searches with a body, and a comparison with `dry`.
const READS: [&str; 4] = ["reconcile", "searchScim", "searchScimGroups", "searchScimUsers"];

/// The administrative acts of a run, with the traces of their requests.
#[derive(Default)]
pub(super) struct Acts {
    traces: u32,
    acts: Vec<(String, String)>,
}

/// True if a request changes something in the name of an administrator or a provisioning client.
pub(super) fn is_administrative(method: &Method, path: &str) -> bool {
    *method != Method::GET && (path.starts_with("/admin/") || path.starts_with("/scim/"))
}

impl Acts {
    /// A new trace, and the `traceparent` header of its request.
    pub(super) fn trace(&mut self) -> (String, String) {
        self.traces += 1;
        let trace = format!("ac7{:029x}", self.traces);
        let header = format!("00-{trace}-00f067aa0ba902b7-01");
        (trace, header)
    }

    pub(super) fn remember(&mut self, operation: &str, trace: String) {
        if !READS.contains(&operation) {
            self.acts.push((operation.to_owned(), trace));
        }
    }

    /// Waits until every act is in the log of the service, and looks at what the line says.
    pub(super) async fn are_logged(&self, service: &Process) {
        let mut silent = Vec::new();
        for (operation, trace) in &self.acts {
            let lines = testkit::poll_until(std::time::Duration::from_secs(5), async || {
                let lines = lines_of(service, trace);
                (!lines.is_empty()).then_some(lines)
            })
            .await;
            match lines {
                Some(lines) if lines.iter().any(is_complete) => {}
                lines => silent.push((operation, lines)),
            }
        }
        assert!(
            silent.is_empty(),
            "acts that no line of the log tells with who did it: {silent:#?}"
        );
    }
}

/// The lines of a log that belong to a trace and tell an act.
fn lines_of(service: &Process, trace: &str) -> Vec<Value> {
    let log = service.log();
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines
        .filter(|line| line["trace.id"] == trace && line["event.action"].is_string())
        .collect()
}

fn is_complete(line: &Value) -> bool {
    ["user.id", "client.ip", "event.outcome"]
        .into_iter()
        .all(|field| line[field].is_string())
}
