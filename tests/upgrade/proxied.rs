//! Two replicas of each service on PostgreSQL behind HAProxy, set up as `deploy/haproxy/haproxy.cfg` says.

use std::path::{Path, PathBuf};
use std::time::Duration;

use testkit::{Engine, Process, Program, Service, Stack, StackOptions, free_port, within};

/// Starts that of a debug build on a busy machine, and drains, fit in.
const PATIENCE: Duration = Duration::from_secs(60);

/// The stack and what stands before it.
pub(crate) struct Proxied {
    pub(crate) stack: Stack,
    #[expect(dead_code, reason = "passes requests on until dropped")]
    haproxy: Process,
    stats: u16,
}

impl Proxied {
    /// Both services twice, from the programs in `programs` or those built with the tests, all of them up.
    pub(crate) async fn start(programs: Option<PathBuf>) -> Self {
        let options = StackOptions {
            twice: true,
            without_balancer: true,
            programs,
            ..StackOptions::on(Engine::Postgres)
        };
        // What is there when nobody says otherwise.
        let options = options
            .with("VESTIBULE_AUTH__DRAIN_SECONDS", "5")
            .with("VESTIBULE_USERS__DRAIN_SECONDS", "5");
        let stack = Stack::spawn(options).await;
        let stats = free_port();
        let haproxy = Process::start(haproxy(&stack, stats));
        let proxied = Self {
            stack,
            haproxy,
            stats,
        };
        proxied.stack.ready().await;
        for service in [Service::Auth, Service::Users] {
            for number in [0, 1] {
                proxied.up(service, number).await;
            }
        }
        proxied
    }

    /// Stops one replica as an orchestrator does, makes it another program if there is one, and starts it again. Comes back
    /// when the proxy sends it requests.
    pub(crate) async fn restart(&mut self, service: Service, number: usize, program: Option<PathBuf>) {
        let replica = self.stack.replica(service, number);
        let status = replica.terminate().await;
        assert!(
            status.success(),
            "{service:?} {number}: {status}\n{}",
            replica.log()
        );
        if let Some(program) = program {
            replica.turn_into(program);
        }
        replica.start_again();
        self.stack.replica_ready(service, number).await;
        self.up(service, number).await;
    }

    async fn up(&self, service: Service, number: usize) {
        let backend = match service {
            Service::Auth => "auth",
            Service::Users => "users",
        };
        let server = ["one", "two"][number];
        let url = format!("http://127.0.0.1:{}/;csv", self.stats);
        within(
            PATIENCE,
            &format!("HAProxy finds {backend} {server} up"),
            async || {
                let answer = self.stack.http().get(&url).send().await.ok()?;
                let text = answer.text().await.ok()?;
                let row = text
                    .lines()
                    .find(|line| line.starts_with(&format!("{backend},{server},")))?
                    .to_owned();
                // `status` is the 18th column.
                (row.split(',').nth(17)? == "UP").then_some(())
            },
        )
        .await;
    }
}

fn haproxy(stack: &Stack, stats: u16) -> Program {
    let program = ["/usr/sbin/haproxy", "/usr/local/sbin/haproxy", "/usr/bin/haproxy"]
        .into_iter()
        .find(|path| Path::new(path).exists())
        .expect("HAProxy is not installed: run `make setup`");
    let port = |url: String| url::Url::parse(&url).unwrap().port().unwrap();
    let mut environment = vec![
        ("STATS_LISTEN".to_owned(), format!("127.0.0.1:{stats}")),
        (
            "AUTH_LISTEN".to_owned(),
            format!("127.0.0.1:{}", port(stack.auth_url(""))),
        ),
        (
            "USERS_LISTEN".to_owned(),
            format!("127.0.0.1:{}", port(stack.users_url(""))),
        ),
    ];
    for (name, service) in [("AUTH", Service::Auth), ("USERS", Service::Users)] {
        for (number, which) in ["ONE", "TWO"].into_iter().enumerate() {
            let at = port(stack.replica_url(service, number, ""));
            environment.push((format!("{name}_{which}"), format!("127.0.0.1:{at}")));
            let management = stack.management_port(service, number);
            environment.push((format!("{name}_{which}_MANAGEMENT"), management.to_string()));
        }
    }
    let configuration = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/haproxy/haproxy.cfg");
    Program {
        name: "haproxy",
        path: program.into(),
        arguments: vec!["-db".into(), "-f".into(), configuration.into()],
        environment,
        folder: stack.folder().to_owned(),
        log: stack.folder().join("haproxy.log"),
    }
}
