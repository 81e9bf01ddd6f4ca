//! One run: the services on a directory of one size on one engine, and the times of their answers.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::Value;
use testkit::{Engine, Stack, StackOptions};

use super::operations::{self, Operation};
use super::people::{self, mixed};
use super::results::{Measured, Results};
use super::seed::accounts::PASSWORD;
use super::{group, home};
use crate::load::{Connection, PreparedRequest, percentile};
use crate::requests::{address, token_call};

/// The name of the measurement of sign-ins.
const SIGN_IN: &str = "sign-in";

/// Access tokens live for five minutes.
const TOKEN_LIFETIME: Duration = Duration::from_secs(120);

/// The people that `auth` reads in a run that measures this at most: more take longer than all else.
const MOST_REBUILT: u64 = 1_000_000;

/// The people from whom on a rate says something.
const LEAST_REBUILT: u64 = 100_000;

/// A port at which nobody listens.
const NOWHERE: &str = "http://127.0.0.1:9";

/// Sign-ins that are measured.
const SIGN_INS: u64 = 500;

/// The operator at the user service.
pub(super) struct Client<'a> {
    stack: &'a Stack,
    pub(super) users: Connection,
    token: Option<(Instant, String)>,
}

impl<'a> Client<'a> {
    async fn open(stack: &'a Stack) -> Result<Self> {
        Ok(Self {
            users: Connection::open(address(&stack.users_url(""))?).await?,
            stack,
            token: None,
        })
    }

    /// The value of `Authorization`.
    pub(super) async fn bearer(&mut self) -> Result<String> {
        if let Some((since, token)) = &self.token
            && since.elapsed() < TOKEN_LIFETIME
        {
            return Ok(token.clone());
        }
        let mut call = token_call(self.stack);
        call.body = call
            .body
            .replace("users%3Aread", "users%3Aread+groups%3Aread+groups%3Awrite");
        // A connection that says nothing for so long is closed.
        let mut auth = Connection::open(address(&self.stack.auth_url(""))?).await?;
        let answer: Value = serde_json::from_slice(&auth.ok(&call).await?.body)?;
        let token = answer
            .get("access_token")
            .and_then(Value::as_str)
            .context("a token")?;
        let token = format!("Bearer {token}");
        self.token = Some((Instant::now(), token.clone()));
        Ok(token)
    }
}

/// Measures a directory whose database is at `url`.
pub(super) async fn measure(url: &str, engine: Engine, count: u64) -> Result<Results> {
    let rebuilt = count <= MOST_REBUILT;
    let mut options = StackOptions::on(engine).with("VESTIBULE_USERS__DATABASE__URL", url);
    if !rebuilt {
        // `auth` does not reach the directory, and so does not read all of it meanwhile.
        options = options.with("VESTIBULE_AUTH__USERS__INTERNAL_URL", NOWHERE);
    }
    let stack = Stack::with(options).await;
    let mut results = Results::new(engine, count);
    if rebuilt {
        let seconds = home::wait_until_rebuilt(&stack, engine, count).await?;
        // Fewer are there at once.
        results.rebuilt_per_second = (count >= LEAST_REBUILT).then_some(count as f64 / seconds);
    }
    let mut client = Client::open(&stack).await?;
    for operation in Operation::ALL {
        let times = times_of(&mut client, operation, count).await?;
        results.add(operation.name(), times);
    }
    let group = group::prepare(&mut client, count).await?;
    for (name, times) in group::measure(&mut client, &group, count).await? {
        results.add(name, times);
    }
    if rebuilt {
        results.add(SIGN_IN, sign_ins(&stack).await?);
    }
    Ok(results)
}

/// True if the sign-ins of a directory of this size are measured by [`measure_sign_ins`].
pub(super) fn has_own_accounts(count: u64) -> bool {
    count > MOST_REBUILT
}

/// Measures sign-ins of people from everywhere in a database of accounts at `url`.
pub(super) async fn measure_sign_ins(
    results: &mut Results,
    url: &str,
    engine: Engine,
    count: u64,
) -> Result<()> {
    let options = StackOptions::on(engine)
        .with("VESTIBULE_AUTH__DATABASE__URL", url)
        .with("VESTIBULE_AUTH__USERS__INTERNAL_URL", NOWHERE);
    let stack = Stack::with(options).await;
    let mut auth = Connection::open(address(&stack.auth_url(""))?).await?;
    let mut times = Vec::new();
    let numbers = (0..).map(|turn| mixed(turn) % count);
    let active = numbers.filter(|number| people::is_active(*number));
    for (turn, number) in (0..SIGN_INS + SIGN_INS / 10).zip(active) {
        let body = serde_json::json!({ "username": people::names(number).user_name, "password": PASSWORD });
        let call = PreparedRequest::post("/authenticate", "application/json", body.to_string());
        let start = Instant::now();
        auth.ok(&call).await?;
        if turn >= SIGN_INS / 10 {
            times.push(start.elapsed());
        }
    }
    results.measured.retain(|measured| measured.name != SIGN_IN);
    results.add(SIGN_IN, times);
    Ok(())
}

async fn times_of(client: &mut Client<'_>, operation: Operation, count: u64) -> Result<Vec<Duration>> {
    let measured = operation.count();
    let mut times = Vec::with_capacity(measured);
    // Those of the first tenth, which warm up, are of other people.
    for turn in 0..measured + measured / 10 {
        let request = operation.request(turn, count, &client.bearer().await?)?;
        let start = Instant::now();
        let response = client.users.ok(&request).await?;
        let took = start.elapsed();
        if turn % 50 == 0 {
            operation.check(&response.body, turn, count)?;
        }
        if turn >= measured / 10 {
            times.push(took);
        }
    }
    Ok(times)
}

/// Sign-ins of somebody among all those whom `auth` knows.
async fn sign_ins(stack: &Stack) -> Result<Vec<Duration>> {
    let person = stack.register(&format!("signer-{}", operations::nanos())).await;
    let body = serde_json::json!({ "username": person.user_name, "password": person.password });
    let call = PreparedRequest::post("/authenticate", "application/json", body.to_string());
    let mut auth = Connection::open(address(&stack.auth_url(""))?).await?;
    let mut times = Vec::new();
    for _ in 0..200 {
        let start = Instant::now();
        auth.ok(&call).await?;
        times.push(start.elapsed());
    }
    Ok(times)
}

impl Results {
    fn add(&mut self, name: &str, mut times: Vec<Duration>) {
        times.sort_unstable();
        let micros = |percent| percentile(&times, percent).as_secs_f64() * 1e6;
        let measured = Measured {
            name: name.to_owned(),
            p50: micros(50),
            p99: micros(99),
        };
        measured.show();
        self.measured.push(measured);
    }
}
