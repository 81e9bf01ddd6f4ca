//! Measures the import of people with their password hashes: the time until the last of them can sign in, and the memory of
//! every process meanwhile.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use testkit::{Engine, Stack, StackOptions, program};

use crate::process::{cpu_time, own_memory_mib};
use crate::report::{Figure, Report};

/// The password of everybody, and its hash by bcrypt 5.0.0 (Python).
const PASSWORD: &str = "gorse-tin-vivid";
const HASH: &str = "$2b$04$5ujii9zMrP9QrISEOLTmUeE3aj7HB56COPvabyGOHWml9Pmr64LNS";
/// The client of the stack that administers.
const OPERATOR: &str = "vestibule-cli";
/// The interval at which memory is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Imports `count` people into each engine, or into one.
pub(crate) async fn measure(report: &mut Report, count: u32, only: Option<Engine>) -> Result<()> {
    let engines = [(Engine::Sqlite, "SQLite"), (Engine::Postgres, "PostgreSQL")];
    for (engine, name) in engines {
        if only.is_some_and(|only| only != engine) {
            continue;
        }
        let stack = Stack::with(StackOptions::on(engine)).await;
        let file = stack.folder().join("people.ndjson");
        write_people(&file, count)?;
        let imported = import(&stack, &file).await?;
        sign_in(&stack, count - 1).await?;
        let time = imported.started.elapsed();
        let table = format!("Import of {count} people with password hashes, {name}");
        let rate = f64::from(count) / time.as_secs_f64();
        report.add(
            &table,
            Figure::new(
                "until the last of them has signed in",
                format!("{:.1} s", time.as_secs_f64()),
            )
            .target("< 300 s for a million")
            .ratio(format!("{rate:.0} a second")),
        );
        for (process, peak, cpu) in imported.processes {
            let micros = cpu.as_secs_f64() * 1e6 / f64::from(count);
            report.add(
                &table,
                Figure::new(&process, format!("{peak:.1} MiB of its own at most"))
                    .ratio(format!("{micros:.0} µs of CPU for each person")),
            );
        }
        if engine == Engine::Sqlite {
            let bytes = size_of(stack.folder(), "users.db")? + size_of(stack.folder(), "auth.db")?;
            let each = bytes / u64::from(count);
            report.add(
                &table,
                Figure::new("both databases", format!("{each} bytes for each person")),
            );
        }
    }
    Ok(())
}

/// The measurements of an import.
struct Imported {
    started: Instant,
    /// The name of each process, its greatest memory in MiB, and its time on the processor.
    processes: Vec<(String, f64, Duration)>,
}

async fn import(stack: &Stack, file: &Path) -> Result<Imported> {
    let secret = stack.folder().join("operator.secret");
    fs::write(&secret, stack.operator_secret())?;
    let started = Instant::now();
    let before = [cpu_time(stack.auth.id())?, cpu_time(stack.users.id())?];
    let mut tool = Command::new(program("vestibule-cli"))
        .args(["user", "import"])
        .arg(file)
        .args(["--auth-url", stack.auth_url("").as_str()])
        .args(["--users-url", stack.users_url("").as_str()])
        .args(["--client-id", OPERATOR, "--client-secret-file"])
        .arg(&secret)
        .args(["--output", "json", "--progress"])
        .stdout(Stdio::null())
        .spawn()?;
    let ids = [tool.id(), stack.auth.id(), stack.users.id()];
    let (mut peaks, mut tool_cpu) = ([0.0_f64; 3], Duration::ZERO);
    let status = loop {
        for (peak, id) in peaks.iter_mut().zip(ids) {
            // The tool may end at any moment.
            *peak = peak.max(own_memory_mib(id).unwrap_or_default());
        }
        tool_cpu = cpu_time(tool.id()).unwrap_or(tool_cpu);
        match tool.try_wait()? {
            Some(status) => break status,
            None => tokio::time::sleep(LOOK_EVERY).await,
        }
    };
    ensure!(status.success(), "the import ended with {status}");
    let [tool_peak, auth_peak, users_peak] = peaks;
    let [auth_before, users_before] = before;
    Ok(Imported {
        started,
        processes: vec![
            ("`vestibule-cli user import`".to_owned(), tool_peak, tool_cpu),
            (
                "`auth`".to_owned(),
                auth_peak,
                cpu_time(stack.auth.id())?.saturating_sub(auth_before),
            ),
            (
                "`users`".to_owned(),
                users_peak,
                cpu_time(stack.users.id())?.saturating_sub(users_before),
            ),
        ],
    })
}

fn name_of(number: u32) -> String {
    format!("person{number:07}")
}

fn write_people(path: &Path, count: u32) -> Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for number in 0..count {
        let name = name_of(number);
        let line = json!({
            "userName": name,
            "name": { "givenName": format!("Given{}", number % 5000), "familyName": format!("Family{}", number % 70_000) },
            "emails": [{ "value": format!("{name}@example.org"), "type": "work", "primary": true }],
            "password_hash": HASH,
        });
        writeln!(file, "{line}")?;
    }
    file.flush().context("the file of people")
}

async fn sign_in(stack: &Stack, number: u32) -> Result<()> {
    let body = json!({ "username": name_of(number), "password": PASSWORD });
    let request = stack.http().post(stack.auth_url("/authenticate")).json(&body);
    let status = request.send().await?.status();
    ensure!(status.is_success(), "the last person could not sign in: {status}");
    Ok(())
}

/// The bytes of a database with its write-ahead log.
fn size_of(folder: &Path, name: &str) -> Result<u64> {
    let mut bytes = 0;
    for suffix in ["", "-wal"] {
        if let Ok(file) = fs::metadata(folder.join(format!("{name}{suffix}"))) {
            bytes += file.len();
        }
    }
    ensure!(bytes > 0, "{name} is not there");
    Ok(bytes)
}
