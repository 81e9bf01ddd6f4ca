//! `vestibule serve`: runs one service in this process. `vestibule up` starts the services with it.

use std::io::{self, Read};
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};

use crate::error::CommandError;
use crate::output;
use crate::services::{self, EmbeddedServices, ServiceName};

/// The time that a service has to end after its supervisor died.
const ORPHAN_EXIT_TIMEOUT: Duration = Duration::from_secs(5);

/// Run one service in this process
#[derive(Debug, clap::Args)]
#[command(
    hide = true,
    after_help = "Example:\n  vestibule serve auth --config auth.toml"
)]
pub(crate) struct Serve {
    /// Service to run
    #[arg(value_enum)]
    service: ServiceName,
    /// Its configuration file; without it, everything comes from the environment
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// End when standard input closes, as it does when the supervisor is killed
    #[arg(long)]
    end_with_stdin: bool,
}

impl Serve {
    /// Runs until the service ends. The exit code is the service's own: 2 configuration, 3 database, 4 port.
    ///
    /// # Errors
    /// When this program has no services in it.
    pub(crate) fn run(self, services: Option<EmbeddedServices>) -> Result<ExitCode, CommandError> {
        let services = services.ok_or_else(services::not_included)?;
        if self.end_with_stdin {
            thread::spawn(end_with_stdin);
        }
        match services.run(self.service, self.config) {
            Ok(()) => Ok(ExitCode::SUCCESS),
            Err(error) => {
                output::print_remark(&error.message);
                Ok(ExitCode::from(error.exit_code))
            }
        }
    }
}

/// Waits for the end of standard input, then sends SIGTERM to this process, and exits if that takes too long.
fn end_with_stdin() {
    let mut nothing = [0; 64];
    loop {
        match io::stdin().read(&mut nothing) {
            Ok(1..) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => break,
        }
    }
    // There is always this process to signal.
    let _ = kill_process(getpid(), Signal::TERM);
    thread::sleep(ORPHAN_EXIT_TIMEOUT);
    std::process::exit(1);
}
