//! What `vestibule up` shows when everything is ready.

use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

use crate::datadir::{DataDir, Endpoints};
use crate::logs::{Level, LogFormat, Style, printable};
use crate::supervisor::Printer;

/// How long a start may take before the reader is told what it waits for.
const SLOW: Duration = Duration::from_secs(10);

/// Addresses, the set-up link, and how long the start took.
pub(super) struct Banner {
    pub(super) data: DataDir,
    pub(super) at: Endpoints,
    pub(super) style: Style,
    pub(super) started: Instant,
}

impl Banner {
    /// Waits for the services in `waiting`, then shows it, and the set-up link when there is one.
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
            style.link(printable(link)),
            style.dim("The link works once; whoever opens it administers this stack.")
        )
    }
}
