//! The tables of the comparison.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Result;

use super::Peer;
use super::operation::Operation;
use super::rounds::Measured;
use crate::report::{micros, millis, write_between};

type Outcome = Result<Measured, &'static str>;

/// The measurements so far.
#[derive(Debug, Default)]
pub(super) struct Results {
    rows: Vec<(Operation, Peer, Outcome)>,
    start: BTreeMap<&'static str, Duration>,
    idle: BTreeMap<&'static str, f64>,
    peak: BTreeMap<&'static str, f64>,
    not_installed: Vec<Peer>,
}

impl Results {
    #[expect(
        clippy::print_stderr,
        reason = "a program for the terminal that takes minutes"
    )]
    pub(super) fn add(&mut self, peer: Peer, operation: Operation, outcome: Outcome) {
        eprintln!("{}: {}: {outcome:?}", peer.name(), operation.name());
        self.rows.push((operation, peer, outcome));
    }

    pub(super) fn not_installed(&mut self, peer: Peer) {
        self.not_installed.push(peer);
    }

    pub(super) fn started(&mut self, peer: Peer, took: Duration) {
        self.start.insert(peer.name(), took);
    }

    pub(super) fn idle(&mut self, peer: Peer, mib: f64) {
        self.idle.insert(peer.name(), mib);
    }

    pub(super) fn peak(&mut self, peer: Peer, mib: f64) {
        self.peak.insert(peer.name(), mib);
    }

    /// Prints the tables, and writes them into `docs/benchmarks.md` if `keep`.
    #[expect(clippy::print_stdout, reason = "a program for the terminal")]
    pub(super) fn finish(&self, keep: bool) -> Result<()> {
        let text = self.markdown()?;
        println!("{text}");
        if keep {
            write_between("docs/benchmarks.md", "peers", &text)?;
        }
        Ok(())
    }

    fn markdown(&self) -> Result<String> {
        let mut text = format!(
            "Measured on {} cores ({}), loopback.\n",
            std::thread::available_parallelism()?,
            std::env::consts::ARCH
        );
        heading(&mut text, "CPU time for each request", true)?;
        for operation in Operation::ALL {
            if !operation.is_throughput() {
                self.row(&mut text, operation, |measured| {
                    let database = measured.cpu.database.map(micros);
                    micros(measured.cpu.provider)
                        + &database.map_or(String::new(), |time| format!(" + {time}"))
                })?;
            }
        }
        heading(&mut text, "Flows a second and p99, 32 connections", true)?;
        for operation in Operation::ALL {
            if operation.is_throughput() {
                self.row(&mut text, operation, |measured| {
                    format!("{:.0}, {}", measured.per_second, micros(measured.p99))
                })?;
            }
        }
        heading(&mut text, "Start and memory", false)?;
        let memory = |mib: &f64| format!("{mib:.0} MiB");
        self.line(&mut text, "start to ready, on an existing database", |peer| {
            self.start.get(peer.name()).map(|took| millis(*took))
        })?;
        self.line(&mut text, "resident memory when idle", |peer| {
            self.idle.get(peer.name()).map(memory)
        })?;
        self.line(&mut text, "resident memory at its peak", |peer| {
            self.peak.get(peer.name()).map(memory)
        })?;
        self.reasons(&mut text)?;
        Ok(text)
    }

    fn row(
        &self,
        text: &mut String,
        operation: Operation,
        shown: impl Fn(&Measured) -> String,
    ) -> Result<()> {
        write!(text, "| {} |", operation.name())?;
        for peer in Peer::ALL {
            let figure = self.measured(peer, operation).map_or("–".to_owned(), &shown);
            write!(text, " {figure} |")?;
        }
        let ratio = self.ratio(operation).map(|ratio| format!("{ratio:.2} ×"));
        writeln!(text, " {} | {} |", operation.target(), ratio.unwrap_or_default())?;
        Ok(())
    }

    fn line(&self, text: &mut String, name: &str, shown: impl Fn(Peer) -> Option<String>) -> Result<()> {
        write!(text, "| {name} |")?;
        for peer in Peer::ALL {
            write!(text, " {} |", shown(peer).unwrap_or("–".to_owned()))?;
        }
        Ok(writeln!(text)?)
    }

    fn measured(&self, peer: Peer, operation: Operation) -> Option<&Measured> {
        let mut rows = self.rows.iter();
        rows.find_map(|(one, of, outcome)| {
            ((*one, *of) == (operation, peer)).then(|| outcome.as_ref().ok())?
        })
    }

    /// Vestibule's figure on SQLite as a part of the better peer's.
    fn ratio(&self, operation: Operation) -> Option<f64> {
        let figure = |peer| {
            let measured = self.measured(peer, operation)?;
            Some(match operation.is_throughput() {
                true => measured.per_second,
                false => measured.cpu.provider.as_secs_f64(),
            })
        };
        let own = figure(Peer::VestibuleSqlite)?;
        let others = Peer::ALL.into_iter().filter(|peer| !peer.is_own());
        let better = others
            .filter_map(figure)
            .reduce(|one, other| match operation.is_throughput() {
                true => one.max(other),
                false => one.min(other),
            })?;
        Some(own / better.max(f64::EPSILON))
    }

    /// The reason for each dash.
    fn reasons(&self, text: &mut String) -> Result<()> {
        let mut reasons: Vec<String> = self
            .rows
            .iter()
            .filter_map(|(operation, peer, outcome)| {
                let reason = outcome.err()?;
                Some(format!("{}, {}: {reason}", peer.name(), operation.name()))
            })
            .collect();
        let absent = self.not_installed.iter();
        reasons.extend(absent.map(|peer| format!("{}: it is not installed", peer.name())));
        if !reasons.is_empty() {
            writeln!(text, "\n–: {}.", reasons.join("; "))?;
        }
        Ok(())
    }
}

fn heading(text: &mut String, name: &str, with_target: bool) -> Result<()> {
    write!(text, "\n### {name}\n\n| |")?;
    for peer in Peer::ALL {
        write!(text, " {} |", peer.name())?;
    }
    let (more, columns) = match with_target {
        true => (" aim | SQLite : the better peer |", 7),
        false => ("", 5),
    };
    writeln!(text, "{more}\n|{}", "---|".repeat(columns))?;
    Ok(())
}
