//! Measures the time from the start of a service until it is ready, and its memory while idle.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use testkit::{Stack, StackOptions};

use crate::load::{Connection, PreparedRequest};
use crate::process::{memory_mib, own_memory_mib};
use crate::report::{Figure, Report, millis};
use crate::requests::address;

/// Time from `start` until the management listener says ready, looked at every half millisecond.
async fn wait_until_ready(start: Instant, management: &str) -> Result<Duration> {
    let address = address(management)?;
    let mut tick = tokio::time::interval(Duration::from_micros(500));
    let call = PreparedRequest::get("/health/ready");
    while start.elapsed() < Duration::from_secs(60) {
        tick.tick().await;
        if let Ok(mut connection) = Connection::open(address).await
            && connection
                .send(&call)
                .await
                .is_ok_and(|answer| answer.status.is_success())
        {
            return Ok(start.elapsed());
        }
    }
    anyhow::bail!("not ready within a minute")
}

fn median(mut values: Vec<Duration>) -> Result<Duration> {
    values.sort_unstable();
    values.get(values.len() / 2).copied().context("no measurement")
}

pub(crate) async fn measure(report: &mut Report, rounds: usize) -> Result<()> {
    let (mut first, mut again) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    for _ in 0..rounds {
        let start = Instant::now();
        let mut stack = Stack::spawn(StackOptions::default()).await;
        let urls = [stack.auth_management_url(""), stack.users_management_url("")];
        let [auth_url, users_url] = &urls;
        let (auth, users) = tokio::join!(
            wait_until_ready(start, auth_url),
            wait_until_ready(start, users_url)
        );
        record_times(&mut first, auth?, users?);

        stack.auth.terminate().await;
        stack.users.terminate().await;
        let start = Instant::now();
        stack.auth.start_again();
        let auth = wait_until_ready(start, auth_url).await?;
        let start = Instant::now();
        stack.users.start_again();
        let users = wait_until_ready(start, users_url).await?;
        record_times(&mut again, auth, users);
    }
    let (aim_first, aim_again) = ("< 500 ms", "< 100 ms");
    for (name, values, aim) in [
        ("first start, both at once", first, aim_first),
        ("start on an existing database", again, aim_again),
    ] {
        for (service, values) in ["auth", "users"].into_iter().zip(values) {
            report.add(
                "Start to ready",
                Figure::new(&format!("`{service}`, {name}"), millis(median(values)?)).target(aim),
            );
        }
    }
    Ok(())
}

fn record_times([auths, userss]: &mut [Vec<Duration>; 2], auth: Duration, users: Duration) {
    auths.push(auth);
    userss.push(users);
}

/// Resident memory of both services when they are ready and idle.
pub(crate) fn idle_memory(report: &mut Report, stack: &Stack) -> Result<()> {
    for (name, process) in [("auth", stack.auth.id()), ("users", stack.users.id())] {
        let memory = format!("{:.1} MiB", memory_mib(process)?);
        report.add(
            "Resident memory when idle",
            Figure::new(&format!("`{name}`"), memory)
                .target("< 30 MiB")
                .ratio(format!("{:.1} MiB of it its own", own_memory_mib(process)?)),
        );
    }
    Ok(())
}
