//! A running provider, as the visitors see it.

use std::any::Any;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use url::Url;

use super::operation::Operation;
use crate::load::{Connection, PreparedRequest};
use crate::process::{cpu_time, family_cpu_time, memory_mib, peak_memory_mib};

/// The redirection URI of every client. Nobody listens there.
pub(super) const CALLBACK: &str = "https://app.example.org/callback";

/// The longest that a provider may take to start.
const START: Duration = Duration::from_secs(600);

/// A client with its secret.
#[derive(Clone, Debug)]
pub(super) struct Service {
    pub(super) id: String,
    pub(super) secret: String,
    /// Further parameters of a client_credentials request.
    pub(super) parameters: &'static str,
}

/// The number of people who sign in.
pub(super) const PEOPLE: usize = 32;

/// The user name of a person.
pub(super) fn user_name(number: usize) -> String {
    format!("person-{number}")
}

/// The facts of a provider that a visitor has to know.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub(super) address: SocketAddr,
    pub(super) paths: Paths,
    /// For client_credentials signed with ES256, introspection, and pushed requests.
    pub(super) service: Service,
    /// For client_credentials signed with RS256.
    pub(super) service_rs256: Option<Service>,
    pub(super) pushing: Service,
    pub(super) introspecting: Service,
    /// Public clients of ID tokens in RS256 and ES256, and one whose tokens are bound by DPoP.
    pub(super) flow_rs256: String,
    pub(super) flow_es256: String,
    pub(super) bound: String,
    /// User names and passwords, one for each connection at least: guesses at one account wait for each other.
    pub(super) people: Vec<(String, String)>,
}

/// The paths of the endpoints, from the metadata of the provider.
#[derive(Clone, Debug)]
pub(super) struct Paths {
    pub(super) discovery: String,
    pub(super) jwks: String,
    pub(super) authorize: String,
    pub(super) token: String,
    pub(super) userinfo: String,
    pub(super) introspection: String,
    pub(super) pushed: String,
}

impl Paths {
    /// Reads them at `discovery`.
    pub(super) async fn read(address: SocketAddr, discovery: &str) -> Result<Self> {
        let answer = Connection::open(address)
            .await?
            .ok(&PreparedRequest::get(discovery))
            .await?;
        let metadata: Value = serde_json::from_slice(&answer.body)?;
        let path = |name: &str| -> Result<String> {
            let url = metadata.get(name).and_then(Value::as_str);
            Ok(Url::parse(url.with_context(|| name.to_owned())?)?
                .path()
                .to_owned())
        };
        Ok(Self {
            discovery: discovery.to_owned(),
            jwks: path("jwks_uri")?,
            authorize: path("authorization_endpoint")?,
            token: path("token_endpoint")?,
            userinfo: path("userinfo_endpoint")?,
            introspection: path("introspection_endpoint")?,
            pushed: path("pushed_authorization_request_endpoint")?,
        })
    }
}

/// A running provider. It ends when it is dropped.
pub(super) struct Provider {
    pub(super) facts: Facts,
    pub(super) start_to_ready: Duration,
    /// Its processes.
    pub(super) processes: Vec<u32>,
    /// The first process of the PostgreSQL server that it uses.
    pub(super) postmaster: Option<u32>,
    /// Operations that it cannot do, with the reason.
    pub(super) missing: Vec<(Operation, &'static str)>,
    #[expect(dead_code, reason = "keeps the processes")]
    pub(super) running: Box<dyn Any + Send>,
}

/// CPU time of the provider and of its database server.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cpu {
    pub(super) provider: Duration,
    pub(super) database: Option<Duration>,
}

impl Provider {
    pub(super) fn reason_against(&self, operation: Operation) -> Option<&'static str> {
        let mut missing = self.missing.iter();
        missing.find_map(|(one, reason)| (*one == operation).then_some(*reason))
    }

    pub(super) fn cpu(&self) -> Result<Cpu> {
        let mut used = Cpu::default();
        for process in &self.processes {
            used.provider += cpu_time(*process)?;
        }
        if let Some(postmaster) = self.postmaster {
            used.database = Some(family_cpu_time(postmaster)?);
        }
        Ok(used)
    }

    pub(super) fn memory_mib(&self) -> Result<f64> {
        self.processes.iter().map(|process| memory_mib(*process)).sum()
    }

    pub(super) fn peak_memory_mib(&self) -> Result<f64> {
        self.processes
            .iter()
            .map(|process| peak_memory_mib(*process))
            .sum()
    }
}

impl Cpu {
    pub(super) fn since(self, before: Self) -> Self {
        Self {
            provider: self.provider.saturating_sub(before.provider),
            database: self
                .database
                .zip(before.database)
                .map(|(now, before)| now.saturating_sub(before)),
        }
    }

    pub(super) fn each(self, count: usize) -> Self {
        let count = u32::try_from(count.max(1)).unwrap_or(u32::MAX);
        Self {
            provider: self.provider / count,
            database: self.database.map(|time| time / count),
        }
    }
}

pub(super) fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// The time from `start` until `path` is answered with success.
pub(super) async fn ready(start: Instant, address: SocketAddr, path: &str) -> Result<Duration> {
    let mut tick = tokio::time::interval(Duration::from_millis(2));
    while start.elapsed() < START {
        tick.tick().await;
        if let Ok(mut connection) = Connection::open(address).await
            && let Ok(answer) = connection.send(&PreparedRequest::get(path)).await
            && answer.status.is_success()
        {
            return Ok(start.elapsed());
        }
    }
    bail!("no answer at {path}")
}
