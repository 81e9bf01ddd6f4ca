//! Tests of the partition leases: when replicas crash, stop and return, the publisher changes and the order does not.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use http::StatusCode;
use serde_json::json;
use testkit::{Engine, Service, Stack, StackOptions, within};

use super::{create, feed, scim, sequences, start_two_replicas, try_scim, wait_for_partition_shares};

/// Enough that every one of the 16 partitions has some of them.
const MANY: usize = 96;

/// Waits until all of `people` are in the feed that `replica` shows.
async fn wait_until_published(
    stack: &Stack,
    replica: usize,
    token: &str,
    people: &[String],
    limit: Duration,
) {
    let wanted: BTreeSet<&String> = people.iter().collect();
    within(limit, "everybody's event is published", async || {
        let seen = sequences(&feed(stack, replica, token).await);
        wanted.iter().all(|id| seen.contains_key(*id)).then_some(())
    })
    .await;
}

async fn create_many(stack: &Stack, replica: usize, token: &str, prefix: &str) -> Vec<String> {
    let mut made = Vec::new();
    for number in 0..MANY {
        made.push(create(stack, replica, token, &format!("{prefix}{number}")).await);
    }
    made
}

/// The delay between the response and the publication of an event, with its time.
struct PublishDelay {
    took: Duration,
    ended: Instant,
}

/// Creates people at replica 1, one after the other, and returns the longest publish delay of an event. An event in a
/// partition without a publisher waits until a replica has the lease.
async fn longest_publish_delay(stack: &Stack, token: &str) -> PublishDelay {
    let mut longest: Option<PublishDelay> = None;
    for number in 0..MANY {
        let person = create(stack, 1, token, &format!("after{number}")).await;
        let made = Instant::now();
        wait_until_published(stack, 1, token, &[person], Duration::from_secs(20)).await;
        let ended = Instant::now();
        let took = ended - made;
        if longest.as_ref().is_none_or(|longest| took > longest.took) {
            longest = Some(PublishDelay { took, ended });
        }
    }
    longest.unwrap()
}

#[tokio::test]
async fn the_partitions_of_a_killed_replica_move_within_ten_seconds() {
    let mut stack = start_two_replicas().await;
    let token = stack.operator_token().await;
    wait_for_partition_shares(&stack, 2).await;
    // Acknowledged by the one that dies: published by the other, if it has not done so itself.
    let people = create_many(&stack, 0, &token, "before").await;
    stack.replica(Service::Users, 0).kill();
    let killed = Instant::now();
    let took = longest_publish_delay(&stack, &token).await.ended - killed;
    println!("the events of a killed replica's partitions flow again after {took:?}");
    assert!(took < Duration::from_secs(10), "{took:?}");
    wait_until_published(&stack, 1, &token, &people, Duration::from_secs(1)).await;
    wait_for_partition_shares(&stack, 1).await;
}

#[tokio::test]
async fn the_partitions_of_a_replica_that_leaves_move_within_a_second() {
    let mut stack = start_two_replicas().await;
    let token = stack.operator_token().await;
    wait_for_partition_shares(&stack, 2).await;
    let people = create_many(&stack, 1, &token, "before").await;
    stack.replica(Service::Users, 0).terminate().await;
    let took = longest_publish_delay(&stack, &token).await.took;
    println!("the events of the partitions of a replica that left flow again after {took:?}");
    assert!(took < Duration::from_secs(1), "{took:?}");
    wait_until_published(&stack, 1, &token, &people, Duration::from_secs(1)).await;
}

/// Without another replica nobody can know that the old one is dead: a new one waits for the lease.
#[tokio::test]
async fn a_lone_replica_that_was_killed_publishes_again_soon_after_it_returns() {
    let mut stack = Stack::with(StackOptions::on(Engine::Postgres)).await;
    let token = stack.operator_token().await;
    wait_for_partition_shares(&stack, 1).await;
    stack.users.kill();
    stack.users.start_again();
    stack.users_ready().await;
    let returned = Instant::now();
    let people = create_many(&stack, 0, &token, "after").await;
    wait_until_published(&stack, 0, &token, &people, Duration::from_secs(10)).await;
    println!(
        "a killed lone replica publishes {:?} after it is back",
        returned.elapsed()
    );
}

/// Changes the same people at both replicas until it is stopped, and returns the acknowledged versions.
async fn change_people(
    stack: &Stack,
    token: &str,
    people: &[(String, String)],
    round: usize,
    stop: &Cell<bool>,
) -> BTreeMap<String, u64> {
    let mut told: BTreeMap<String, u64> = BTreeMap::new();
    let mut turn = 0;
    while !stop.get() {
        for (id, name) in people {
            turn += 1;
            // Never what it was in another round: that is no change, and raises no version.
            let body = json!({ "userName": name, "displayName": format!("turn {turn} of round {round}") });
            let answer = try_scim(
                stack,
                turn % 2,
                token,
                http::Method::PUT,
                &format!("/{id}"),
                &body,
            )
            .await;
            match answer {
                Some((StatusCode::OK, _)) => *told.entry(id.clone()).or_default() += 1,
                // Away, or on its way out.
                None => {}
                Some((status, body)) => assert!(status.is_server_error(), "{status}: {body}"),
            }
        }
    }
    told
}

#[tokio::test]
async fn the_order_per_person_holds_while_replicas_come_and_go() {
    let mut stack = start_two_replicas().await;
    let token = stack.operator_token().await;
    let mut people = Vec::new();
    for number in 0..20 {
        let name = format!("person{number}");
        people.push((create(&stack, number % 2, &token, &name).await, name));
    }
    let mut told: BTreeMap<String, u64> = BTreeMap::new();
    for round in 0..6 {
        // The stack cannot be changed while it is used: the processes are signalled by id.
        let replica = round % 2;
        let kill = round % 3 != 2;
        let victim = stack.replica(Service::Users, replica).id();
        let stop = Cell::new(false);
        let (acknowledged, ()) = tokio::join!(change_people(&stack, &token, &people, round, &stop), async {
            let before = feed_length(&stack, 1 - replica, &token).await;
            within(Duration::from_secs(30), "changes flow", async || {
                (feed_length(&stack, 1 - replica, &token).await > before + 40).then_some(())
            })
            .await;
            signal_process(victim, kill);
            let before = feed_length(&stack, 1 - replica, &token).await;
            within(Duration::from_secs(10), "changes flow without it", async || {
                (feed_length(&stack, 1 - replica, &token).await > before + 40).then_some(())
            })
            .await;
            stop.set(true);
        });
        for (id, count) in acknowledged {
            *told.entry(id).or_default() += count;
        }
        let gone = stack.replica(Service::Users, replica);
        gone.kill();
        gone.start_again();
        stack.replica_ready(Service::Users, replica).await;
    }
    wait_for_partition_shares(&stack, 2).await;
    let versions = versions(&stack, &token, &people).await;
    within(Duration::from_secs(10), "everything is published", async || {
        let seen = sequences(&feed(&stack, 0, &token).await);
        versions
            .iter()
            .all(|(id, version)| seen.get(id).and_then(|of| of.last()) >= Some(version))
            .then_some(())
    })
    .await;
    let seen = sequences(&feed(&stack, 1, &token).await);
    for (id, version) in &versions {
        assert_eq!(seen[id], (1..=*version).collect::<Vec<_>>(), "{id}");
        assert!(
            *version > told[id],
            "{id}: created once and changed {} times",
            told[id]
        );
    }
}

fn signal_process(process: u32, kill: bool) {
    use rustix::process::{Pid, Signal, kill_process};
    let process = Pid::from_raw(i32::try_from(process).unwrap()).unwrap();
    kill_process(process, if kill { Signal::KILL } else { Signal::TERM }).unwrap();
}

async fn feed_length(stack: &Stack, replica: usize, token: &str) -> usize {
    feed(stack, replica, token).await.len()
}

/// The version of each person now.
async fn versions(stack: &Stack, token: &str, people: &[(String, String)]) -> BTreeMap<String, u64> {
    let mut versions = BTreeMap::new();
    for (id, _) in people {
        let (status, user) = scim(stack, 0, token, http::Method::GET, &format!("/{id}"), &json!({})).await;
        assert_eq!(status, StatusCode::OK, "{user}");
        let tag = user["meta"]["version"].as_str().unwrap();
        let digits: String = tag.chars().filter(char::is_ascii_digit).collect();
        versions.insert(id.clone(), digits.parse().unwrap());
    }
    versions
}
