//! Measures the cost of one replica on PostgreSQL, for `docs/guides/scaling.md`: CPU of each process, database log and
//! transactions for each kind of request, and the bytes of a row.

mod server;
mod visitors;

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use testkit::{Engine, Stack, StackOptions};
use tokio::task::JoinSet;

use crate::process::{cpu_time, memory_mib};
use crate::report::{micros, write_between};
use server::{Server, ServerUsage};
use visitors::{Action, Visitor};

/// Sessions that do their acts side by side.
const VISITORS: usize = 8;

/// The duration of the idle measurement.
const IDLE_PERIOD: Duration = Duration::from_secs(10);

/// The cost in total or for one action on average.
#[derive(Clone, Copy)]
struct UsageCost {
    auth: Duration,
    users: Duration,
    server: ServerUsage,
}

/// Everything used so far.
async fn total_cost(stack: &Stack, server: &mut Server) -> Result<UsageCost> {
    Ok(UsageCost {
        auth: cpu_time(stack.auth.id())?,
        users: cpu_time(stack.users.id())?,
        server: server.usage().await?,
    })
}

impl UsageCost {
    fn since(self, before: Self) -> Self {
        Self {
            auth: self.auth.saturating_sub(before.auth),
            users: self.users.saturating_sub(before.users),
            server: self.server.since(before.server),
        }
    }

    fn times(self, factor: f64) -> Self {
        Self {
            auth: self.auth.mul_f64(factor),
            users: self.users.mul_f64(factor),
            server: self.server.times(factor),
        }
    }

    fn line(self, name: &str) -> String {
        let ServerUsage {
            cpu,
            log_bytes,
            transactions,
        } = self.server;
        format!(
            "| {name} | {} | {} | {} | {log_bytes:.0} bytes | {transactions:.1} |",
            micros(self.auth),
            micros(self.users),
            micros(cpu)
        )
    }
}

/// Measures everything and writes it between the markers of the guide, if `keep`.
#[expect(clippy::print_stdout, reason = "a program for the terminal")]
pub(crate) async fn measure(scale: u32, keep: bool) -> Result<()> {
    let stack = Stack::with(StackOptions::on(Engine::Postgres)).await;
    let mut server = Server::of(&stack).await?;
    let mut visits = Visitor::start(&stack, VISITORS).await?;
    let mut text = measure_actions(&stack, &mut server, &mut visits, scale).await?;
    memory(&stack, &mut text)?;
    rows(server, &mut text).await?;
    println!("{text}");
    if keep {
        write_between("docs/guides/scaling.md", "capacity", &text)?;
    }
    Ok(())
}

async fn measure_actions(
    stack: &Stack,
    server: &mut Server,
    visits: &mut Vec<Visitor>,
    scale: u32,
) -> Result<String> {
    let mut text = String::from(
        "| one … | `auth` | `users` | PostgreSQL | written to its log | transactions |\n|---|---|---|---|---|---|\n",
    );
    // Leases, heartbeats and looks at the clock go on whether anybody signs in or not.
    let (before, began) = (total_cost(stack, server).await?, Instant::now());
    tokio::time::sleep(IDLE_PERIOD).await;
    let idle = total_cost(stack, server).await?.since(before);
    let idle = idle.times(1.0 / began.elapsed().as_secs_f64());
    let line = idle.line("second in which nothing happens");
    progress(&line);
    writeln!(text, "{line}")?;
    for act in Action::ALL {
        let each = (act.usual_count() * scale / 100 / u32::try_from(VISITORS)?).max(3);
        // Caches, pools and plans, outside the count.
        *visits = repeat(std::mem::take(visits), act, (each / 10).max(1)).await?;
        server.settle(stack).await?;
        let (before, began) = (total_cost(stack, server).await?, Instant::now());
        *visits = repeat(std::mem::take(visits), act, each).await?;
        server.settle(stack).await?;
        let used = total_cost(stack, server).await?.since(before);
        let used = used.since(idle.times(began.elapsed().as_secs_f64()));
        let count = each * u32::try_from(VISITORS)?;
        let line = used.times(1.0 / f64::from(count)).line(act.name());
        progress(&line);
        writeln!(text, "{line}")?;
    }
    Ok(text)
}

/// Every visit does `act` `each` times, side by side.
async fn repeat(visits: Vec<Visitor>, act: Action, each: u32) -> Result<Vec<Visitor>> {
    let mut workers: JoinSet<Result<Visitor>> = JoinSet::new();
    for visit in visits {
        workers.spawn(repeat_action(visit, act, each));
    }
    workers.join_all().await.into_iter().collect()
}

async fn repeat_action(mut visit: Visitor, act: Action, each: u32) -> Result<Visitor> {
    for _ in 0..each {
        visit.once(act).await.with_context(|| act.name())?;
    }
    Ok(visit)
}

fn memory(stack: &Stack, text: &mut String) -> Result<()> {
    writeln!(text, "\n| resident memory after all this | |\n|---|---|")?;
    for (name, process) in [("auth", &stack.auth), ("users", &stack.users)] {
        writeln!(text, "| `{name}` | {:.0} MiB |", memory_mib(process.id())?)?;
    }
    Ok(())
}

async fn rows(server: Server, text: &mut String) -> Result<()> {
    writeln!(
        text,
        "\n| a row of | in | takes, with its indexes |\n|---|---|---|"
    )?;
    for (database, table, bytes) in server.bytes_per_row().await? {
        writeln!(text, "| `{table}` | `{database}` | {bytes} bytes |")?;
    }
    Ok(())
}

#[expect(
    clippy::print_stderr,
    reason = "a program for the terminal that takes minutes"
)]
fn progress(line: &str) {
    eprintln!("{line}");
}
