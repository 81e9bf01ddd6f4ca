//! Tests of two replicas of each service on PostgreSQL behind a load balancer: no event is lost, reordered or published
//! twice when replicas start and stop.

mod people;
mod pooled;
mod start;
mod takeover;

use std::collections::BTreeMap;

use chassis::on_engine;
use http::StatusCode;
use serde_json::{Value, json};
use testkit::{Engine, Service, Stack, StackOptions, eventually};

async fn start_two_replicas() -> Stack {
    let options = StackOptions {
        two_replicas: true,
        ..StackOptions::on(Engine::Postgres)
    };
    Stack::with(options).await
}

/// Creates a user at one replica of the user service over SCIM, and returns the id.
async fn create(stack: &Stack, replica: usize, token: &str, name: &str) -> String {
    let (status, user) = scim(
        stack,
        replica,
        token,
        http::Method::POST,
        "",
        &json!({ "userName": name }),
    )
    .await;
    assert_eq!(status, StatusCode::CREATED, "{user}");
    user["id"].as_str().unwrap().to_owned()
}

async fn scim(
    stack: &Stack,
    replica: usize,
    token: &str,
    method: http::Method,
    path: &str,
    body: &Value,
) -> (StatusCode, Value) {
    try_scim(stack, replica, token, method, path, body)
        .await
        .expect("the replica answers")
}

/// Returns nothing when the replica does not answer.
async fn try_scim(
    stack: &Stack,
    replica: usize,
    token: &str,
    method: http::Method,
    path: &str,
    body: &Value,
) -> Option<(StatusCode, Value)> {
    let url = stack.replica_url(Service::Users, replica, &format!("/scim/v2/Users{path}"));
    let mut body = body.clone();
    body["schemas"] = json!(["urn:ietf:params:scim:schemas:core:2.0:User"]);
    let answer = stack
        .http()
        .request(method, url)
        .bearer_auth(token)
        .header("content-type", "application/scim+json")
        .body(body.to_string())
        .send()
        .await
        .ok()?;
    let status = answer.status();
    Some((status, answer.json().await.unwrap_or(Value::Null)))
}

/// The whole feed of the user service as one replica shows it. Its positions rise by one.
async fn feed(stack: &Stack, replica: usize, token: &str) -> Vec<Value> {
    let mut events: Vec<Value> = Vec::new();
    loop {
        let path = format!("/events?after={}&limit=500", events.len());
        let answer = stack
            .http()
            .get(stack.replica_url(Service::Users, replica, &path))
            .bearer_auth(token)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let page: Vec<Value> = answer.json().await.unwrap();
        if page.is_empty() {
            return events;
        }
        for event in page {
            assert_eq!(event["position"], (events.len() + 1).to_string(), "{event}");
            events.push(event);
        }
    }
}

/// The sequences of each person, in the order of the feed.
fn sequences(events: &[Value]) -> BTreeMap<String, Vec<u64>> {
    let mut found: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for event in events {
        found
            .entry(event["subject"].as_str().unwrap().to_owned())
            .or_default()
            .push(event["sequence"].as_str().unwrap().parse().unwrap());
    }
    found
}

/// The number of partitions of each running replica of the user service, once `replicas` of them hold all.
async fn wait_for_partition_shares(stack: &Stack, replicas: i64) {
    let [_, users] = stack.database_urls();
    let db = chassis::db::DbConfig::new(users).open().await.unwrap();
    eventually("the partitions are shared", async || {
        let mut reader = db.reader().await.unwrap();
        let statement = "SELECT count(DISTINCT holder), count(holder) FROM outbox_leases";
        let (holders, held): (i64, i64) =
            on_engine!(&mut reader, c => sqlx::query_as(statement).fetch_one(c).await.unwrap());
        (holders == replicas && held == 16).then_some(())
    })
    .await;
    db.close().await;
}
