//! The commands. Each has a file with its options, its help and its implementation.

mod apply;
mod backup;
mod breach_list;
#[cfg(test)]
mod chart;
mod client;
mod config;
mod delegation;
mod doctor;
mod events;
mod keys;
mod protected_host;
mod provisioning;
mod provisioning_client;
#[cfg(test)]
mod reference;
mod restore;
mod serve;
mod smoke;
#[cfg(test)]
mod tests;
mod up;
mod user;
mod webhook;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::error::{CommandError, ErrorCode};
use crate::services::{self, EmbeddedServices};

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  failed
  2  wrong use: the command line or a configuration file
  3  not found
  4  conflict: a name, a port or a data directory is taken
  5  a service cannot be reached
  6  denied
  7  the dry run of apply found something to change

Examples:
  vestibule up
  vestibule user add ann --email ann@example.org --admin
  vestibule doctor";

/// Vestibule lets people in and knows who they are: it starts the services, and administers them.
#[derive(Debug, Parser)]
#[command(name = "vestibule", version, after_help = EXIT_CODES, max_term_width = 100, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The command to run.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Up(up::Up),
    #[command(subcommand)]
    User(user::User),
    #[command(subcommand)]
    Client(client::Client),
    #[command(subcommand)]
    ProvisioningClient(provisioning_client::ProvisioningClient),
    #[command(subcommand)]
    ProtectedHost(protected_host::ProtectedHost),
    Apply(apply::Apply),
    #[command(subcommand)]
    Delegation(delegation::Delegation),
    #[command(subcommand)]
    Keys(keys::Keys),
    #[command(subcommand)]
    Events(events::Events),
    #[command(subcommand)]
    Webhook(webhook::Webhook),
    #[command(subcommand)]
    Provisioning(provisioning::Provisioning),
    Backup(backup::Backup),
    Restore(restore::Restore),
    #[command(subcommand)]
    BreachList(breach_list::BreachList),
    #[command(subcommand)]
    Config(config::Config),
    Doctor(doctor::Doctor),
    Smoke(smoke::Smoke),
    Serve(serve::Serve),
}

/// Parses the command line. It ends the process on an error and for help. The help lists `up` only in the program that
/// contains the services.
pub(crate) fn parse(with_services: bool) -> Command {
    let mut command = Cli::command();
    if !with_services {
        command = command
            .about("Administers the services of Vestibule, which let people in and know who they are")
            .mut_subcommand("up", |up| up.hide(true))
            .after_help(EXIT_CODES.replace("  vestibule up\n", ""));
    }
    let matches = without_empty_environment(command).get_matches();
    match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli.command,
        Err(error) => error.exit(),
    }
}

/// Treats an empty environment variable as not set: Compose and systemd units set a variable without a value this way.
fn without_empty_environment(command: clap::Command) -> clap::Command {
    command
        .mut_args(|arg| {
            let value = arg.get_env().and_then(std::env::var_os);
            match value.is_some_and(|value| value.is_empty()) {
                true => arg.env(None::<&'static str>),
                false => arg,
            }
        })
        .mut_subcommands(without_empty_environment)
}

/// Runs a command.
pub(crate) fn run(command: Command, services: Option<EmbeddedServices>) -> Result<ExitCode, CommandError> {
    match command {
        Command::Serve(serve) => return serve.run(services),
        Command::Apply(apply) => return block_on(apply.run()),
        Command::Up(_) if services.is_none() => Err(services::not_included()),
        Command::Up(up) => block_on(up.run()),
        Command::User(user) => block_on(user.run()),
        Command::Client(client) => block_on(client.run()),
        Command::ProvisioningClient(client) => block_on(client.run()),
        Command::ProtectedHost(host) => block_on(host.run()),
        Command::Delegation(delegation) => block_on(delegation.run()),
        Command::Keys(keys) => block_on(keys.run()),
        Command::Events(events) => block_on(events.run()),
        Command::Webhook(webhook) => block_on(webhook.run()),
        Command::Provisioning(provisioning) => block_on(provisioning.run()),
        Command::Backup(backup) => block_on(backup.run()),
        Command::Restore(restore) => block_on(restore.run()),
        Command::BreachList(list) => list.run(),
        Command::Config(config) => config.run(),
        Command::Doctor(doctor) => block_on(doctor.run()),
        Command::Smoke(smoke) => block_on(smoke.run()),
    }?;
    Ok(ExitCode::SUCCESS)
}

/// Runs a command on one thread. That is enough, because the services have their own processes.
fn block_on<T>(command: impl Future<Output = Result<T, CommandError>>) -> Result<T, CommandError> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CommandError::new(ErrorCode::Failed, format!("cannot start the runtime: {error}")))?
        .block_on(command)
}
