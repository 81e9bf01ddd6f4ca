//! `vestibule up`: both services on this machine, from nothing.

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

use crate::datadir::{DataDir, Endpoints, Ports, Variable};
use crate::failure::{Code, Failure};
use crate::logs::{Color, LogFormat, Renderer, Style};
use crate::supervisor::ports::{self, Port};
use crate::supervisor::{Patience, Printer, Service, Stop, Supervisor, stop_on_signals};

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
    /// How to print what the services log
    #[arg(long, value_enum, default_value_t)]
    log_format: LogFormat,
    /// When to colour
    #[arg(long, value_enum, default_value_t)]
    color: Color,
}

impl Up {
    /// Runs until it is told to end.
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let started = Instant::now();
        // Databases and logs of the services too: nobody else on the machine has business with them.
        rustix::process::umask(Mode::RWXG | Mode::RWXO);
        let data = DataDir::create(&self.data)?;
        let lock = data.lock()?;
        let chosen = self.ports();
        let env = |name: &str| std::env::var(name).ok();
        let at = data.endpoints(chosen, &env)?;
        let overlay = data.overlay(&at, chosen, &env)?;
        ports::check(&listeners(&at), lock.after_a_crash).await?;
        let random: SharedRandom = Arc::new(SystemRandom::default());
        data.prepare(&at, &random)?;
        let services = services(&data, &at, &overlay)?;

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
                at,
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

async fn supervise(services: Vec<Service>, printer: &Printer, banner: Banner) -> Result<(), Failure> {
    let (stop, stopped) = watch::channel(Stop::No);
    let (link, links) = watch::channel(None);
    let (ready, readied) = mpsc::channel(services.len());
    let signals = stop_on_signals(stop, printer.clone())
        .map_err(|error| Failure::new(Code::Failed, format!("cannot listen for signals: {error}")))?;
    let supervisor = Supervisor {
        printer: printer.clone(),
        patience: Patience::default(),
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

fn listeners(at: &Endpoints) -> [Port; 4] {
    let port = |owner, option, address| Port {
        owner,
        option,
        address,
    };
    [
        port("auth", "--auth-port", at.auth.listen),
        port("users", "--users-port", at.users.listen),
        port(
            "auth's health and metrics",
            "--auth-management-port",
            at.auth.management,
        ),
        port(
            "users' health and metrics",
            "--users-management-port",
            at.users.management,
        ),
    ]
}

fn services(data: &DataDir, at: &Endpoints, overlay: &[Variable]) -> Result<Vec<Service>, Failure> {
    let program = std::env::current_exe().map_err(|error| {
        Failure::new(
            Code::Failed,
            format!("cannot find this program's own file: {error}"),
        )
    })?;
    let service = |name: &'static str, file: PathBuf, log_format: &str, management| {
        let mut env: Vec<(String, String)> = overlay
            .iter()
            .map(|variable| (variable.name.clone(), variable.value.clone()))
            .collect();
        env.push((log_format.to_owned(), "ecs".to_owned()));
        Service {
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
            at.auth.management,
        ),
        service(
            "users",
            data.users_file(),
            "VESTIBULE_USERS__LOG__FORMAT",
            at.users.management,
        ),
    ])
}
