//! A stack: both services as real processes on free ports, with databases of their own.

#![expect(clippy::expect_used, reason = "a test that cannot start must say why")]

mod configuration;
mod following;
mod options;
mod replicas;
mod templates;

use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use crate::db::{TestDb, postgres};
use crate::logs;
use crate::pooler::Pooler;
use crate::process::{Process, Program, program};
use crate::proxy::FaultProxy;
use crate::wait::within;
use configuration::{Ports, SecondPorts, write, write_secrets};
pub use options::{Engine, Release, StackOptions, StackTls, Transport};
use replicas::Replicas;
pub use replicas::Service;

pub(crate) use configuration::OPERATOR;

/// The timeout of the startup: a debug build on a busy machine starts slowly.
const START: Duration = Duration::from_secs(60);

/// The names of the programs.
const AUTH_PROGRAM: &str = "vestibule-auth";
const USERS_PROGRAM: &str = "vestibule-users";

/// The names of the configuration files in the folder of the stack.
const AUTH_TOML: &str = "auth.toml";
const USERS_TOML: &str = "users.toml";

/// The names of the SQLite files in the folder of the stack.
const AUTH_FILE: &str = "auth.db";
const USERS_FILE: &str = "users.db";

/// The prefix of the names of another release's configuration files.
const RELEASE_PREFIX: &str = "release-";

/// The server connections of the pooler per database: fewer than its clients have, so that they share them.
const POOL: u16 = 4;

/// Running services. Dropping it kills them and removes their data; if the test fails, it shows their last log lines.
#[derive(Debug)]
pub struct Stack {
    /// The process of `auth`.
    pub auth: Process,
    /// The process of `users`.
    pub users: Process,
    /// The proxy between `auth` and `users`, with [`StackOptions::users_behind_proxy`].
    pub line: Option<FaultProxy>,
    second: Option<Replicas>,
    ports: Ports,
    operator_secret: String,
    pub(crate) http: reqwest::Client,
    databases: Option<[TestDb; 2]>,
    #[expect(dead_code, reason = "ends the program when dropped")]
    pooler: Option<Pooler>,
    /// True if the logs are to be checked: they are in ECS format, and not those of an older release.
    check_logs: bool,
    /// The release that it began with, when that is another one.
    release: Option<Release>,
    #[expect(dead_code, reason = "removes the certificates when dropped")]
    tls: Option<StackTls>,
    folder: TempDir,
}

impl Stack {
    /// Starts the default stack (SQLite, no proxy) and waits until it is ready.
    ///
    /// # Panics
    /// It does not become ready.
    pub async fn start() -> Self {
        Self::with(StackOptions::default()).await
    }

    /// Starts a stack and waits until it is ready.
    ///
    /// # Panics
    /// It does not become ready.
    pub async fn with(options: StackOptions) -> Self {
        let stack = Self::spawn(options).await;
        stack.ready().await;
        stack
    }

    /// Starts a stack without waiting until it is ready.
    ///
    /// # Panics
    /// Its files cannot be written or its programs cannot be started.
    pub async fn spawn(mut options: StackOptions) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let ports = Ports::choose(&options);
        if let Some(tls) = &options.tls {
            options.environment.extend(tls.environment());
        }
        let databases = databases(&options, folder.path()).await;
        let pooler = match options.pooled {
            true => Some(Pooler::start(POOL).await),
            false => None,
        };
        let [auth_db, users_db] = match (&databases, &pooler) {
            (None, _) => [AUTH_FILE, USERS_FILE].map(|file| format!("sqlite:{file}")),
            (Some(made), None) => made.each_ref().map(|db| db.url().to_owned()),
            (Some(made), Some(pooler)) => made.each_ref().map(|db| pooler.url(db.url())),
        };
        let operator_secret = write_secrets(folder.path());
        let events = configuration::events_toml(&options);
        for (name, text) in [
            (
                AUTH_TOML,
                ports.auth_toml(&auth_db) + &events + &options.auth_toml,
            ),
            (
                USERS_TOML,
                ports.users_toml(&users_db) + &events + &options.users_toml,
            ),
        ] {
            write(&folder.path().join(name), &text);
            if let Some(release) = &options.release {
                let text = (release.configuration)(&text);
                write(&folder.path().join(format!("{RELEASE_PREFIX}{name}")), &text);
            }
        }
        let line = if options.users_behind_proxy {
            let target = SocketAddr::from((Ipv4Addr::LOCALHOST, ports.users));
            Some(FaultProxy::start(ports.users_public, target).await)
        } else {
            None
        };
        let service = |name: &'static str, path: &str, configuration: &str| Program {
            name,
            path: match &options.release {
                Some(release) => release.programs.join(path),
                None => program(path),
            },
            arguments: configuration_arguments(&match options.release {
                Some(_) => folder.path().join(format!("{RELEASE_PREFIX}{configuration}")),
                None => folder.path().join(configuration),
            }),
            environment: options.environment.clone(),
            folder: folder.path().to_owned(),
            log: folder.path().join(format!("{name}.log")),
        };
        let (auth, users) = (
            service("auth", AUTH_PROGRAM, AUTH_TOML),
            service("users", USERS_PROGRAM, USERS_TOML),
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
            http: client(options.tls.as_ref()),
            databases,
            pooler,
            check_logs: options.release.is_none()
                && !options
                    .environment
                    .iter()
                    .any(|(name, _)| name.ends_with("LOG__FORMAT")),
            release: options.release,
            tls: options.tls,
            folder,
        }
    }

    /// Makes a replica one of this version, with the configuration of this version, at its next start.
    ///
    /// # Panics
    /// There is no such replica.
    pub fn upgrade(&mut self, service: Service, number: usize) {
        let (path, configuration) = service_files(service);
        let arguments = configuration_arguments(&self.folder.path().join(configuration));
        self.replica(service, number).replace(program(path), arguments);
    }

    /// Makes a replica one of the release of [`StackOptions::release`], with its configuration, at its next start.
    ///
    /// # Panics
    /// There is no such replica, or the stack did not begin with another release.
    pub fn downgrade(&mut self, service: Service, number: usize) {
        let (path, configuration) = service_files(service);
        let release = self
            .release
            .as_ref()
            .expect("the stack began with another release");
        let path = release.programs.join(path);
        let configuration = self
            .folder
            .path()
            .join(format!("{RELEASE_PREFIX}{configuration}"));
        let arguments = configuration_arguments(&configuration);
        self.replica(service, number).replace(path, arguments);
    }

    /// Waits until all replicas of both services are ready.
    ///
    /// # Panics
    /// One is not ready within a minute.
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
    /// It is not ready within a minute.
    pub async fn auth_ready(&self) {
        self.wait_ready("auth", self.ports.auth_management).await;
    }

    /// Waits until `users` is ready.
    ///
    /// # Panics
    /// It is not ready within a minute.
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

    /// The URL of `path` at the issuer.
    pub fn auth_url(&self, path: &str) -> String {
        format!("{}://localhost:{}{path}", self.ports.scheme, self.ports.auth)
    }

    /// The URL of `path` at the user service, never through the proxy.
    pub fn users_url(&self, path: &str) -> String {
        let port = match self.second {
            Some(_) => self.ports.users_public,
            None => self.ports.users,
        };
        format!("{}://localhost:{port}{path}", self.ports.scheme)
    }

    /// The audience of the user service.
    pub fn users_audience(&self) -> String {
        format!("{}://localhost:{}", self.ports.scheme, self.ports.users_public)
    }

    /// The URL of `path` at the management port of `auth`.
    pub fn auth_management_url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.ports.auth_management)
    }

    /// The URL of `path` at the management port of `users`.
    pub fn users_management_url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.ports.users_management)
    }

    /// An HTTP client without redirects and cookies.
    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// The secret of the operator's client.
    pub fn operator_secret(&self) -> &str {
        &self.operator_secret
    }

    /// The folder of the configuration, logs and SQLite files.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The URLs of the databases of `auth` and `users`.
    pub fn database_urls(&self) -> [String; 2] {
        match &self.databases {
            Some(made) => made.each_ref().map(|db| db.url().to_owned()),
            None => [AUTH_FILE, USERS_FILE]
                .map(|file| format!("sqlite:{}", self.folder.path().join(file).display())),
        }
    }
}

/// Checks the logs of the services at the end of every test.
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

/// The databases on the server of the tests, or the files in the folder. They are migrated, unless the services begin with another
/// release or must not migrate.
async fn databases(options: &StackOptions, folder: &Path) -> Option<[TestDb; 2]> {
    let sets_migrate = |(name, _): &(String, String)| name.ends_with("DATABASE__MIGRATE");
    let empty = options.release.is_some() || options.environment.iter().any(sets_migrate);
    match (options.engine, empty) {
        (Engine::Sqlite, true) => None,
        (Engine::Sqlite, false) => {
            for (service, file) in [(Service::Auth, AUTH_FILE), (Service::Users, USERS_FILE)] {
                templates::copy_sqlite(service, &folder.join(file)).await;
            }
            None
        }
        (Engine::Postgres, true) => Some([postgres(&[]).await, postgres(&[]).await]),
        (Engine::Postgres, false) => Some([
            templates::postgres(Service::Auth).await,
            templates::postgres(Service::Users).await,
        ]),
    }
}

/// The names of a service's program and configuration file.
fn service_files(service: Service) -> (&'static str, &'static str) {
    match service {
        Service::Auth => (AUTH_PROGRAM, AUTH_TOML),
        Service::Users => (USERS_PROGRAM, USERS_TOML),
    }
}

fn configuration_arguments(path: &Path) -> Vec<OsString> {
    vec!["--config".into(), path.into()]
}

fn client(tls: Option<&StackTls>) -> reqwest::Client {
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(30));
    if let Some(tls) = tls {
        let authority = std::fs::read(tls.authority.certificate()).expect("the authority of the test");
        let authority = reqwest::Certificate::from_pem(&authority).expect("a certificate in PEM");
        builder = builder.tls_certs_only([authority]);
    }
    builder.build().expect("an HTTP client")
}
