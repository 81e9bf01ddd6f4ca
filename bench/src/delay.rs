//! Measures the delay from a commit in `users` to the same change in the database of `auth`.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use http::header;
use serde_json::{Value, json};
use sqlx::{Connection as _, SqliteConnection};
use testkit::Stack;
use uuid::Uuid;

use crate::load::{Connection, PreparedRequest, percentile};
use crate::report::{Figure, Report, micros};
use crate::requests::address;

/// The poll interval of `auth`'s database. The figure is too large by half of it on average.
const POLL_INTERVAL: Duration = Duration::from_micros(200);

pub(crate) async fn measure(report: &mut Report, stack: &Stack, count: usize) -> Result<()> {
    let [auth_db, _] = stack.database_urls();
    let mut auth = SqliteConnection::connect(&auth_db).await?;
    let mut users = Connection::open(address(&stack.users_url(""))?).await?;
    let bearer = format!("Bearer {}", stack.operator_token().await);
    let mut found = Vec::with_capacity(count);
    for number in 0..count {
        let user = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": format!("measured{number}"),
        });
        let call = PreparedRequest::post("/scim/v2/Users", "application/scim+json", user.to_string())
            .with(header::AUTHORIZATION, bearer.clone());
        let answer = users.ok(&call).await?;
        // The answer comes after the commit, so what follows is the way of the event alone.
        let committed = Instant::now();
        let user: Value = serde_json::from_slice(&answer.body)?;
        let id: Uuid = user.get("id").and_then(Value::as_str).context("an id")?.parse()?;
        found.push(applied(&mut auth, id, committed).await?);
    }
    found.sort_unstable();
    let value = format!(
        "{} / {}",
        micros(percentile(&found, 50)),
        micros(percentile(&found, 99))
    );
    let name = "commit in `users` to applied in `auth`, p50 / p99";
    report.add("Events", Figure::new(name, value).target("p99 < 50 ms"));
    Ok(())
}

async fn applied(auth: &mut SqliteConnection, id: Uuid, committed: Instant) -> Result<Duration> {
    let mut tick = tokio::time::interval(POLL_INTERVAL);
    loop {
        let there: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM subjects WHERE id = $1)")
            .bind(id)
            .fetch_one(&mut *auth)
            .await?;
        if there {
            return Ok(committed.elapsed());
        }
        ensure!(
            committed.elapsed() < Duration::from_secs(30),
            "the event has not arrived"
        );
        tick.tick().await;
    }
}
