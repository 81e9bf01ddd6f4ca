//! `vestibule up`: runs both services on this machine, from an empty directory on.

mod banner;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use chassis::random::{SharedRandom, SystemRandom};
use jiff::tz::TimeZone;
use rustix::fs::Mode;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use banner::Banner;

use crate::datadir::{DataDir, EnvVariable, Ports, StackAddresses};
use crate::error::{CommandError, ErrorCode};
use crate::logs::{Color, LogFormat, Renderer, Style};
use crate::supervisor::ports::{self, ListenPort};
use crate::supervisor::{Printer, RestartPolicy, ServiceCommand, StopRequest, Supervisor, stop_on_signals};

/// Start both services on this machine, with everything they need under one directory
///
/// The first start makes the directory, the services' configuration and secrets, and prints a link that makes the
/// first administrator. Each service is a process of its own and is started again when it dies. Ctrl-C ends both once
/// they have finished what they are doing; a second Ctrl-C ends them at once.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  vestibule up
  vestibule up --data /var/lib/vestibule --auth-port 8100 --users-port 8101
  vestibule up --log-format ecs | jq .message")]
pub(crate) struct Up {
    /// Directory for configuration, secrets and databases; made if it is missing
    #[arg(
        long,
        value_name = "DIR",
        default_value = ".vestibule",
        env = "VESTIBULE_DATA",
        hide_env_values = true
    )]
    data: PathBuf,
    /// Port of the authentication service [default: from auth.toml, else 8000; 0: any that is free]
    #[arg(long, value_name = "N")]
    auth_port: Option<u16>,
    /// Port of the user service [default: from users.toml, else 8001; 0: any that is free]
    #[arg(long, value_name = "N")]
    users_port: Option<u16>,
    /// Port for health and metrics of the authentication service [default: from auth.toml, else 9000; any that is free
    /// if that one is taken and --auth-port or --users-port is given]
    #[arg(long, value_name = "N")]
    auth_management_port: Option<u16>,
    /// Port for health and metrics of the user service [default: from users.toml, else 9001; any that is free if that
    /// one is taken and --auth-port or --users-port is given]
    #[arg(long, value_name = "N")]
    users_management_port: Option<u16>,
    /// Format of the services' log
    #[arg(long, value_enum, default_value_t)]
    log_format: LogFormat,
    /// Use of colour
    #[arg(long, value_enum, default_value_t)]
    color: Color,
}

impl Up {
    /// Runs until a stop is requested.
    pub(crate) async fn run(self) -> Result<(), CommandError> {
        let started = Instant::now();
        // It applies to databases and logs of the services too: other users of the machine must not read them.
        rustix::process::umask(Mode::RWXG | Mode::RWXO);
        let data = DataDir::create(&self.data)?;
        let lock = data.lock()?;
        let chosen = self.ports();
        let env = |name: &str| std::env::var(name).ok();
        let addresses = data.addresses(chosen, &env)?;
        let overlay = data.overlay(&addresses, chosen, &env)?;
        ports::ensure_free(&listen_ports(&addresses), lock.after_a_crash).await?;
        let random: SharedRandom = Arc::new(SystemRandom::default());
        data.prepare(&addresses, &random)?;
        let services = service_commands(&data, &addresses, &overlay)?;

        let style = Style::choose(self.color, &io::stdout());
        let renderer = Renderer {
            style,
            zone: TimeZone::system(),
        };
        let (printer, thread) = Printer::start(self.log_format, renderer, io::stdout());
        let result = supervise(
            services,
            &printer,
            Banner {
                data,
                addresses,
                style,
                started,
            },
        )
        .await;
        drop(printer);
        thread.join();
        drop(lock);
        result
    }

    fn ports(&self) -> Ports {
        Ports {
            auth: self.auth_port,
            users: self.users_port,
            auth_management: self.auth_management_port,
            users_management: self.users_management_port,
        }
    }
}

async fn supervise(
    services: Vec<ServiceCommand>,
    printer: &Printer,
    banner: Banner,
) -> Result<(), CommandError> {
    let (stop, stopped) = watch::channel(StopRequest::None);
    let (link, links) = watch::channel(None);
    let (ready, readied) = mpsc::channel(services.len());
    let signals = stop_on_signals(stop, printer.clone()).map_err(|error| {
        CommandError::new(ErrorCode::Failed, format!("cannot listen for signals: {error}"))
    })?;
    let supervisor = Supervisor {
        printer: printer.clone(),
        policy: RestartPolicy::default(),
        stop: stopped,
        link,
        ready,
    };
    let names = services.iter().map(|service| service.name).collect();
    let mut beside = JoinSet::new();
    beside.spawn(signals);
    beside.spawn(banner.show(names, readied, links, printer.clone()));
    let result = supervisor.run(services).await;
    beside.shutdown().await;
    result
}

fn listen_ports(addresses: &StackAddresses) -> [ListenPort; 4] {
    let port = |owner, option, address| ListenPort {
        owner,
        option,
        address,
    };
    [
        port("auth", "--auth-port", addresses.auth.listen),
        port("users", "--users-port", addresses.users.listen),
        port(
            "auth's health and metrics",
            "--auth-management-port",
            addresses.auth.management,
        ),
        port(
            "users' health and metrics",
            "--users-management-port",
            addresses.users.management,
        ),
    ]
}

fn service_commands(
    data: &DataDir,
    addresses: &StackAddresses,
    overlay: &[EnvVariable],
) -> Result<Vec<ServiceCommand>, CommandError> {
    let program = std::env::current_exe().map_err(|error| {
        CommandError::new(
            ErrorCode::Failed,
            format!("cannot find this program's own file: {error}"),
        )
    })?;
    let service = |name: &'static str, file: PathBuf, log_format: &str, management| {
        let mut env: Vec<(String, String)> = overlay
            .iter()
            .map(|variable| (variable.name.clone(), variable.value.clone()))
            .collect();
        env.push((log_format.to_owned(), "ecs".to_owned()));
        ServiceCommand {
            name,
            program: program.clone(),
            args: vec![
                "serve".into(),
                name.into(),
                "--config".into(),
                file.into(),
                "--end-with-stdin".into(),
            ],
            env,
            folder: data.root().to_owned(),
            management,
        }
    };
    Ok(vec![
        service(
            "auth",
            data.auth_file(),
            "VESTIBULE_AUTH__LOG__FORMAT",
            addresses.auth.management,
        ),
        service(
            "users",
            data.users_file(),
            "VESTIBULE_USERS__LOG__FORMAT",
            addresses.users.management,
        ),
    ])
}
