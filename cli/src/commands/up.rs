//! `vestibule up`: both services on this machine, from nothing.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chassis::random::{SharedRandom, SystemRandom};
use jiff::tz::TimeZone;
use rustix::fs::Mode;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::datadir::{DataDir, Endpoints, Ports};
use crate::failure::{Code, Failure};
use crate::logs::{Color, Level, LogFormat, Renderer, Style};
use crate::supervisor::ports::{self, Port};
use crate::supervisor::{Patience, Printer, Service, Stop, Supervisor, stop_on_signals};

/// How long a start may take before the reader is told what it waits for.
const SLOW: Duration = Duration::from_secs(10);

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
    /// Port for health and metrics of the authentication service [default: from auth.toml, else 9000]
    #[arg(long, value_name = "N")]
    auth_management_port: Option<u16>,
    /// Port for health and metrics of the user service [default: from users.toml, else 9001]
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
        let at = data.endpoints(chosen, &|name| std::env::var(name).ok())?;
        ports::check(&listeners(&at), lock.after_a_crash).await?;
        let random: SharedRandom = Arc::new(SystemRandom::default());
        data.prepare(&at, &random)?;
        let services = services(&data, &at, chosen)?;

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
        let released = lock.release();
        result?;
        Ok(released?)
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

fn services(data: &DataDir, at: &Endpoints, chosen: Ports) -> Result<Vec<Service>, Failure> {
    let program = std::env::current_exe().map_err(|error| {
        Failure::new(
            Code::Failed,
            format!("cannot find this program's own file: {error}"),
        )
    })?;
    let service = |name: &'static str, file: PathBuf, log_format, management| {
        let mut env = at.overlay(chosen);
        env.push((log_format, "ecs".to_owned()));
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

/// What is shown when everything is ready.
struct Banner {
    data: DataDir,
    at: Endpoints,
    style: Style,
    started: Instant,
}

impl Banner {
    async fn show(
        self,
        mut waiting: Vec<&'static str>,
        mut ready: mpsc::Receiver<&'static str>,
        mut links: watch::Receiver<Option<String>>,
        printer: Printer,
    ) {
        while !waiting.is_empty() {
            tokio::select! {
                name = ready.recv() => match name {
                    Some(name) => waiting.retain(|other| *other != name),
                    None => return,
                },
                () = sleep(SLOW) => {
                    let message = format!("still waiting for {} to be ready", waiting.join(" and "));
                    printer.notice(Level::Warn, message, &[]).await;
                }
            }
        }
        let elapsed = self.started.elapsed().as_millis();
        printer.block(self.text(elapsed)).await;
        if printer.format() == LogFormat::Ecs {
            let fields = [
                ("auth.url", self.at.auth.url.clone()),
                ("users.url", self.at.users.url.clone()),
            ];
            printer
                .notice(Level::Info, format!("ready in {elapsed} ms"), &fields)
                .await;
        }
        // The link comes through the log of `auth`, before or after this moment.
        loop {
            let link = links.borrow_and_update().clone();
            if let Some(link) = link {
                printer.block(self.link(&link)).await;
            }
            if links.changed().await.is_err() {
                return;
            }
        }
    }

    fn text(&self, elapsed: u128) -> String {
        let style = self.style;
        let row = |name: &str, value: String| format!("  {name:<22}{value}");
        let title = format!("Vestibule {} is ready", env!("CARGO_PKG_VERSION"));
        let health = format!(
            "{}  {}",
            self.at.auth.management_url(),
            self.at.users.management_url()
        );
        [
            String::new(),
            format!(
                "  {} {}",
                style.bold(title),
                style.dim(format_args!("({elapsed} ms)"))
            ),
            String::new(),
            row("Sign in, register", style.link(&self.at.auth.url)),
            row("User service", style.link(&self.at.users.url)),
            row("Health and metrics", style.dim(health)),
            row("Data and settings", style.dim(self.data.root().display())),
            row("Stop", style.dim("Ctrl-C")),
            String::new(),
        ]
        .join("\n")
    }

    fn link(&self, link: &str) -> String {
        let style = self.style;
        format!(
            "  {}\n  {}\n  {}\n",
            style.bold("Make the first administrator:"),
            style.link(crate::logs::printable(link)),
            style.dim("The link works once; whoever opens it administers this stack.")
        )
    }
}
