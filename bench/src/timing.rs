//! Measures whether the response time of `POST /authenticate` reveals that a user exists: unknown names, wrong
//! passwords and disabled people in turn.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use http::{StatusCode, header};
use serde_json::json;
use sqlx::{Connection as _, SqliteConnection};
use testkit::{Stack, StackOptions};

use crate::load::{Connection, PreparedRequest, percentile};
use crate::report::{Figure, Report, millis};
use crate::requests::address;

/// Tries at one name: as many as cost no delay.
const TRIES_PER_NAME: usize = 4;

/// Above this, two sets of times would differ by chance in one of a thousand runs.
const SIGNIFICANT: f64 = 3.29;

const NAME_KINDS: [&str; 3] = [
    "nobody has the name",
    "the password is wrong",
    "the person is disabled",
];

/// Measures `people` names of each kind.
pub(crate) async fn measure(report: &mut Report, people: usize) -> Result<()> {
    let options = StackOptions::default().with("VESTIBULE_AUTH__THROTTLE__SOURCE_FAILURES", "1000000");
    let stack = Stack::with(options).await;
    let names = names(&stack, people).await?;
    let mut connection = Connection::open(address(&stack.auth_url(""))?).await?;
    let mut times: [Vec<Duration>; 3] = Default::default();
    // In turn, so that whatever else the machine does meets all kinds alike, and beginning with another kind each time.
    for round in 0..TRIES_PER_NAME {
        for number in 0..people {
            for turn in 0..NAME_KINDS.len() {
                let kind = (turn + number + round) % NAME_KINDS.len();
                let (Some(names), Some(times)) = (names.get(kind), times.get_mut(kind)) else {
                    continue;
                };
                let Some(name) = names.get(number) else { continue };
                let began = Instant::now();
                let answer = connection.send(&refused_sign_in(name)).await?;
                times.push(began.elapsed());
                ensure!(
                    answer.status == StatusCode::UNAUTHORIZED,
                    "{name}: {}",
                    answer.status
                );
            }
        }
    }
    for times in &mut times {
        times.sort_unstable();
    }
    let [unknown, ..] = &times;
    for (kind, times) in NAME_KINDS.iter().zip(&times) {
        let median = percentile(times, 50);
        let value = format!("{} / {}", millis(median), millis(percentile(times, 95)));
        let z = difference(unknown, times);
        let verdict = match z.abs() < SIGNIFICANT {
            true => format!("no difference: z = {z:.2}"),
            false => format!("DIFFERENT: z = {z:.2}"),
        };
        report.add(
            "Refused sign-ins, p50 / p95",
            Figure::new(kind, value)
                .target("z within ±3.29 (Mann-Whitney)")
                .ratio(verdict),
        );
    }
    Ok(())
}

fn refused_sign_in(name: &str) -> PreparedRequest {
    let body = json!({ "username": name, "password": "not the password of anybody" });
    PreparedRequest::post("/authenticate", "application/json", body.to_string())
}

/// The names of each kind, as long as each other.
async fn names(stack: &Stack, people: usize) -> Result<[Vec<String>; 3]> {
    let mut names: [Vec<String>; 3] = Default::default();
    let mut users = Connection::open(address(&stack.users_url(""))?).await?;
    let bearer = format!("Bearer {}", stack.operator_token().await);
    let [unknown, wrong, disabled] = &mut names;
    for number in 0..people {
        unknown.push(format!("nobody{number:04}"));
        wrong.push(stack.register(&format!("person{number:04}")).await.user_name);
        let person = stack.register(&format!("former{number:04}")).await;
        let state = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": person.user_name,
            "active": false,
        });
        let mut call = PreparedRequest::post(
            &format!("/scim/v2/Users/{}", person.id),
            "application/scim+json",
            state.to_string(),
        )
        .with(header::AUTHORIZATION, bearer.clone());
        call.method = http::Method::PUT;
        users.ok(&call).await?;
        disabled.push(person.user_name);
    }
    let [auth, _] = stack.database_urls();
    let mut auth = SqliteConnection::connect(&auth).await?;
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    loop {
        tick.tick().await;
        let disabled: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM subjects WHERE NOT active")
            .fetch_one(&mut auth)
            .await?;
        if usize::try_from(disabled)? == people {
            return Ok(names);
        }
    }
}

/// The Mann-Whitney statistic of two sorted sets of times, as standard deviations from what chance gives.
fn difference(one: &[Duration], other: &[Duration]) -> f64 {
    let (n, m) = (one.len() as f64, other.len() as f64);
    let below: f64 = other
        .iter()
        .map(|time| {
            let less = one.partition_point(|value| value < time);
            let up_to = one.partition_point(|value| value <= time);
            less as f64 + (up_to - less) as f64 / 2.0
        })
        .sum();
    (below - n * m / 2.0) / (n * m * (n + m + 1.0) / 12.0).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_that_are_alike_do_not_differ_and_others_do() {
        let times = |from: u64| -> Vec<Duration> { (from..from + 200).map(Duration::from_micros).collect() };
        assert!(difference(&times(0), &times(0)).abs() < 1e-9);
        assert!(difference(&times(0), &times(3)).abs() < SIGNIFICANT);
        assert!(difference(&times(0), &times(100)) > SIGNIFICANT);
        assert!(difference(&times(100), &times(0)) < -SIGNIFICANT);
    }
}
