//! Tests of the trace of one sign-up through the pages, with `users` available and not, over every transport.

use std::collections::BTreeSet;

use http::StatusCode;
use testkit::{Person, Stack, StackOptions, Transport, poll_until, within};

use super::collector::{Collector, HEADER};
use super::spans::{Kind, ReceivedSpan, Trace};
use super::{ARRIVAL_TIMEOUT, canary, event_spans, logged_span_ids, logged_user_ids, wait_for_trace};
use crate::pages::{anonymous, sign_up};

const REQUESTED: &str = "vestibule.registration.requested.v1";
const CREATED: &str = "vestibule.user.created.v1";

/// The trace of the sign-up that `auth` answered last, by the id of its root.
async fn latest_trace_id(collector: &Collector, before: &[String]) -> String {
    within(ARRIVAL_TIMEOUT, "the span of the request", async || {
        let root = |span: &ReceivedSpan| {
            span.name == "POST /register" && span.parent.is_empty() && !before.contains(&span.trace)
        };
        Some(collector.spans().into_iter().find(root)?.trace)
    })
    .await
}

/// The spans of a sign-up's events: the request of `auth` and the answer of `users`.
fn sign_up_event_spans(trace: &Trace) -> Option<[ReceivedSpan; 4]> {
    let (asked, heard) = event_spans(trace, "auth", "users", REQUESTED)?;
    let (answered, applied) = event_spans(trace, "users", "auth", CREATED)?;
    Some([asked, heard, answered, applied].map(Clone::clone))
}

/// The client span of the request that `auth` sent, and the server span in `users`.
fn http_spans(trace: &Trace) -> Option<[ReceivedSpan; 2]> {
    let root = trace.find("auth", Kind::Server, "POST /register", None)?;
    let call = trace.find("auth", Kind::Client, "POST /registrations", Some(root))?;
    let request = trace.find("users", Kind::Server, "POST /registrations", Some(call))?;
    Some([call, request].map(Clone::clone))
}

/// Ann signs up while all is well: `auth` asks `users` over HTTP, and the events follow.
async fn ann_over_http(stack: &Stack, collector: &Collector, ann: &Person) -> Trace {
    let landed = sign_up(&mut anonymous(stack), ann).await;
    assert_eq!(landed.status, StatusCode::OK, "{}", landed.body);
    let id = latest_trace_id(collector, &[]).await;
    let all = |trace: &Trace| sign_up_event_spans(trace).zip(http_spans(trace));
    let (trace, found) = wait_for_trace(collector, &id, "all of Ann's", all).await;
    let ([asked, heard, answered, _], [call, request]) = found;

    let root = trace.find("auth", Kind::Server, "POST /register", None).unwrap();
    assert_eq!(root.attributes["http.route"], "/register");
    assert_eq!(asked.parent, root.id);
    assert_eq!(call.attributes["http.response.status_code"], "200");
    assert_eq!(call.attributes["server.address"], "localhost");
    assert!(!call.failed);
    // Whichever came first made the person.
    assert!([&request.id, &heard.id].contains(&&answered.parent));

    let wait = trace.find("auth", Kind::Internal, "wait for a hashing thread", Some(root));
    let hash = trace.find("auth", Kind::Internal, "choose a password", Some(root));
    assert!(wait.is_some() && hash.is_some());
    let written = trace
        .find("auth", Kind::Internal, "transaction register", Some(root))
        .unwrap();
    assert_eq!(written.attributes["vestibule.transaction.outcome"], "committed");
    assert_eq!(written.attributes["db.system.name"], "sqlite");
    trace
}

/// Bob signs up while `users` is away, so that nothing but the events brings him there.
async fn bob_by_events(stack: &mut Stack, collector: &Collector, bob: &Person, before: &[String]) -> Trace {
    stack.users.terminate().await;
    let landed = sign_up(&mut anonymous(stack), bob).await;
    assert_eq!(landed.url.path(), "/register/wait");
    stack.users.start_again();
    let id = latest_trace_id(collector, before).await;
    let (trace, [_, heard, answered, _]) =
        wait_for_trace(collector, &id, "all of Bob's", sign_up_event_spans).await;
    assert_eq!(answered.parent, heard.id, "the answer is part of what was heard");
    let call = trace
        .find("auth", Kind::Client, "POST /registrations", None)
        .unwrap();
    assert!(call.failed);
    assert_eq!(call.attributes["error.type"], "connect");
    trace
}

fn assert_messaging_system(trace: &Trace, system: &str) {
    for span in &trace.0 {
        let Some(operation) = span.attributes.get("messaging.operation.type") else {
            continue;
        };
        let expected = if operation == "create" {
            "vestibule.outbox"
        } else {
            system
        };
        assert_eq!(span.attributes["messaging.system"], expected, "{span:?}");
        assert!(!span.attributes["messaging.destination.name"].is_empty());
        assert_eq!(span.attributes["messaging.message.id"].len(), 36);
    }
}

fn assert_service_names(trace: &Trace) {
    for span in &trace.0 {
        for (name, value) in [
            ("service.version", "0.1.0"),
            ("deployment.environment.name", "test"),
        ] {
            assert_eq!(span.resource[name], value);
        }
        assert_eq!(span.resource["service.instance.id"].len(), 36);
    }
}

/// Every line of the logs that names the trace names a span of it that the same service sends.
async fn assert_log_lines_name_spans(stack: &Stack, collector: &Collector, trace: &Trace) {
    let id = &trace.0[0].trace;
    for (service, process) in [("vestibule-auth", &stack.auth), ("vestibule-users", &stack.users)] {
        let told = logged_span_ids(process, id);
        assert!(!told.is_empty(), "{service} says nothing of the trace");
        // A line is written before the span that it is in has ended.
        let all_sent = poll_until(ARRIVAL_TIMEOUT, async || {
            let sent: BTreeSet<String> = Trace::of(collector.spans(), id)
                .0
                .into_iter()
                .filter(|span| span.service == service)
                .map(|span| span.id)
                .collect();
            told.iter().all(|id| sent.contains(id)).then_some(())
        });
        assert!(
            all_sent.await.is_some(),
            "{service} names spans that are never sent: {told:?}"
        );
    }
}

async fn one_trace_each_story(transport: Transport, system: &str) {
    let collector = Collector::start().await;
    let options = StackOptions {
        transport,
        ..collector.options()
    };
    let options = options
        .with("VESTIBULE_AUTH__LOG__LEVEL", "debug")
        .with("VESTIBULE_USERS__LOG__LEVEL", "debug");
    let mut stack = Stack::following(options).await;
    let (ann, bob) = (canary("ann-canary"), canary("bob-canary"));
    let first = ann_over_http(&stack, &collector, &ann).await;
    assert_log_lines_name_spans(&stack, &collector, &first).await;
    let second = bob_by_events(&mut stack, &collector, &bob, &[first.0[0].trace.clone()]).await;
    assert_log_lines_name_spans(&stack, &collector, &second).await;
    for trace in [&first, &second] {
        assert_messaging_system(trace, system);
        assert_service_names(trace);
    }
    // Names, addresses, passwords, tokens and what the collector itself asks for are in no span.
    for text in [
        "canary",
        "example.com",
        "Bearer",
        HEADER.1,
        stack.operator_secret(),
    ] {
        assert!(!collector.contains_text(text), "a span holds {text}");
    }
    let ids = logged_user_ids(&stack);
    assert!(
        ids.len() >= 2,
        "the lines of both sign-ups say whose they are: {ids:?}"
    );
    for id in ids {
        assert!(!collector.contains_text(&id), "a span says whose it is: {id}");
    }
    let told = format!("{:?}", collector.spans());
    assert!(!told.contains("eyJ"), "a span holds a JWT: {told}");
}

#[tokio::test]
async fn a_sign_up_is_one_trace_over_the_feed() {
    // SB-34
    one_trace_each_story(Transport::Feed, "vestibule.feed").await;
}

#[tokio::test]
async fn a_sign_up_is_one_trace_over_kafka() {
    // SB-34
    one_trace_each_story(Transport::Kafka, "kafka").await;
}

#[tokio::test]
async fn a_sign_up_is_one_trace_over_rabbitmq() {
    // SB-34
    one_trace_each_story(Transport::Rabbitmq, "rabbitmq").await;
}
