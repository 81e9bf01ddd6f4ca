//! Tests of tracing: one sign-up is one trace at the collector, over HTTP and over every transport of events.

mod caller;
mod collector;
mod outage;
mod sign_up;
mod spans;
mod webhooks;

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;
use testkit::{Person, Process, Stack, poll_until};

use collector::Collector;
use spans::{Kind, ReceivedSpan, Trace};

/// Spans wait two seconds for others to be sent with; debug builds on a busy machine are slow.
const ARRIVAL_TIMEOUT: Duration = Duration::from_secs(60);

/// A person whose name, address and password are unique, so that they can be found in any output.
fn canary(user_name: &str) -> Person {
    Person {
        password: "canary-violin-42-tractor".to_owned(),
        ..Person::named(user_name)
    }
}

/// Waits until `look` finds its result in the trace `id` and the trace is complete.
async fn wait_for_trace<T>(
    collector: &Collector,
    id: &str,
    what: &str,
    look: impl Fn(&Trace) -> Option<T>,
) -> (Trace, T) {
    let found = poll_until(ARRIVAL_TIMEOUT, async || {
        let trace = Trace::of(collector.spans(), id);
        let found = look(&trace)?;
        trace.missing_parents().is_empty().then_some((trace, found))
    });
    match found.await {
        Some(found) => found,
        None => panic!(
            "{what} does not come; this came:\n{}",
            Trace::of(collector.spans(), id)
        ),
    }
}

/// The span that an event of this type was made in, and the one in which `consumer` applied it: its child, with a link.
fn event_spans<'t>(
    trace: &'t Trace,
    producer: &str,
    consumer: &str,
    kind: &str,
) -> Option<(&'t ReceivedSpan, &'t ReceivedSpan)> {
    let made = trace.find(producer, Kind::Producer, &format!("create {kind}"), None)?;
    trace.find(producer, Kind::Client, &format!("send {kind}"), Some(made))?;
    let applied = trace.find(consumer, Kind::Consumer, &format!("process {kind}"), Some(made))?;
    assert_eq!(applied.links, [(made.trace.clone(), made.id.clone())]);
    Some((made, applied))
}

fn log_lines(process: &Process) -> Vec<Value> {
    let log = process.log();
    log.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

/// The span ids that log lines of this trace name.
fn logged_span_ids(process: &Process, trace: &str) -> Vec<String> {
    let lines = log_lines(process).into_iter();
    lines
        .filter(|line| line["trace.id"] == trace)
        .map(|line| line["span.id"].as_str().unwrap().to_owned())
        .collect()
}

/// The ids of the users whom log lines name.
fn logged_user_ids(stack: &Stack) -> BTreeSet<String> {
    let lines = [&stack.auth, &stack.users].into_iter().flat_map(log_lines);
    // A client that acts for itself stands there by its name, which is no secret.
    lines
        .filter_map(|line| line["user.id"].as_str().map(str::to_owned))
        .filter(|id| uuid::Uuid::try_parse(id).is_ok())
        .collect()
}
