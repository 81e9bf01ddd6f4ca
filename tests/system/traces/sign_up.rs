//! One sign-up through the pages, with `users` there and with `users` away, over every transport.

use std::collections::BTreeSet;

use http::StatusCode;
use testkit::{Person, Stack, StackOptions, Transport, poll_until, within};

use super::collector::{Collector, HEADER};
use super::spans::{Kind, Seen, Trace};
use super::{ARRIVES, arrives, canary, event, people, told};
use crate::pages::{anonymous, sign_up};

const REQUESTED: &str = "vestibule.registration.requested.v1";
const CREATED: &str = "vestibule.user.created.v1";

/// The trace of the sign-up that `auth` answered last, by the id of its root.
async fn begun(collector: &Collector, before: &[String]) -> String {
    within(ARRIVES, "the span of the request", async || {
        let root = |span: &Seen| {
            span.name == "POST /register" && span.parent.is_empty() && !before.contains(&span.trace)
        };
        Some(collector.spans().into_iter().find(root)?.trace)
    })
    .await
}

/// What the events of a sign-up are: asked for by `auth`, answered by `users`.
fn both_events(trace: &Trace) -> Option<[Seen; 4]> {
    let (asked, heard) = event(trace, "auth", "users", REQUESTED)?;
    let (answered, applied) = event(trace, "users", "auth", CREATED)?;
    Some([asked, heard, answered, applied].map(Clone::clone))
}

/// The request that `auth` made, and as what `users` took it.
fn call_and_request(trace: &Trace) -> Option<[Seen; 2]> {
    let root = trace.find("auth", Kind::Server, "POST /register", None)?;
    let call = trace.find("auth", Kind::Client, "POST /registrations", Some(root))?;
    let request = trace.find("users", Kind::Server, "POST /registrations", Some(call))?;
    Some([call, request].map(Clone::clone))
}

/// Ann signs up while all is well: `auth` asks `users` over HTTP, and the events follow.
async fn ann_over_http(stack: &Stack, collector: &Collector, ann: &Person) -> Trace {
    let landed = sign_up(&mut anonymous(stack), ann).await;
    assert_eq!(landed.status, StatusCode::OK, "{}", landed.body);
    let id = begun(collector, &[]).await;
    let all = |trace: &Trace| both_events(trace).zip(call_and_request(trace));
    let (trace, found) = arrives(collector, &id, "all of Ann's", all).await;
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
    let id = begun(collector, before).await;
    let (trace, [_, heard, answered, _]) = arrives(collector, &id, "all of Bob's", both_events).await;
    assert_eq!(answered.parent, heard.id, "the answer is part of what was heard");
    let call = trace
        .find("auth", Kind::Client, "POST /registrations", None)
        .unwrap();
    assert!(call.failed);
    assert_eq!(call.attributes["error.type"], "connect");
    trace
}

fn says_what_carried_it(trace: &Trace, system: &str) {
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

fn says_who_it_is_from(trace: &Trace) {
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
async fn lines_lead_to_spans(stack: &Stack, collector: &Collector, trace: &Trace) {
    let id = &trace.0[0].trace;
    for (service, process) in [("vestibule-auth", &stack.auth), ("vestibule-users", &stack.users)] {
        let told = told(process, id);
        assert!(!told.is_empty(), "{service} says nothing of the trace");
        // A line is written before the span that it is in has ended.
        let all_sent = poll_until(ARRIVES, async || {
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

async fn one_trace_each(transport: Transport, system: &str) {
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
    lines_lead_to_spans(&stack, &collector, &first).await;
    let second = bob_by_events(&mut stack, &collector, &bob, &[first.0[0].trace.clone()]).await;
    lines_lead_to_spans(&stack, &collector, &second).await;
    for trace in [&first, &second] {
        says_what_carried_it(trace, system);
        says_who_it_is_from(trace);
    }
    // Names, addresses, passwords, tokens and what the collector itself asks for are in no span.
    for text in [
        "canary",
        "example.com",
        "Bearer",
        HEADER.1,
        stack.operator_secret(),
    ] {
        assert!(!collector.has_heard(text), "a span holds {text}");
    }
    let ids = people(&stack);
    assert!(
        ids.len() >= 2,
        "the lines of both sign-ups say whose they are: {ids:?}"
    );
    for id in ids {
        assert!(!collector.has_heard(&id), "a span says whose it is: {id}");
    }
    let told = format!("{:?}", collector.spans());
    assert!(!told.contains("eyJ"), "a span holds a JWT: {told}");
}

#[tokio::test]
async fn a_sign_up_is_one_trace_over_the_feed() {
    // SB-34
    one_trace_each(Transport::Feed, "vestibule.feed").await;
}

#[tokio::test]
async fn a_sign_up_is_one_trace_over_kafka() {
    // SB-34
    one_trace_each(Transport::Kafka, "kafka").await;
}

#[tokio::test]
async fn a_sign_up_is_one_trace_over_rabbitmq() {
    // SB-34
    one_trace_each(Transport::Rabbitmq, "rabbitmq").await;
}
