//! A large group: reading it, changing its members, and asking who is one.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use http::header::AUTHORIZATION;
use serde_json::{Value, json};

use super::operations::encoded;
use super::people;
use super::run::Client;
use crate::load::PreparedRequest;

/// Members of the group, in a directory that has as many people.
pub(super) const MEMBERS: u64 = 100_000;

/// Members that are added by one request, so that its body is within the limit.
const BATCH: u64 = 3_000;

const GROUPS: &str = "/scim/v2/Groups";
const SCIM: &str = "application/scim+json";
const NAME: &str = "A large group of the bench";

/// The group, made with its members unless it is there from an earlier run.
pub(super) async fn prepare(client: &mut Client<'_>, people: u64) -> Result<String> {
    let filter = encoded(&format!("displayName eq \"{NAME}\""));
    let list = client
        .get(&format!("{GROUPS}?filter={filter}&excludedAttributes=members"))
        .await?;
    if let Some(id) = list.pointer("/Resources/0/id").and_then(Value::as_str) {
        return Ok(id.to_owned());
    }
    let body = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": NAME });
    let made = client
        .send(PreparedRequest::post(GROUPS, SCIM, body.to_string()))
        .await?;
    let id = made
        .get("id")
        .and_then(Value::as_str)
        .context("an id")?
        .to_owned();
    let members = MEMBERS.min(people);
    for first in (0..members).step_by(usize::try_from(BATCH)?) {
        let values: Vec<Value> = (first..members.min(first + BATCH)).map(member).collect();
        client.send(change(&id, "add", json!(values))).await?;
    }
    Ok(id)
}

/// The times of each kind of request.
pub(super) async fn measure(
    client: &mut Client<'_>,
    id: &str,
    people: u64,
) -> Result<Vec<(&'static str, Vec<Duration>)>> {
    let members = MEMBERS.min(people);
    let path = format!("{GROUPS}/{id}");
    let mut times: Vec<(&'static str, Vec<Duration>)> = [
        "large group: get without members",
        "large group: page of 1000 members",
        "large group: is somebody a member",
        "large group: remove a member",
        "large group: add a member",
    ]
    .into_iter()
    .map(|name| (name, Vec::new()))
    .collect();
    for turn in 0..500 {
        let number = people::mixed(turn) % members;
        let person = people::id(number);
        let asked = encoded(&format!("id eq \"{id}\" and members.value eq \"{person}\""));
        let requests = [
            PreparedRequest::get(&format!("{path}?excludedAttributes=members")),
            PreparedRequest::get(&format!("{path}?membersCount=1000")),
            PreparedRequest::get(&format!("{GROUPS}?filter={asked}&excludedAttributes=members")),
            change_of(
                &path,
                json!([{ "op": "remove", "path": format!("members[value eq \"{person}\"]") }]),
            ),
            change(id, "add", json!([member(number)])),
        ];
        for ((_, times), request) in times.iter_mut().zip(requests) {
            let start = Instant::now();
            client.send(request).await?;
            times.push(start.elapsed());
        }
    }
    Ok(times)
}

fn member(number: u64) -> Value {
    json!({ "value": people::id(number), "type": "User" })
}

fn change(id: &str, op: &str, members: Value) -> PreparedRequest {
    change_of(
        &format!("{GROUPS}/{id}"),
        json!([{ "op": op, "path": "members", "value": members }]),
    )
}

fn change_of(path: &str, operations: Value) -> PreparedRequest {
    let body =
        json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations });
    let mut request = PreparedRequest::post(path, SCIM, body.to_string());
    request.method = http::Method::PATCH;
    request
}

impl Client<'_> {
    async fn get(&mut self, path: &str) -> Result<Value> {
        self.send(PreparedRequest::get(path)).await
    }

    async fn send(&mut self, request: PreparedRequest) -> Result<Value> {
        let bearer = self.bearer().await?;
        let response = self.users.ok(&request.with(AUTHORIZATION, bearer)).await?;
        Ok(serde_json::from_slice(&response.body).unwrap_or_default())
    }
}
