//! Tests of a collector that is unavailable or slow: only spans are lost.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use testkit::{Stack, free_port, within};

use super::ARRIVAL_TIMEOUT;
use super::collector::exporting_to;

/// A service has three seconds for its last spans, and needs some for the rest.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(12);

async fn assert_only_spans_are_lost(address: SocketAddr) {
    let mut stack = Stack::with(exporting_to(address)).await;
    let ann = stack.register("ann").await;
    stack.authenticate(&ann).await;
    within(ARRIVAL_TIMEOUT, "what is lost is counted", async || {
        let metrics = stack
            .http()
            .get(stack.auth_management_url("/metrics"))
            .send()
            .await
            .ok()?;
        let metrics = metrics.text().await.ok()?;
        let lost = r#"vestibule_trace_spans_total{outcome="failed"} "#;
        let lost = metrics.lines().find_map(|line| line.strip_prefix(lost))?;
        (lost != "0").then_some(())
    })
    .await;
    let said = || stack.auth.log().matches("trace collector unreachable").count();
    within(ARRIVAL_TIMEOUT, "it is said", async || (said() > 0).then_some(())).await;
    assert_eq!(said(), 1, "it is said once");
    for service in [&mut stack.auth, &mut stack.users] {
        let asked = Instant::now();
        assert!(service.terminate().await.success());
        assert!(
            asked.elapsed() < SHUTDOWN_TIMEOUT,
            "it took {:?} to end",
            asked.elapsed()
        );
    }
}

#[tokio::test]
async fn a_collector_that_is_away_costs_nothing_but_spans() {
    assert_only_spans_are_lost((Ipv4Addr::LOCALHOST, free_port()).into()).await;
}

#[tokio::test]
async fn a_collector_that_never_answers_costs_nothing_but_spans() {
    // The kernel takes the connections; nobody reads.
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .unwrap();
    assert_only_spans_are_lost(listener.local_addr().unwrap()).await;
}
