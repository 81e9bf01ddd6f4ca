//! Measures sign-ins per second against the rate of the password hash alone, and token requests during a flood of them.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use serde_json::json;
use testkit::{Person, Stack};

use crate::load::{PreparedRequest, flood, latencies, percentile};
use crate::process::cpu_time;
use crate::report::{Figure, Report, micros};
use crate::requests::{address, token_call};

/// The default cost of the services: 19 MiB, two passes, one lane.
const ARGON2_COST: (u32, u32, u32) = (19 * 1024, 2, 1);
/// People who sign in, so that no single one is throttled for what all do.
const PEOPLE: usize = 8;

/// The number of rounds in which the two rates are measured in turn.
const ROUNDS: u32 = 5;

/// The number of hashes and the CPU time that they took.
#[derive(Debug, Default)]
struct HashWork {
    done: u32,
    cpu: Duration,
}

impl HashWork {
    fn rate(&self, limit: Duration) -> f64 {
        f64::from(self.done) / limit.as_secs_f64()
    }

    fn each(&self) -> Duration {
        self.cpu / self.done.max(1)
    }
}

/// Hashes that all cores make in `limit`.
fn raw_hashes(limit: Duration) -> Result<u32> {
    let (memory, passes, lanes) = ARGON2_COST;
    let params = Params::new(memory, passes, lanes, None).map_err(|error| anyhow!("{error}"))?;
    let cores = std::thread::available_parallelism()?.get();
    let start = Instant::now();
    let threads: Vec<_> = (0..cores)
        .map(|_| {
            let hash = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
            std::thread::spawn(move || {
                // Taken once, as the services do: the rate is that of hashing, not of fetching memory.
                let mut memory = vec![Block::default(); hash.params().block_count()];
                let (password, salt) = (b"plum-tractor-violin-42", b"a-salt-of-16-byt");
                let (mut done, mut out) = (0_u32, [0; 32]);
                while start.elapsed() < limit {
                    if hash
                        .hash_password_into_with_memory(password, salt, &mut out, &mut memory)
                        .is_err()
                    {
                        break;
                    }
                    done += 1;
                }
                done
            })
        })
        .collect();
    let mut total = 0;
    for thread in threads {
        total += thread.join().map_err(|_| anyhow!("a hashing thread failed"))?;
    }
    Ok(total)
}

fn sign_in(person: &Person) -> PreparedRequest {
    let body = json!({ "username": person.user_name, "password": person.password });
    PreparedRequest::post("/authenticate", "application/json", body.to_string())
}

pub(crate) async fn measure(report: &mut Report, stack: &Stack, scale: u32) -> Result<()> {
    let limit = Duration::from_secs(10) * scale.max(20) / 100;
    let auth = address(&stack.auth_url(""))?;
    let mut calls = Vec::new();
    for number in 0..PEOPLE {
        calls.push(sign_in(&stack.register(&format!("signer{number}")).await));
    }
    let connections = std::thread::available_parallelism()?.get() * 4;

    // In turns, because a shared machine is not equally fast at any two moments.
    let (mut alone, mut service) = (HashWork::default(), HashWork::default());
    for _ in 0..ROUNDS {
        let before = cpu_time(std::process::id())?;
        alone.done += tokio::task::spawn_blocking(move || raw_hashes(limit / ROUNDS)).await??;
        alone.cpu += cpu_time(std::process::id())?.saturating_sub(before);
        let before = cpu_time(stack.auth.id())?;
        service.done += u32::try_from(flood(auth, &calls, connections, limit / ROUNDS).await?)?;
        service.cpu += cpu_time(stack.auth.id())?.saturating_sub(before);
    }
    let shown = |work: &HashWork| {
        format!(
            "{:.0} per second, {} of CPU each",
            work.rate(limit),
            micros(work.each())
        )
    };
    report.add(
        "Sign-ins",
        Figure::new("argon2id alone, all cores", shown(&alone)),
    );
    report.add(
        "Sign-ins",
        Figure::new("`POST /authenticate`", shown(&service))
            .target("≥ 90 % of argon2id")
            .ratio(format!(
                "{:.0} %",
                100.0 * service.rate(limit) / alone.rate(limit)
            )),
    );

    let token = token_call(stack);
    let pace = Duration::from_millis(10);
    let count = usize::try_from(limit.as_millis() / pace.as_millis()).context("a count")?;
    let calm = latencies(auth, &token, count, pace).await?;
    let (busy, signed) = tokio::join!(
        latencies(auth, &token, count, pace),
        flood(auth, &calls, connections, limit + Duration::from_millis(500))
    );
    let busy = busy?;
    signed?;
    for (name, values) in [
        ("without a flood of sign-ins", calm),
        ("with a flood of sign-ins", busy),
    ] {
        let value = format!(
            "{} / {}",
            micros(percentile(&values, 50)),
            micros(percentile(&values, 99))
        );
        report.add(
            "Latency of a client_credentials token, p50 / p99",
            Figure::new(name, value),
        );
    }
    Ok(())
}
