//! The follower process: applies the events of the source, one row a change, and records the time of each commit.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use brokers::{EventsConfig, follow};
use chassis::access::{BoxFuture, IssuedToken, ServiceTokens, TokenError, TokenIssuer};
use chassis::clock::SystemClock;
use chassis::db::{Db, Tx};
use chassis::http_client::{ClientOptions, HttpClient};
use chassis::on_engine;
use chassis::secret::Token;
use chassis::shutdown::Shutdown;
use contract::Envelope;
use contract::UserUpdated;
use events::Followed;
use events::feed::FeedSource;
use events::{Applied, Handler, HandlerError};
use sqlx::types::Json;
use tokio::sync::Notify;
use uuid::Uuid;

use super::people::{now, open};
use super::process_spec::ProcessSpec;

pub(super) struct Follower {
    db: Db,
    effect: Effect,
    #[expect(dead_code, reason = "ends what runs when dropped")]
    shutdown: Shutdown,
}

/// The effects of the handler.
#[derive(Clone, Default)]
struct Effect {
    /// Applied in a transaction that may not be committed yet.
    open: Arc<Mutex<Vec<Uuid>>>,
    /// Committed, and when, in microseconds.
    done: Arc<Mutex<Vec<(Uuid, i64)>>>,
    committed: Arc<Notify>,
    grown: Arc<Notify>,
}

impl Handler for Effect {
    async fn apply(&self, tx: &mut Tx, event: &Envelope) -> Result<Applied, HandlerError> {
        let Some(UserUpdated(state)) = event.open()? else {
            return Ok(Applied::Ignored);
        };
        on_engine!(&mut *tx, c => sqlx::query(
                "INSERT INTO copies (id, state, version) VALUES ($1, $2, $3)
                 ON CONFLICT (id) DO UPDATE SET state = excluded.state, version = excluded.version
                 WHERE excluded.version > copies.version")
            .bind(state.id)
            .bind(Json(&state))
            .bind(state.version)
            .execute(c)
            .await
            .map(drop)
            .map_err(chassis::db::DbError::from)?);
        lock(&self.open).push(state.id);
        tx.wake_on_commit(&self.committed);
        Ok(Applied::Yes)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Effect {
    async fn record_commit(self) {
        loop {
            self.committed.notified().await;
            let at = now().as_micros();
            let fresh = std::mem::take(&mut *lock(&self.open));
            lock(&self.done).extend(fresh.into_iter().map(|id| (id, at)));
            self.grown.notify_one();
        }
    }
}

struct StaticToken(Token);

impl TokenIssuer for StaticToken {
    fn issue(&self) -> BoxFuture<'_, Result<IssuedToken, TokenError>> {
        let (token, expires_at) = (self.0.clone(), now() + Duration::from_secs(86_400));
        Box::pin(async move { Ok(IssuedToken { token, expires_at }) })
    }
}

impl Follower {
    pub(super) async fn start(part: &ProcessSpec) -> Result<Self> {
        let link = part.link.clone().context("a follower has a link")?;
        let db = open(&part.database).await?;
        let config: EventsConfig = serde_json::from_value(part.events.clone())?;
        let clock = || Arc::new(SystemClock);
        let tokens = ServiceTokens::issued_by(StaticToken(Token::new(link.token)), clock());
        let http = HttpClient::new(ClientOptions::default())?;
        let effect = Effect::default();
        let shutdown = Shutdown::new();
        shutdown.spawn("note", effect.clone().record_commit());
        let followed = Followed {
            consumer: "auth",
            service: "users",
            feed: FeedSource::new(&link.url, http, tokens)?,
            db: db.clone(),
            clock: clock(),
            holdings: Arc::new(super::people::NoHoldings),
            reconciliation: events::reconcile::ReconcilerHandle::default(),
        };
        let (handler, until) = (effect.clone(), shutdown.clone());
        shutdown.spawn("follow", async move {
            follow(&config, followed, handler, until).await;
        });
        Ok(Self { db, effect, shutdown })
    }

    pub(super) async fn execute(&mut self, command: &str, number: u32) -> Result<String> {
        match command {
            "begun" => self.wait_until_bootstrapped().await,
            "until" => self.wait_for_count(usize::try_from(number)?).await,
            "stamps" => Ok(serde_json::to_string(&*lock(&self.effect.done))?),
            "sum" => self.sum().await,
            other => bail!("unknown command {other}"),
        }
    }

    /// Waits until the bootstrap is done. Events that are published from now on are followed.
    async fn wait_until_bootstrapped(&self) -> Result<String> {
        testkit::within(Duration::from_secs(300), "the follower has begun", async || {
            let mut reader = self.db.reader().await.ok()?;
            let statement =
                "SELECT count(*) FROM consumer_positions WHERE position >= 0 OR transport <> 'feed'";
            let begun: i64 =
                on_engine!(&mut reader, c => sqlx::query_scalar(statement).fetch_one(c).await.ok()?);
            (begun > 0).then_some(())
        })
        .await;
        Ok("ok".to_owned())
    }

    /// Waits until so many changes are committed; when the last was, in microseconds.
    async fn wait_for_count(&self, count: usize) -> Result<String> {
        loop {
            {
                let done = lock(&self.effect.done);
                if done.len() >= count {
                    return Ok(done.last().map_or(0, |(_, at)| *at).to_string());
                }
            }
            self.effect.grown.notified().await;
        }
    }

    /// The sum of the versions: with one change after the other from 1 on, the number of changes that took effect.
    async fn sum(&self) -> Result<String> {
        let mut reader = self.db.reader().await?;
        let statement = "SELECT CAST(COALESCE(sum(version), 0) AS BIGINT) FROM copies";
        let sum: i64 = on_engine!(&mut reader, c => sqlx::query_scalar(statement).fetch_one(c).await?);
        Ok(sum.to_string())
    }
}
