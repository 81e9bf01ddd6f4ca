//! The banner of `vestibule up`, which it prints when both services are ready.

use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use crate::datadir::{DataDir, StackAddresses};
use crate::logs::{LogFormat, LogLevel, Style, printable};
use crate::supervisor::Printer;

/// The time after which a warning names the services that are not ready.
const SLOW: Duration = Duration::from_secs(10);

/// The banner: addresses, the set-up link and the duration of the start.
pub(super) struct Banner {
    pub(super) data: DataDir,
    pub(super) addresses: StackAddresses,
    pub(super) style: Style,
    pub(super) started: Instant,
}

impl Banner {
    /// Waits for the services in `waiting`, then prints the banner, and the set-up link when there is one.
    pub(super) async fn show(
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
                    printer.log_notice(LogLevel::Warn, message, &[]).await;
                }
            }
        }
        let elapsed = self.started.elapsed().as_millis();
        printer.print_block(self.text(elapsed)).await;
        if printer.format() == LogFormat::Ecs {
            let fields = [
                ("auth.url", self.addresses.auth.url.clone()),
                ("users.url", self.addresses.users.url.clone()),
            ];
            printer
                .log_notice(LogLevel::Info, format!("ready in {elapsed} ms"), &fields)
                .await;
        }
        // The link comes through the log of `auth`, before or after this moment.
        loop {
            let link = links.borrow_and_update().clone();
            if let Some(link) = link {
                printer.print_block(self.link(&link)).await;
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
            self.addresses.auth.management_url(),
            self.addresses.users.management_url()
        );
        [
            String::new(),
            format!(
                "  {} {}",
                style.bold(title),
                style.dim(format_args!("({elapsed} ms)"))
            ),
            String::new(),
            row("Sign in, register", style.link(&self.addresses.auth.url)),
            row("User service", style.link(&self.addresses.users.url)),
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
            style.link(printable(link)),
            style.dim("The link works once. The person who opens it administers this stack.")
        )
    }
}
