//! Tests of the command line: consistency, help and exit codes.

use clap::{Command, CommandFactory};

use super::*;

fn leaves(command: &Command, into: &mut Vec<Command>) {
    let mut children = command.get_subcommands().peekable();
    if children.peek().is_none() {
        into.push(command.clone());
    }
    for child in children {
        leaves(child, into);
    }
}

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_has_help_with_an_example() {
    let mut cli = Cli::command();
    cli.build();
    let mut commands = Vec::new();
    leaves(&cli, &mut commands);
    assert!(commands.len() > 15, "{}", commands.len());
    for mut command in commands {
        let help = command.render_long_help().to_string();
        assert!(help.contains("Example"), "{help}");
        assert!(
            help.contains("\n  vestibule ") || help.contains("| vestibule "),
            "{help}"
        );
        assert!(command.get_about().is_some(), "{help}");
    }
}

#[test]
fn every_exit_code_is_documented() {
    let help = Cli::command().render_long_help().to_string();
    for code in [
        ErrorCode::Failed,
        ErrorCode::Usage,
        ErrorCode::NotFound,
        ErrorCode::Conflict,
        ErrorCode::Unreachable,
        ErrorCode::Denied,
    ] {
        assert!(
            help.contains(&format!("\n  {}  ", code as u8)),
            "{code:?}: {help}"
        );
    }
}
