//! The generated reference page `docs/reference/cli.md`: the help of every command.

use std::fmt::Write;
use std::path::Path;

use clap::{Command, CommandFactory};

use super::Cli;

#[test]
fn generated_reference_page_is_what_the_help_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference/cli.md");
    testkit::assert_generated(&path, &page());
}

fn page() -> String {
    let mut page = String::from(
        "# The `vestibule` tool\n\n\
         This page is what `--help` says, command by command. `make generate` writes it, and a test compares.\n",
    );
    let mut cli = Cli::command();
    cli.build();
    section(&mut page, &cli, 2);
    page
}

fn section(page: &mut String, command: &Command, depth: usize) {
    let name = command.get_bin_name().unwrap_or(command.get_name());
    let mut shown = command.clone().term_width(100).disable_colored_help(true);
    let help = shown.render_long_help().to_string();
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    let text = lines.join("\n");
    write!(page, "\n{} `{name}`\n\n```text\n{text}\n```\n", "#".repeat(depth)).expect("a string grows");
    for child in command.get_subcommands().filter(|child| !child.is_hide_set()) {
        section(page, child, depth + 1);
    }
}
