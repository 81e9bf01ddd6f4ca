//! Measures the directory at a thousand, a million and ten million people: the times of requests, the size of the database, and how
//! fast a consumer rebuilds it.

mod group;
mod home;
pub(crate) mod keycloak;
mod names;
mod operations;
mod people;
mod plot;
mod results;
mod run;
mod seed;

use std::path::Path;

use anyhow::{Result, bail};
use testkit::Engine;

use crate::report::write_between;
use results::{Results, engine_name};

/// The sizes that a run measures unless it is told another one. Ten million people take half an hour and 30 GB for each engine.
const SIZES: [u64; 2] = [1_000, 1_000_000];

/// The choice of what is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choice {
    /// One size instead of [`SIZES`].
    pub(crate) people: Option<u64>,
    /// One engine instead of both.
    pub(crate) engine: Option<Engine>,
    /// True to measure the sign-ins of a large directory alone, and add them to an earlier run.
    pub(crate) sign_ins_only: bool,
    /// True to write the reports of earlier runs alone.
    pub(crate) report_only: bool,
}

impl Choice {
    /// True unless one size alone is measured, or nothing.
    fn with_keycloak(self) -> bool {
        self.people.is_none_or(|people| people == 0) && !self.report_only && !self.sign_ins_only
    }
}

/// Measures, and writes the figures of all runs so far into `docs/benchmarks.md`, and curves beside it.
#[expect(
    clippy::print_stderr,
    reason = "a program for the terminal that takes minutes"
)]
pub(crate) async fn measure(choice: Choice) -> Result<()> {
    if choice.sign_ins_only && !choice.people.is_some_and(run::has_own_accounts) {
        bail!("--sign-ins-only needs a size whose accounts are filled in apart, as --people 10000000");
    }
    let folder = home::folder()?.join("results");
    let engines = choice
        .engine
        .map_or(vec![Engine::Sqlite, Engine::Postgres], |engine| vec![engine]);
    let sizes = choice.people.map_or(SIZES.to_vec(), |people| {
        Vec::from_iter((people > 0).then_some(people))
    });
    for engine in engines.into_iter().filter(|_| !choice.report_only) {
        for count in &sizes {
            eprintln!("{}, {count} people", engine_name(engine));
            let mut results = match choice.sign_ins_only {
                true => Results::find(&folder, engine, *count)?,
                false => {
                    let url = home::prepare(engine, *count).await?;
                    let bytes = home::bytes(&url, engine).await?;
                    let mut results = run::measure(&url, engine, *count).await?;
                    results.bytes_per_person = Some(bytes / (*count as f64));
                    results.save(&folder)?;
                    results
                }
            };
            if run::has_own_accounts(*count) {
                let url = home::prepare_accounts(engine, *count).await?;
                run::measure_sign_ins(&mut results, &url, engine, *count).await?;
                results.save(&folder)?;
            }
        }
    }
    if choice.with_keycloak()
        && let Some(compared) = keycloak::measure().await?
    {
        results::save_compared(&folder, &compared)?;
    }
    let all = Results::load(&folder)?;
    plot::write(
        &all,
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/benchmarks"),
    )?;
    write_between(
        "docs/benchmarks.md",
        "directory",
        &results::tables(&all, results::load_compared(&folder))?,
    )
}
