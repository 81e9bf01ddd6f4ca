//! `vestibule serve`: one service in this process, as `vestibule up` starts it.

use std::io::{self, Read};
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};

use crate::failure::{Code, Failure, chain};
use crate::output;

/// How long an orphan may take to end before it is cut off.
const ORPHAN: Duration = Duration::from_secs(5);

/// Run one service in this process
#[derive(Debug, clap::Args)]
#[command(
    hide = true,
    after_help = "Example:\n  vestibule serve auth --config auth.toml"
)]
pub(crate) struct Serve {
    /// Which
    #[arg(value_enum)]
    service: ServiceName,
    /// Its configuration file; without it, everything comes from the environment
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// End when standard input closes, as it does when the supervisor is killed
    #[arg(long)]
    end_with_stdin: bool,
}

/// The services that this program holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ServiceName {
    Auth,
    Users,
}

impl ServiceName {
    /// `auth` or `users`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Users => "users",
        }
    }
}

impl Serve {
    /// Runs until the service ends. The exit code is the service's own: 2 configuration, 3 database, 4 port.
    ///
    /// # Errors
    /// When the runtime cannot be started.
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        if self.end_with_stdin {
            thread::spawn(end_with_stdin);
        }
        let runtime = tokio::runtime::Runtime::new()
            .map_err(|error| Failure::new(Code::Failed, format!("cannot start the runtime: {error}")))?;
        let ended = match self.service {
            ServiceName::Auth => runtime
                .block_on(auth::run(self.config))
                .map_err(|error| (chain(&error), error.exit_code())),
            ServiceName::Users => runtime
                .block_on(users::run(self.config))
                .map_err(|error| (chain(&error), error.exit_code())),
        };
        match ended {
            Ok(()) => Ok(ExitCode::SUCCESS),
            Err((message, code)) => {
                output::remark(message);
                Ok(ExitCode::from(code))
            }
        }
    }
}

/// Waits for the end of standard input, then asks this process to end as SIGTERM does, then makes it.
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
    thread::sleep(ORPHAN);
    std::process::exit(1);
}
