//! Tests of the trace of a webhook delivery: it belongs to the trace of the event, and carries `traceparent`.

use std::net::Ipv4Addr;

use axum::Router;
use axum::routing::post;
use http::{HeaderMap, StatusCode};
use serde_json::json;
use testkit::Stack;

use super::collector::Collector;
use super::spans::Kind;
use super::{ARRIVAL_TIMEOUT, wait_for_trace};

#[tokio::test]
async fn a_webhook_goes_on_with_the_trace_of_its_event() {
    let (told, mut tells) = tokio::sync::mpsc::unbounded_channel::<String>();
    let receive = async move |headers: HeaderMap| {
        told.send(headers["traceparent"].to_str().unwrap().to_owned())
            .unwrap();
    };
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .unwrap();
    let hook = format!("http://{}/canary-of-the-path", listener.local_addr().unwrap());
    let mut tasks = tokio::task::JoinSet::new();
    let routes = Router::new().route("/canary-of-the-path", post(receive));
    tasks.spawn(async move { axum::serve(listener, routes).await });

    let collector = Collector::start().await;
    let options = collector
        .options()
        .with("VESTIBULE_USERS__WEBHOOKS__ALLOW", "127.0.0.1/32");
    let stack = Stack::following(options).await;
    let made = stack
        .http()
        .post(stack.users_url("/admin/v1/webhooks"))
        .bearer_auth(stack.operator_token().await)
        .json(&json!({ "url": hook, "types": ["vestibule.user.created.v1"] }))
        .send()
        .await
        .unwrap();
    assert_eq!(made.status(), StatusCode::CREATED);
    stack.register("ann").await;

    let traceparent = tokio::time::timeout(ARRIVAL_TIMEOUT, tells.recv())
        .await
        .unwrap()
        .unwrap();
    let [_, trace, span, "01"] = traceparent.split('-').collect::<Vec<_>>()[..] else {
        panic!("{traceparent}");
    };
    let (trace, delivery) = wait_for_trace(&collector, trace, "the delivery", |trace| {
        trace.0.iter().find(|seen| seen.id == span).cloned()
    })
    .await;
    assert_eq!((delivery.kind, delivery.name.as_str()), (Kind::Client, "POST"));
    for told in ["server.address", "server.port", "url.full", "url.template"] {
        assert!(!delivery.attributes.contains_key(told), "{told}: {delivery:?}");
    }
    let event = trace.find("users", Kind::Producer, "create vestibule.user.created.v1", None);
    assert_eq!(event.unwrap().id, delivery.parent);
    assert!(
        !collector.contains_text("canary-of-the-path"),
        "where a webhook is may be a secret"
    );
}
