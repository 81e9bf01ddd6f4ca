//! One side of a world: a database and its replicas.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use chassis::db::Engine;
use reqwest::Client;
use rustix::process::{Pid, Resource, Rlimit, Signal, prlimit};
use testkit::{FaultProxy, Process, Program, TestDb, program};
use url::Url;

use super::broker::local;
use crate::settings::{Role, Settings};
use crate::worker;

/// The bytes that a process can still write when its disk is full.
const FULL_DISK_BYTES: u64 = 4096;

/// A worker, with the line to its database.
#[derive(Debug)]
pub(super) struct Replica {
    pub(super) process: Process,
    pub(super) line: Option<FaultProxy>,
    settings: Settings,
    path: PathBuf,
}

/// A database and those who work on it.
#[derive(Debug)]
pub(super) struct Side {
    pub(super) database: TestDb,
    pub(super) replicas: Vec<Replica>,
}

/// A fresh database, ready to say that its disk is full.
pub(super) async fn database(engine: Engine) -> anyhow::Result<TestDb> {
    let sets = [&events::MIGRATIONS, &worker::MIGRATIONS];
    let database = match engine {
        Engine::Sqlite => return Ok(testkit::sqlite(&sets).await),
        Engine::Postgres => testkit::postgres(&sets).await,
    };
    let chassis::db::Db::Postgres(pool) = &*database else {
        return Ok(database);
    };
    sqlx::raw_sql(
        "CREATE TABLE disk (full_now boolean NOT NULL);
         INSERT INTO disk VALUES (false);
         CREATE FUNCTION refuse_when_full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF (SELECT full_now FROM disk) THEN
                 RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full';
             END IF;
             RETURN NULL;
         END $$;
         CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON people FOR EACH STATEMENT EXECUTE FUNCTION refuse_when_full();
         CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON outbox FOR EACH STATEMENT EXECUTE FUNCTION refuse_when_full();
         CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON inbox FOR EACH STATEMENT EXECUTE FUNCTION refuse_when_full();",
    )
    .execute(pool.pool())
    .await?;
    Ok(database)
}

impl Side {
    /// Starts `count` replicas on `database`, each as `settings` says, with a line of its own.
    pub(super) async fn start(
        database: TestDb,
        count: usize,
        folder: &Path,
        settings: impl Fn(usize) -> Settings,
    ) -> anyhow::Result<Self> {
        let mut replicas = Vec::new();
        for number in 0..count {
            replicas.push(Replica::start(&database, folder, number, settings(number)).await?);
        }
        Ok(Self { database, replicas })
    }
}

impl Replica {
    async fn start(
        database: &TestDb,
        folder: &Path,
        number: usize,
        settings: Settings,
    ) -> anyhow::Result<Self> {
        let mut url = Url::parse(database.url()).context("the URL of the database")?;
        let line = match database.engine() {
            Engine::Sqlite => None,
            Engine::Postgres => {
                let host = url.host_str().context("a host")?;
                let target = tokio::net::lookup_host((host, url.port().unwrap_or(5432)))
                    .await?
                    .next()
                    .context("the address of the server")?;
                let line = FaultProxy::start(0, target).await;
                url.set_ip_host(line.address().ip())
                    .map_err(|()| anyhow::anyhow!("no host"))?;
                url.set_port(Some(line.address().port()))
                    .map_err(|()| anyhow::anyhow!("no port"))?;
                url.set_query(Some("application_name=faults"));
                Some(line)
            }
        };
        let name = match settings.role {
            Role::Source => "source",
            Role::Follower => "follower",
        };
        let path = folder.join(format!("{name}-{number}.json"));
        let settings = Settings {
            database: if line.is_some() {
                url.into()
            } else {
                database.url().to_owned()
            },
            ..settings
        };
        write(&path, &settings)?;
        let process = Process::start(Program {
            name,
            // A write beyond the limit is to fail, not to kill; only a shell can have a signal ignored before it begins.
            path: "/bin/sh".into(),
            arguments: vec![
                "-c".into(),
                "trap '' XFSZ; exec \"$0\" \"$@\"".into(),
                program("faults-worker").into(),
                path.clone().into(),
            ],
            environment: Vec::new(),
            folder: folder.to_owned(),
            log: folder.join(format!("{name}-{number}.log")),
        });
        Ok(Self {
            process,
            line,
            settings,
            path,
        })
    }

    /// The address of the control routes.
    pub(super) fn address(&self) -> SocketAddr {
        local(self.settings.listen.port())
    }

    /// Gives an order. No answer means that it is not at work.
    pub(super) async fn send_command(&self, http: &Client, what: &str) -> bool {
        let url = format!("http://{}/control/{what}", self.address());
        let answer = http.post(url).timeout(Duration::from_secs(1)).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    /// Starts it, if it does not run.
    pub(super) fn start_if_stopped(&mut self) {
        if !self.process.is_running() {
            self.process.kill();
            self.process.start_again();
        }
    }

    /// The release that it is from now on: this one, or the one after it.
    pub(super) fn set_release(&mut self, newer: bool) -> anyhow::Result<()> {
        self.settings.newer = newer;
        write(&self.path, &self.settings)
    }

    /// Stores in its settings whether its writers rest when it starts again.
    pub(super) fn pause_writers(&mut self, quiet: bool) -> anyhow::Result<()> {
        self.settings.quiet = quiet;
        write(&self.path, &self.settings)
    }

    /// True if it is the release after this one.
    pub(super) fn newer(&self) -> bool {
        self.settings.newer
    }

    pub(super) fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Fills its disk, or makes room.
    pub(super) fn fill_disk(&mut self, full: bool) -> anyhow::Result<()> {
        if !self.process.is_running() {
            return Ok(());
        }
        let pid = Pid::from_raw(i32::try_from(self.process.id())?);
        let limit = Rlimit {
            current: full.then_some(FULL_DISK_BYTES),
            maximum: None,
        };
        prlimit(pid, Resource::Fsize, limit)?;
        Ok(())
    }
}

fn write(path: &Path, settings: &Settings) -> anyhow::Result<()> {
    Ok(std::fs::write(path, serde_json::to_vec_pretty(settings)?)?)
}
