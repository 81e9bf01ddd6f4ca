//! The results of runs, which are kept so that sizes and engines can be measured one at a time.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use testkit::Engine;

use super::keycloak::Compared;
use crate::report::micros;

/// The times of one kind of request, in microseconds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Measured {
    pub(super) name: String,
    pub(super) p50: f64,
    pub(super) p99: f64,
}

impl Measured {
    #[expect(
        clippy::print_stderr,
        reason = "a program for the terminal that takes minutes"
    )]
    pub(super) fn show(&self) {
        eprintln!("  {}: {} / {}", self.name, shown(self.p50), shown(self.p99));
    }
}

/// The figures of a directory.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Results {
    pub(super) engine: String,
    pub(super) people: u64,
    pub(super) measured: Vec<Measured>,
    pub(super) bytes_per_person: Option<f64>,
    /// People whom `auth` read from the snapshot in a second.
    pub(super) rebuilt_per_second: Option<f64>,
}

impl Results {
    pub(super) fn new(engine: Engine, people: u64) -> Self {
        Self {
            engine: engine_name(engine).to_owned(),
            people,
            measured: Vec::new(),
            bytes_per_person: None,
            rebuilt_per_second: None,
        }
    }

    /// Keeps the results for reports.
    pub(super) fn save(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder)?;
        let path = folder.join(format!("{}-{}.json", self.engine, self.people));
        fs::write(path, serde_json::to_string_pretty(self)?)?;
        Ok(())
    }

    /// The results of an earlier run.
    pub(super) fn find(folder: &Path, engine: Engine, people: u64) -> Result<Self> {
        let path = folder.join(format!("{}-{people}.json", engine_name(engine)));
        let text = fs::read_to_string(&path).with_context(|| format!("no results in {}", path.display()))?;
        Ok(serde_json::from_str(&text)?)
    }

    /// The results that are kept, the smaller directories first.
    pub(super) fn load(folder: &Path) -> Result<Vec<Self>> {
        let mut all = Vec::new();
        for entry in fs::read_dir(folder).context("no results")? {
            let path = entry?.path();
            if !path.ends_with(COMPARED) {
                all.push(serde_json::from_str::<Self>(&fs::read_to_string(path)?)?);
            }
        }
        all.sort_by(|one, other| (&other.engine, one.people).cmp(&(&one.engine, other.people)));
        Ok(all)
    }
}

/// The file of what Keycloak is compared by.
const COMPARED: &str = "keycloak.json";

/// Keeps the comparison with Keycloak.
pub(super) fn save_compared(folder: &Path, compared: &Compared) -> Result<()> {
    fs::create_dir_all(folder)?;
    Ok(fs::write(
        folder.join(COMPARED),
        serde_json::to_string_pretty(compared)?,
    )?)
}

/// The comparison with Keycloak, if there was one.
pub(super) fn load_compared(folder: &Path) -> Option<Compared> {
    serde_json::from_str(&fs::read_to_string(folder.join(COMPARED)).ok()?).ok()
}

pub(super) fn engine_name(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => "SQLite",
        Engine::Postgres => "PostgreSQL",
    }
}

/// The results of each engine.
pub(super) fn by_engine(all: &[Results]) -> BTreeMap<&str, Vec<&Results>> {
    let mut engines: BTreeMap<&str, Vec<&Results>> = BTreeMap::new();
    for results in all {
        engines.entry(&results.engine).or_default().push(results);
    }
    engines
}

/// The tables of `docs/benchmarks.md`.
pub(super) fn tables(all: &[Results], compared: Option<Compared>) -> Result<String> {
    let cores = std::thread::available_parallelism()?;
    let mut text = format!(
        "Measured on {cores} cores ({}), loopback.\n",
        std::env::consts::ARCH
    );
    for (engine, runs) in by_engine(all).into_iter().rev() {
        write!(text, "\n### {engine}, p50 / p99\n\n| |")?;
        for run in &runs {
            write!(text, " {} people |", thousands(run.people))?;
        }
        writeln!(text, " p99, largest : smallest |")?;
        writeln!(text, "|---|{}---|", "---|".repeat(runs.len()))?;
        for measured in runs
            .iter()
            .max_by_key(|run| run.measured.len())
            .into_iter()
            .flat_map(|run| &run.measured)
        {
            line(&mut text, &measured.name, &runs)?;
        }
        let figure = |text: &mut String, name: &str, of: &dyn Fn(&Results) -> Option<f64>| -> Result<()> {
            write!(text, "| {name} |")?;
            for run in &runs {
                write!(
                    text,
                    " {} |",
                    of(run).map_or("–".to_owned(), |it| thousands(it.round() as u64))
                )?;
            }
            Ok(writeln!(text, " |")?)
        };
        figure(&mut text, "bytes of the database for each person", &|run| {
            run.bytes_per_person
        })?;
        figure(
            &mut text,
            "people per second that `auth` reads from nothing",
            &|run| run.rebuilt_per_second,
        )?;
    }
    if let Some(Compared { own, keycloak }) = compared {
        writeln!(
            text,
            "\n### Users created in a second by the administration API, four connections, PostgreSQL\n\n\
             | | |\n|---|---|\n| Vestibule, `POST /scim/v2/Users` | {own:.0} |\n\
             | Keycloak 26.7, `POST /admin/realms/…/users` | {keycloak:.0} |"
        )?;
    }
    Ok(text)
}

fn line(text: &mut String, name: &str, runs: &[&Results]) -> Result<()> {
    write!(text, "| {name} |")?;
    let found: Vec<Option<&Measured>> = runs
        .iter()
        .map(|run| run.measured.iter().find(|measured| measured.name == name))
        .collect();
    for measured in &found {
        match measured {
            Some(measured) => write!(text, " {} / {} |", shown(measured.p50), shown(measured.p99))?,
            None => write!(text, " – |")?,
        }
    }
    let mut known = found.iter().flatten();
    let ratio = match (known.next(), known.next_back()) {
        (Some(first), Some(last)) => format!("{:.1} ×", last.p99 / first.p99.max(f64::EPSILON)),
        _ => String::new(),
    };
    Ok(writeln!(text, " {ratio} |")?)
}

fn shown(value: f64) -> String {
    micros(Duration::from_secs_f64(value / 1e6))
}

/// A number with a comma at each thousand.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let count = digits.len();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (count - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
