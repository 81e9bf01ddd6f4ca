//! The report of a campaign, as text.

use std::fmt;
use std::time::Duration;

use anyhow::Context as _;

use super::broker::Transport;
use super::round::{Campaign, RoundTotals};

/// The report of a campaign.
#[derive(Clone, Debug)]
pub struct Report {
    /// The transport.
    pub transport: Transport,
    /// The campaign.
    pub campaign: Campaign,
    /// In how many parts it was played side by side.
    pub lanes: u64,
    /// The totals.
    pub tally: RoundTotals,
    /// The duration.
    pub took: Duration,
}

impl Report {
    /// True if nothing is wrong, and all that was asked for has happened.
    pub fn is_good(&self) -> bool {
        self.tally.findings.is_empty() && self.tally.count() >= self.campaign.faults
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tally, seed) = (&self.tally, self.campaign.seed);
        let verdict = if self.is_good() {
            "nothing lost, doubled, reordered, regressed or made up"
        } else {
            "FAILED"
        };
        writeln!(f, "**{}**: {verdict}.\n", self.transport.name())?;
        writeln!(f, "| | |\n|---|---:|")?;
        writeln!(f, "| Faults | {} |", tally.count())?;
        writeln!(f, "| Changes acknowledged | {} |", tally.acknowledged)?;
        writeln!(
            f,
            "| Changes committed, acknowledged or not | {} |",
            tally.committed
        )?;
        writeln!(f, "| Changes rolled back on purpose | {} |", tally.rolled_back)?;
        writeln!(
            f,
            "| Confirmations by the transport, of repetitions too | {} |",
            tally.sent
        )?;
        writeln!(f, "| Effects at the follower | {} |", tally.applied)?;
        writeln!(f, "| Of these, states of a snapshot | {} |", tally.snapshots)?;
        writeln!(
            f,
            "| Longest time from the last fault to rest | {:.1} s |",
            tally.longest_rest.as_secs_f64()
        )?;
        writeln!(f, "| Duration | {} min |", self.took.as_secs().div_ceil(60))?;
        writeln!(f, "\n| Fault | Times |\n|---|---:|")?;
        for (name, count) in &tally.faults {
            writeln!(f, "| {name} | {count} |")?;
        }
        for (seed, finding) in tally.findings.iter().take(20) {
            writeln!(f, "\nSeed {seed}: {finding}")?;
        }
        write!(
            f,
            "\nTo repeat it: `scripts/faults --transport {} --faults {} --lanes {} --seed {seed}`.",
            self.transport.name(),
            self.campaign.faults,
            self.lanes
        )
    }
}

/// The text of a document with `report` between the markers of `transport`.
///
/// # Errors
/// When the markers are not there.
pub fn insert(document: &str, transport: Transport, report: &str) -> anyhow::Result<String> {
    let name = transport.name();
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let (before, rest) = document
        .split_once(&begin)
        .with_context(|| format!("no marker {begin}"))?;
    let (_, after) = rest
        .split_once(&end)
        .with_context(|| format!("no marker {end}"))?;
    Ok(format!("{before}{begin}{report}\n{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_stands_between_its_markers_and_nothing_else_changes() {
        let document = "a\n<!-- feed -->\nold\n<!-- /feed -->\nb\n<!-- kafka -->\n<!-- /kafka -->\n";
        let after = insert(document, Transport::Feed, "new").unwrap();
        assert_eq!(
            after,
            "a\n<!-- feed -->\nnew\n<!-- /feed -->\nb\n<!-- kafka -->\n<!-- /kafka -->\n"
        );
        assert!(insert(document, Transport::Rabbitmq, "new").is_err());
    }
}
