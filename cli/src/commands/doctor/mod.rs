//! `vestibule doctor`: checks an installation and prints a remedy for each problem.

mod directory;
mod services;
mod stores;
#[cfg(test)]
mod tests;

use std::io;

use serde_json::{Value, json};

use crate::api::ConnectionArgs;
use crate::datadir::DataDir;
use crate::error::{CommandError, ErrorCode};
use crate::logs::{Color, Style, printable};
use crate::output::{self, Format};

/// Look for what is wrong, and say how to fix it
///
/// Looks at the data directory and its secrets, the configuration, the databases, the ports, the services, the clock
/// and the operator's credential. With --auth-url and --users-url it looks at the services alone.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule doctor
  vestibule doctor --data /var/lib/vestibule --output json")]
pub(crate) struct Doctor {
    #[command(flatten)]
    connection: ConnectionArgs,
}

/// The result of one check.
#[derive(Debug)]
struct Finding {
    what: String,
    detail: String,
    /// The remedy; none when the check passed.
    remedy: Option<String>,
}

impl Finding {
    fn good(what: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            detail: detail.into(),
            remedy: None,
        }
    }

    fn bad(what: impl Into<String>, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            remedy: Some(remedy.into()),
            ..Self::good(what, detail)
        }
    }

    fn json(&self) -> Value {
        json!({
            "what": self.what,
            "ok": self.remedy.is_none(),
            "detail": self.detail,
            "remedy": self.remedy,
        })
    }

    fn lines(&self, style: Style) -> String {
        let line = format!("{:<24} {}", self.what, printable(&self.detail));
        match &self.remedy {
            None => format!("{} {line}", style.good("✓")),
            Some(remedy) => format!(
                "{} {line}\n  {:<24} {}",
                style.bad("✗"),
                "",
                style.bold(printable(remedy))
            ),
        }
    }
}

impl Doctor {
    /// Runs the command.
    pub(crate) async fn run(self) -> Result<(), CommandError> {
        let mut findings = Vec::new();
        let mut running = true;
        if !self.connection.is_remote() {
            let data = DataDir::open(self.connection.data())?;
            directory::check(&data, &mut findings);
            findings.extend(services::check_addresses(&data));
            running = directory::check_supervisor(&data, &mut findings);
            stores::check(&data, &mut findings).await;
            if !running {
                services::check_ports(&data, &mut findings);
            }
        }
        if running {
            services::check(&self.connection, &mut findings).await?;
        }
        self.report(&findings)
    }

    fn report(&self, findings: &[Finding]) -> Result<(), CommandError> {
        let bad = findings.iter().filter(|finding| finding.remedy.is_some()).count();
        match self.connection.output {
            Format::Json => {
                let checks: Vec<Value> = findings.iter().map(Finding::json).collect();
                output::print_json(&json!({ "ok": bad == 0, "checks": checks }))?;
            }
            Format::Table => {
                let style = Style::choose(Color::Auto, &io::stdout());
                for finding in findings {
                    output::print_line(finding.lines(style))?;
                }
            }
        }
        match bad {
            0 => Ok(()),
            1 => Err(CommandError::new(ErrorCode::Failed, "one thing is wrong")),
            _ => Err(CommandError::new(
                ErrorCode::Failed,
                format!("{bad} things are wrong"),
            )),
        }
    }
}
