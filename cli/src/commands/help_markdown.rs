//! `vestibule help-markdown`: the help of every command as one page, `docs/reference/cli.md`.

use std::fmt::Write;

use clap::CommandFactory;

use super::Cli;
use crate::failure::Failure;
use crate::output;

/// Print the reference page of this tool
#[derive(Debug, clap::Args)]
#[command(
    hide = true,
    after_help = "Example:\n  vestibule help-markdown > docs/reference/cli.md"
)]
pub(crate) struct HelpMarkdown {}

impl HelpMarkdown {
    /// Prints it.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let Self {} = self;
        output::line(page().trim_end())
    }
}

/// The page.
pub(super) fn page() -> String {
    let mut page = String::from(
        "# The `vestibule` tool\n\n\
         This page is what `--help` says, command by command. `make generate` writes it, and a test compares.\n",
    );
    let mut cli = Cli::command().term_width(100);
    cli.build();
    section(&mut page, &cli, 1);
    page
}

fn section(page: &mut String, command: &clap::Command, depth: usize) {
    let mut shown = command.clone().term_width(100);
    let name = command.get_bin_name().unwrap_or(command.get_name());
    let help = shown.render_long_help().to_string();
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    // Writing to a String cannot fail.
    let _ = write!(
        page,
        "\n{} `{name}`\n\n```text\n{}\n```\n",
        "#".repeat(depth + 1),
        lines.join("\n")
    );
    for child in command.get_subcommands().filter(|child| !child.is_hide_set()) {
        section(page, child, depth + 1);
    }
}
