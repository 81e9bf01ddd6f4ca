//! A stack of two replicas of each service on PostgreSQL behind HAProxy with `deploy/haproxy/haproxy.cfg`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use testkit::{Engine, Process, Program, Release, Service, Stack, StackOptions, free_port, within};

/// Starts that of a debug build on a busy machine, and drains, fit in.
pub(crate) const READY_TIMEOUT: Duration = Duration::from_secs(60);

/// The release that a replica is after a restart.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NextRelease {
    /// The one that it is.
    Same,
    /// The one that was built with the tests.
    Current,
    /// [`ProxiedOptions::release`].
    Old,
}

/// The options of the stack.
#[derive(Default)]
pub(crate) struct ProxiedOptions {
    /// The release to begin with, in place of the programs that were built with the tests.
    pub(crate) release: Option<Release>,
    /// Seconds for which a replica that stops serves on.
    pub(crate) drain: Option<u32>,
    /// A request that fails at one replica is not tried at the other.
    pub(crate) without_retries: bool,
}

/// The stack and what stands before it.
pub(crate) struct Proxied {
    pub(crate) stack: Stack,
    #[expect(dead_code, reason = "passes requests on until dropped")]
    haproxy: Process,
    stats: u16,
}

impl Proxied {
    /// Both services twice, all of them up.
    pub(crate) async fn start(differently: ProxiedOptions) -> Self {
        let ProxiedOptions {
            release,
            drain,
            without_retries,
        } = differently;
        let options = StackOptions {
            two_replicas: true,
            without_balancer: true,
            release,
            ..StackOptions::on(Engine::Postgres)
        };
        // What is there when nobody says otherwise.
        let drain = drain.unwrap_or(5).to_string();
        let options = options
            // What was given out before the restarts is used after them.
            .with("VESTIBULE_AUTH__TOKENS__ACCESS_SECONDS", "3600")
            .with("VESTIBULE_AUTH__DRAIN_SECONDS", &drain)
            .with("VESTIBULE_USERS__DRAIN_SECONDS", &drain);
        let stack = Stack::spawn(options).await;
        let stats = free_port();
        let configuration = stack.folder().join("haproxy.cfg");
        let mut text = shipped_configuration();
        if without_retries {
            text = disable_retries(&text);
        }
        fs::write(&configuration, text).unwrap();
        let environment = replica_addresses(&stack);
        let haproxy = Process::start(start_haproxy(stack.folder(), stats, configuration, environment));
        let proxied = Self {
            stack,
            haproxy,
            stats,
        };
        proxied.stack.ready().await;
        for service in [Service::Auth, Service::Users] {
            for number in [0, 1] {
                proxied.wait_until_up(service, number).await;
            }
        }
        proxied
    }

    /// Stops one replica as an orchestrator does, and starts it again. Comes back when the proxy sends it requests.
    pub(crate) async fn restart(&mut self, service: Service, number: usize, next: NextRelease) {
        let replica = self.stack.replica(service, number);
        let status = replica.terminate().await;
        assert!(
            status.success(),
            "{service:?} {number}: {status}\n{}",
            replica.log()
        );
        match next {
            NextRelease::Same => {}
            NextRelease::Current => self.stack.upgrade(service, number),
            NextRelease::Old => self.stack.downgrade(service, number),
        }
        self.stack.replica(service, number).start_again();
        self.stack.replica_ready(service, number).await;
        self.wait_until_up(service, number).await;
    }

    async fn wait_until_up(&self, service: Service, number: usize) {
        let backend = match service {
            Service::Auth => "auth",
            Service::Users => "users",
        };
        let server = ["one", "two"][number];
        within(
            READY_TIMEOUT,
            &format!("HAProxy finds {backend} {server} up"),
            async || {
                let said = server_statistics(&self.stack, self.stats, backend, server).await?;
                (said["status"] == "UP").then_some(())
            },
        )
        .await;
    }
}

/// The configuration as it is shipped.
pub(crate) fn shipped_configuration() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/haproxy/haproxy.cfg");
    fs::read_to_string(path).unwrap()
}

/// The configuration without retries: the client gets the refusal of a replica.
fn disable_retries(shipped: &str) -> String {
    let mut text = shipped.to_owned();
    for (line, instead) in [
        ("\n    retries 3\n", "\n    retries 0\n"),
        ("\n    retry-on conn-failure\n", "\n    retry-on none\n"),
        ("\n    option redispatch\n", "\n    no option redispatch\n"),
    ] {
        assert_eq!(text.matches(line).count(), 1, "{line:?} is in haproxy.cfg");
        text = text.replace(line, instead);
    }
    text
}

/// The statistics of a server in HAProxy, by the name of the column.
pub(crate) async fn server_statistics(
    stack: &Stack,
    stats: u16,
    backend: &str,
    server: &str,
) -> Option<BTreeMap<String, String>> {
    let url = format!("http://127.0.0.1:{stats}/;csv");
    let text = stack.http().get(url).send().await.ok()?.text().await.ok()?;
    let names = text.lines().next()?.trim_start_matches("# ").split(',');
    let row = text
        .lines()
        .find(|line| line.starts_with(&format!("{backend},{server},")))?;
    let pairs = names.zip(row.split(','));
    Some(
        pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
    )
}

pub(crate) fn port(url: &str) -> u16 {
    url::Url::parse(url).unwrap().port().unwrap()
}

/// The listen addresses of HAProxy and the addresses of the replicas.
fn replica_addresses(stack: &Stack) -> Vec<(String, String)> {
    let mut environment = Vec::new();
    for (name, service, url) in [
        ("AUTH", Service::Auth, stack.auth_url("")),
        ("USERS", Service::Users, stack.users_url("")),
    ] {
        environment.push((format!("{name}_LISTEN"), format!("127.0.0.1:{}", port(&url))));
        for (number, which) in ["ONE", "TWO"].into_iter().enumerate() {
            let at = port(&stack.replica_url(service, number, ""));
            environment.push((format!("{name}_{which}"), format!("127.0.0.1:{at}")));
            let management = stack.management_port(service, number);
            environment.push((format!("{name}_{which}_MANAGEMENT"), management.to_string()));
        }
    }
    environment
}

/// HAProxy in `folder`, with the addresses of `environment`.
pub(crate) fn start_haproxy(
    folder: &Path,
    stats: u16,
    configuration: PathBuf,
    mut environment: Vec<(String, String)>,
) -> Program {
    let program = ["/usr/sbin/haproxy", "/usr/local/sbin/haproxy", "/usr/bin/haproxy"]
        .into_iter()
        .find(|path| Path::new(path).exists())
        .expect("HAProxy is not installed: run `make setup`");
    environment.push(("STATS_LISTEN".to_owned(), format!("127.0.0.1:{stats}")));
    Program {
        name: "haproxy",
        path: program.into(),
        arguments: vec!["-db".into(), "-f".into(), configuration.into()],
        environment,
        folder: folder.to_owned(),
        log: folder.join("haproxy.log"),
    }
}
