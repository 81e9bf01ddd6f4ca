//! Tests that a restart loses no request because the replica drains, and not because the proxy retries.

use std::sync::Arc;
use std::time::Duration;

use testkit::{Service, within};

use crate::load::Load;
use crate::proxied::{NextRelease, Proxied, ProxiedOptions};
use crate::rolling::roll_replicas;

const FIRST_REPLICAS: [(Service, usize); 2] = [(Service::Users, 0), (Service::Auth, 0)];

/// Long enough for a proxy that asks every second.
const DRAIN: u32 = 3;

async fn start_load(proxied: &Proxied, name: &str) -> Arc<Load> {
    let person = proxied.stack.register(name).await;
    Load::on(&proxied.stack, &person).await
}

/// Sends requests to both services at a high rate, so that each moment of unavailability is noticed.
async fn send_requests(load: &Load) {
    let keys = format!("{}/oauth2/jwks", load.url(Service::Auth));
    let nobody = format!("{}/user", load.url(Service::Users));
    while !load.is_stopped() {
        load.expect_status("the keys", load.http().get(&keys), 200).await;
        load.expect_status("nobody", load.http().get(&nobody), 401).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_drains_is_missed_by_nobody_and_one_that_does_not_is() {
    let mut proxied = Proxied::start(ProxiedOptions {
        drain: Some(DRAIN),
        without_retries: true,
        ..ProxiedOptions::default()
    })
    .await;
    let load = start_load(&proxied, "ann").await;
    for (service, variable) in [(Service::Users, "USERS"), (Service::Auth, "AUTH")] {
        // From its next start on: the one that follows is the test of the test.
        let name = format!("VESTIBULE_{variable}__DRAIN_SECONDS");
        proxied.stack.replica(service, 0).set(&name, "0");
    }
    roll_replicas(
        &mut proxied,
        &load,
        FIRST_REPLICAS.map(|replica| (replica, NextRelease::Same)),
    )
    .await;

    let load = start_load(&proxied, "bob").await;
    let stops = async {
        for (service, number) in FIRST_REPLICAS {
            let before = load.requests();
            within(Duration::from_secs(30), "people are at work", async || {
                (load.requests() > before + 20).then_some(())
            })
            .await;
            proxied.restart(service, number, NextRelease::Same).await;
        }
        load.stop();
    };
    tokio::join!(stops, load.direct(), send_requests(&load), send_requests(&load));
    let failures = load.failures();
    assert!(!failures.is_empty(), "nobody missed a replica that did not drain");
    println!(
        "{} of {} requests failed without a drain",
        failures.len(),
        load.requests()
    );
}
