//! The CPU time, memory and throughput of the OpenID provider beside those of others, on the same machine in the same run.

mod browser;
mod keycloak;
mod oidc_provider;
mod operation;
mod proof;
mod provider;
mod results;
mod rounds;
mod vestibule;
mod visitor;

use std::time::Duration;

use anyhow::Result;
use clap::ValueEnum;
use testkit::Engine;

pub(crate) use operation::Operation;
use provider::Provider;
use results::Results;

/// A provider to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Peer {
    /// Vestibule on files
    VestibuleSqlite,
    /// Vestibule on the server of the tests
    VestibulePostgres,
    /// `oidc-provider` of npm, in memory
    OidcProvider,
    /// Keycloak, on the server of the tests
    Keycloak,
}

impl Peer {
    const ALL: [Self; 4] = [
        Self::VestibuleSqlite,
        Self::VestibulePostgres,
        Self::OidcProvider,
        Self::Keycloak,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::VestibuleSqlite => "Vestibule, SQLite",
            Self::VestibulePostgres => "Vestibule, PostgreSQL",
            Self::OidcProvider => "oidc-provider 9.13, in memory",
            Self::Keycloak => "Keycloak 26.7, PostgreSQL",
        }
    }

    fn is_own(self) -> bool {
        matches!(self, Self::VestibuleSqlite | Self::VestibulePostgres)
    }

    async fn start(self) -> Result<Option<Provider>> {
        match self {
            Self::VestibuleSqlite => vestibule::start(Engine::Sqlite).await.map(Some),
            Self::VestibulePostgres => vestibule::start(Engine::Postgres).await.map(Some),
            Self::OidcProvider => oidc_provider::start().await.map(Some),
            Self::Keycloak => keycloak::start().await,
        }
    }
}

/// The times for which each row is measured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    warm_up: Duration,
    measured: Duration,
    /// The most requests of a kind of which the server stores each.
    stored: usize,
}

impl Times {
    /// A program of the JVM is compiled while it runs, and needs longer to be as fast as it will be.
    fn of(peer: Peer, scale: u32) -> Self {
        let warm_up = Duration::from_secs(if peer == Peer::Keycloak { 20 } else { 3 });
        Self {
            warm_up: warm_up * scale / 100,
            measured: Duration::from_secs(10) * scale / 100,
            stored: usize::try_from(40 * scale).unwrap_or_default(),
        }
    }
}

/// Measures every provider, or one, in every row, or one, and writes the tables when nothing is missing.
pub(crate) async fn measure(scale: u32, (peer, row): (Option<Peer>, Option<Operation>)) -> Result<()> {
    let mut results = Results::default();
    for one in Peer::ALL {
        if peer.is_some_and(|peer| peer != one) {
            continue;
        }
        match one.start().await? {
            Some(provider) => {
                let times = Times::of(one, scale);
                of_provider(&mut results, one, provider, (times, row)).await?;
            }
            None => results.not_installed(one),
        }
    }
    results.finish(scale == 100 && peer.is_none() && row.is_none())
}

async fn of_provider(
    results: &mut Results,
    peer: Peer,
    provider: Provider,
    (times, row): (Times, Option<Operation>),
) -> Result<()> {
    results.started(peer, provider.start_to_ready);
    tokio::time::sleep(Duration::from_secs(2)).await;
    results.idle(peer, provider.memory_mib()?);
    let mut provider = provider;
    for operation in Operation::ALL {
        if row.is_some_and(|row| row != operation) {
            continue;
        }
        let measured = match provider.reason_against(operation) {
            Some(reason) => Err(reason),
            None => Ok(rounds::measure(&mut provider, operation, times).await?),
        };
        results.add(peer, operation, measured);
    }
    results.peak(peer, provider.peak_memory_mib()?);
    Ok(())
}
