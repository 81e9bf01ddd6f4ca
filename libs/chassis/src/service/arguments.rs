//! The command line that the services share.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// The folder of the default configuration files.
const FOLDER: &str = "/etc/vestibule";

/// The command line of a service.
#[derive(Clone, Debug, Args)]
pub struct Arguments {
    /// The configuration file; without it, /etc/vestibule/SERVICE.toml if it is there. Environment variables
    /// (`VESTIBULE_SERVICE__TABLE__KEY`) are stronger, and can be all there is.
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// The command; without it, the service runs until it is told to stop.
    #[command(subcommand)]
    pub command: Option<Command>,
}

impl Arguments {
    /// The configuration file of `service` (`auth`, `users`): the one from the command line, else the default one if it
    /// exists.
    pub fn config(&self, service: &str) -> Option<PathBuf> {
        self.config.clone().or_else(|| {
            let usual = PathBuf::from(format!("{FOLDER}/{service}.toml"));
            usual.exists().then_some(usual)
        })
    }
}

/// A command of a service, other than to serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Ask the running service whether it is ready. Ends with 0 when it is, else with 1, and says what is missing.
    ///
    /// It asks the management port that the configuration names, on this machine, for two seconds at most. Made for
    /// health checks of containers, whose images have no other program.
    Health,
    /// Bring the schema of the database up to date, and end.
    ///
    /// For services whose own role may not change tables (`database.migrate = false`), which wait for it: run it as the role
    /// that owns the tables.
    Migrate,
}
