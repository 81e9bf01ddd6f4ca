//! Tests of traces that a caller started, with and without the sampled flag (W3C Trace Context).

use http::StatusCode;
use serde_json::{Value, json};
use testkit::Stack;

use super::collector::Collector;
use super::spans::{Kind, Trace};
use super::{event_spans, wait_for_trace};

const CALLER: &str = "00f067aa0ba902b7";

/// Registers a person with a request that belongs to the trace `id`.
async fn register(stack: &Stack, user_name: &str, id: &str, flags: &str) {
    let answer = stack
        .http()
        .post(stack.auth_url("/admin/v1/users"))
        .bearer_auth(stack.operator_token().await)
        .header("traceparent", format!("00-{id}-{CALLER}-{flags}"))
        .json(&json!({ "user_name": user_name, "password": "plum-tractor-violin-42" }))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED);
}

#[tokio::test]
async fn a_callers_trace_goes_on_and_one_that_is_not_recorded_stays_so() {
    let collector = Collector::start().await;
    let stack = Stack::following(collector.options()).await;
    let (silent, loud) = (
        "4bf92f3577b34da6a3ce929d0e0e4736",
        "5bf92f3577b34da6a3ce929d0e0e4736",
    );
    register(&stack, "ann", silent, "00").await;
    register(&stack, "bob", loud, "01").await;
    let heard = testkit::within(super::ARRIVAL_TIMEOUT, "all of Bob's", async || {
        let trace = Trace::of(collector.spans(), loud);
        event_spans(&trace, "users", "auth", "vestibule.user.created.v1")?;
        (trace.missing_parents().into_iter().eq([CALLER])).then_some(trace.clone())
    })
    .await;
    let request = heard
        .find("auth", Kind::Server, "POST /admin/v1/users", None)
        .unwrap();
    assert_eq!(request.parent, CALLER);

    // Asking for news, all day long, makes no span: both services have just been told some.
    assert!(!collector.spans().iter().any(|span| span.name.contains("/events")));

    // Ann's events came before Bob's, on the same way.
    let events: Vec<Value> = stack
        .http()
        .get(stack.users_url("/events?limit=1000"))
        .bearer_auth(stack.operator_token().await)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let of = |id: &str| {
        let of_trace = |event: &&Value| {
            event["traceparent"]
                .as_str()
                .is_some_and(|trace| trace.contains(id))
        };
        events.iter().find(of_trace).unwrap()["traceparent"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert!(of(silent).ends_with("-00") && of(loud).ends_with("-01"));
    let nothing = Trace::of(collector.spans(), silent);
    assert!(nothing.0.is_empty(), "{nothing:?}");
}

#[tokio::test]
async fn of_traces_that_begin_here_no_more_are_recorded_than_is_asked_for() {
    let collector = Collector::start().await;
    let options = collector
        .options()
        .with("VESTIBULE_AUTH__TRACES__SAMPLE_RATIO", "0");
    let stack = Stack::with(options).await;
    stack.register("ann").await;
    // What `users` begins itself comes later than what it would have gone on with.
    let answer = stack
        .http()
        .get(stack.users_url("/nowhere"))
        .send()
        .await
        .unwrap();
    let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    wait_for_trace(&collector, &id, "a request to users", |trace| {
        trace.0.first().cloned()
    })
    .await;
    assert!(
        collector
            .spans()
            .iter()
            .all(|span| span.service == "vestibule-users" && span.trace == id)
    );
}
