//! `vestibule doctor`: what is wrong, and how to mend it.

mod directory;
mod services;
mod stores;
#[cfg(test)]
mod tests;

use std::io;

use serde_json::{Value, json};

use crate::api::Target;
use crate::datadir::DataDir;
use crate::failure::{Code, Failure};
use crate::logs::{Color, Style, printable};
use crate::output::{self, Format};

/// Look for what is wrong, and say how to mend it
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
    target: Target,
}

/// One thing that was looked at.
#[derive(Debug)]
struct Finding {
    what: String,
    detail: String,
    /// How to mend it; none when all is well.
    mend: Option<String>,
}

impl Finding {
    fn good(what: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            detail: detail.into(),
            mend: None,
        }
    }

    fn bad(what: impl Into<String>, detail: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            mend: Some(mend.into()),
            ..Self::good(what, detail)
        }
    }

    fn json(&self) -> Value {
        json!({
            "what": self.what,
            "ok": self.mend.is_none(),
            "detail": self.detail,
            "mend": self.mend,
        })
    }

    fn lines(&self, style: Style) -> String {
        let line = format!("{:<24} {}", self.what, printable(&self.detail));
        match &self.mend {
            None => format!("{} {line}", style.good("✓")),
            Some(mend) => format!(
                "{} {line}\n  {:<24} {}",
                style.bad("✗"),
                "",
                style.bold(printable(mend))
            ),
        }
    }
}

impl Doctor {
    /// Runs the command.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let mut findings = Vec::new();
        let mut running = true;
        if !self.target.is_remote() {
            let data = DataDir::open(self.target.data())?;
            directory::look(&data, &mut findings);
            findings.extend(services::addresses(&data));
            running = directory::supervisor(&data, &mut findings);
            stores::look(&data, &mut findings).await;
            if !running {
                services::ports(&data, &mut findings);
            }
        }
        if running {
            services::look(&self.target, &mut findings).await?;
        }
        self.report(&findings)
    }

    fn report(&self, findings: &[Finding]) -> Result<(), Failure> {
        let bad = findings.iter().filter(|finding| finding.mend.is_some()).count();
        match self.target.output {
            Format::Json => {
                let checks: Vec<Value> = findings.iter().map(Finding::json).collect();
                output::json(&json!({ "ok": bad == 0, "checks": checks }))?;
            }
            Format::Table => {
                let style = Style::choose(Color::Auto, &io::stdout());
                for finding in findings {
                    output::line(finding.lines(style))?;
                }
            }
        }
        match bad {
            0 => Ok(()),
            1 => Err(Failure::new(Code::Failed, "one thing is wrong")),
            _ => Err(Failure::new(Code::Failed, format!("{bad} things are wrong"))),
        }
    }
}
