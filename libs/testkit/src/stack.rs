//! Both services as real processes on free ports, with databases of their own.

#![expect(clippy::expect_used, reason = "a test that cannot start must say why")]

mod configuration;
mod following;
mod replicas;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

use crate::db::{TestDb, postgres};
use crate::logs;
use crate::pooler::Pooler;
use crate::process::{Process, Program, program};
use crate::proxy::FaultProxy;
use crate::wait::within;
use configuration::{Ports, SecondPorts, write, write_secrets};
use replicas::Replicas;
pub use replicas::Service;

pub(crate) use configuration::OPERATOR;

/// A debug build on a busy machine is slow to its first answer.
const START: Duration = Duration::from_secs(60);

/// Server connections of a pooler for each database: fewer than its clients have, so that they share them.
const POOL: u16 = 4;

/// What the services keep their data in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// A file each.
    Sqlite,
    /// A database each on the server of `VESTIBULE_TEST_POSTGRES`.
    Postgres,
}

/// What carries the events between the services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// HTTP.
    Feed,
    /// The broker of `VESTIBULE_TEST_KAFKA`, or [`StackOptions::broker`].
    Kafka,
    /// The broker of `VESTIBULE_TEST_RABBITMQ`, or [`StackOptions::broker`].
    Rabbitmq,
}

/// How a stack differs from the usual one.
#[derive(Clone, Debug)]
pub struct StackOptions {
    /// What the services keep their data in.
    pub engine: Engine,
    /// What carries the events.
    pub transport: Transport,
    /// The address of a broker other than the shared one: `host:port` of Kafka, the URL of RabbitMQ.
    pub broker: Option<String>,
    /// Puts a [`FaultProxy`] between `auth` and `users`.
    pub users_behind_proxy: bool,
    /// Starts two replicas of each service at the same moment, on PostgreSQL, with a [`Balancer`](crate::Balancer)
    /// before each pair, to which [`Stack::auth_url`] and [`Stack::users_url`] lead.
    pub two_replicas: bool,
    /// With `two_replicas`: leaves the balancers out. The test puts a proxy of its own where [`Stack::auth_url`] and
    /// [`Stack::users_url`] lead.
    pub without_balancer: bool,
    /// On PostgreSQL: reaches the databases through a pooler in transaction mode, and no other way.
    pub pooled: bool,
    /// The folder of the programs `vestibule-auth` and `vestibule-users`, if not those that were built with the tests.
    pub programs: Option<PathBuf>,
    /// Variables of both services, such as `VESTIBULE_AUTH__TOKENS__ACCESS_SECONDS`.
    pub environment: Vec<(String, String)>,
}

impl Default for StackOptions {
    fn default() -> Self {
        Self {
            engine: Engine::Sqlite,
            transport: Transport::Feed,
            broker: None,
            users_behind_proxy: false,
            two_replicas: false,
            without_balancer: false,
            pooled: false,
            programs: None,
            environment: Vec::new(),
        }
    }
}

impl StackOptions {
    /// The usual stack on `engine`.
    pub fn on(engine: Engine) -> Self {
        Self {
            engine,
            ..Self::default()
        }
    }

    /// With a variable more.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// Running services. Dropping it kills them and removes their data; when the test is failing, it shows what they said.
#[derive(Debug)]
pub struct Stack {
    /// The process of `auth`.
    pub auth: Process,
    /// The process of `users`.
    pub users: Process,
    /// The line from `auth` to `users`, when [`StackOptions::users_behind_proxy`] asked for it.
    pub line: Option<FaultProxy>,
    second: Option<Replicas>,
    ports: Ports,
    operator_secret: String,
    pub(crate) http: reqwest::Client,
    databases: Option<[TestDb; 2]>,
    #[expect(dead_code, reason = "ends the program when dropped")]
    pooler: Option<Pooler>,
    /// Whether the lines are meant for machines, and written by these programs and not by older ones.
    check_logs: bool,
    folder: TempDir,
}

impl Stack {
    /// The usual stack: SQLite, no proxy.
    ///
    /// # Panics
    /// When it does not become ready.
    pub async fn start() -> Self {
        Self::with(StackOptions::default()).await
    }

    /// A stack that is ready.
    ///
    /// # Panics
    /// When it does not become ready.
    pub async fn with(options: StackOptions) -> Self {
        let stack = Self::spawn(options).await;
        stack.ready().await;
        stack
    }

    /// A stack that has just been started and may not be ready yet.
    ///
    /// # Panics
    /// When its files cannot be written or its programs cannot be started.
    pub async fn spawn(options: StackOptions) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let ports = Ports::choose(options.users_behind_proxy, options.two_replicas);
        let databases = match options.engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some([postgres(&[]).await, postgres(&[]).await]),
        };
        let pooler = match options.pooled {
            true => Some(Pooler::start(POOL).await),
            false => None,
        };
        let [auth_db, users_db] = match (&databases, &pooler) {
            (None, _) => ["sqlite:auth.db".to_owned(), "sqlite:users.db".to_owned()],
            (Some(made), None) => made.each_ref().map(|db| db.url().to_owned()),
            (Some(made), Some(pooler)) => made.each_ref().map(|db| pooler.url(db.url())),
        };
        let operator_secret = write_secrets(folder.path());
        let events = configuration::events_toml(&options);
        write(
            &folder.path().join("auth.toml"),
            &(ports.auth_toml(&auth_db) + &events),
        );
        write(
            &folder.path().join("users.toml"),
            &(ports.users_toml(&users_db) + &events),
        );
        let line = if options.users_behind_proxy {
            let target = SocketAddr::from((Ipv4Addr::LOCALHOST, ports.users));
            Some(FaultProxy::start(ports.users_public, target).await)
        } else {
            None
        };
        let service = |name: &'static str, path: &str, configuration: &str| Program {
            name,
            path: match &options.programs {
                Some(folder) => folder.join(path),
                None => program(path),
            },
            arguments: vec!["--config".into(), folder.path().join(configuration).into()],
            environment: options.environment.clone(),
            folder: folder.path().to_owned(),
            log: folder.path().join(format!("{name}.log")),
        };
        let (auth, users) = (
            service("auth", "vestibule-auth", "auth.toml"),
            service("users", "vestibule-users", "users.toml"),
        );
        let second = match options.two_replicas {
            true => {
                let mut second = Replicas::start(SecondPorts::choose(), auth.clone(), users.clone());
                if !options.without_balancer {
                    second.balance(ports).await;
                }
                Some(second)
            }
            false => None,
        };
        Self {
            auth: Process::start(auth),
            users: Process::start(users),
            line,
            second,
            ports,
            operator_secret,
            http: client(),
            databases,
            pooler,
            check_logs: options.programs.is_none()
                && !options
                    .environment
                    .iter()
                    .any(|(name, _)| name.ends_with("LOG__FORMAT")),
            folder,
        }
    }

    /// Waits until both services are ready, with all their replicas.
    ///
    /// # Panics
    /// When one is not within a minute.
    pub async fn ready(&self) {
        self.auth_ready().await;
        self.users_ready().await;
        if self.second.is_some() {
            self.replica_ready(Service::Auth, 1).await;
            self.replica_ready(Service::Users, 1).await;
        }
    }

    /// Waits until `auth` is ready.
    ///
    /// # Panics
    /// When it is not within a minute.
    pub async fn auth_ready(&self) {
        self.wait_ready("auth", self.ports.auth_management).await;
    }

    /// Waits until `users` is ready.
    ///
    /// # Panics
    /// When it is not within a minute.
    pub async fn users_ready(&self) {
        self.wait_ready("users", self.ports.users_management).await;
    }

    async fn wait_ready(&self, name: &str, management: u16) {
        let url = format!("http://127.0.0.1:{management}/health/ready");
        within(START, &format!("{name} is ready"), async || {
            let answer = self.http.get(&url).send().await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
    }

    /// The issuer with `path` after it.
    pub fn auth_url(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.ports.auth)
    }

    /// The user service with `path` after it; never through the proxy.
    pub fn users_url(&self, path: &str) -> String {
        let port = match self.second {
            Some(_) => self.ports.users_public,
            None => self.ports.users,
        };
        format!("http://localhost:{port}{path}")
    }

    /// The audience of the user service.
    pub fn users_audience(&self) -> String {
        format!("http://localhost:{}", self.ports.users_public)
    }

    /// The management listener of `auth` with `path` after it.
    pub fn auth_management_url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.ports.auth_management)
    }

    /// The management listener of `users` with `path` after it.
    pub fn users_management_url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.ports.users_management)
    }

    /// A client that follows no redirect and keeps no cookie.
    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// The secret of the operator's client.
    pub fn operator_secret(&self) -> &str {
        &self.operator_secret
    }

    /// Where configuration, logs and SQLite files are.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The URLs of the databases of `auth` and `users`.
    pub fn database_urls(&self) -> [String; 2] {
        match &self.databases {
            Some(made) => made.each_ref().map(|db| db.url().to_owned()),
            None => ["auth.db", "users.db"]
                .map(|file| format!("sqlite:{}", self.folder.path().join(file).display())),
        }
    }
}

/// Whatever the test was about, the lines that the services wrote are judged at its end.
impl Drop for Stack {
    fn drop(&mut self) {
        self.auth.kill();
        self.users.kill();
        if let Some(second) = &mut self.second {
            second.kill();
        }
        if self.check_logs && !std::thread::panicking() {
            logs::check_folder(self.folder.path());
        }
    }
}

fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(30))
        .build()
        .expect("an HTTP client")
}
