//! The source process: writes changes to its outbox, publishes them and serves its feed.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use axum::Router;
use brokers::{AnyTransport, EventsConfig};
use chassis::access::{FixedKeys, HasVerifier, Verifier};
use chassis::clock::{Clock, SystemClock};
use chassis::db::{Db, Reader, Tx};
use chassis::on_engine;
use chassis::random::SystemRandom;
use chassis::shutdown::Shutdown;
use contract::{UserState, UserUpdated};
use events::feed::{Feed, HasFeed};
use events::{Outbox, Relay, RelayOptions, Snapshot, SnapshotFuture, SnapshotPage, Span, State, Version};
use oidc::jose::{Algorithm, JwkSet, KeySet, SigningKey};
use sqlx::types::Json;
use tokio::net::TcpListener;
use uuid::Uuid;

use super::people::{id, now, open, person};
use super::process_spec::{FeedLink, ProcessSpec};

const SOURCE: &str = "http://users.bench";
const ISSUER: &str = "http://auth.bench";
/// A backlog is written in transactions of this size.
const BACKLOG_BATCH: u32 = 500;
/// Among how many people the changes of a backlog are spread.
const PEOPLE: u32 = 20_000;

pub(super) struct Source {
    db: Db,
    outbox: Outbox,
    config: EventsConfig,
    link: FeedLink,
    shutdown: Shutdown,
    written: u32,
}

#[derive(Clone)]
struct ServedFeed {
    feed: Feed,
    verifier: Verifier,
}

impl HasFeed for ServedFeed {
    fn feed(&self) -> &Feed {
        &self.feed
    }
}

impl HasVerifier for ServedFeed {
    fn verifier(&self) -> &Verifier {
        &self.verifier
    }
}

/// An empty snapshot: the follower starts before anything is written.
struct EmptySnapshot;

impl Snapshot for EmptySnapshot {
    fn page<'a>(&'a self, _: &'a mut Reader, _: Option<&'a str>, _: i64) -> SnapshotFuture<'a, SnapshotPage> {
        Box::pin(async { Ok(SnapshotPage::default()) })
    }

    fn versions<'a>(&'a self, _: &'a mut Reader, _: Span, _: i64) -> SnapshotFuture<'a, Vec<Version>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn states<'a>(&'a self, _: &'a mut Reader, _: &'a [Uuid]) -> SnapshotFuture<'a, Vec<State>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

impl Source {
    pub(super) async fn start(part: &ProcessSpec) -> Result<Self> {
        let db = open(&part.database).await?;
        let outbox = Outbox::new(SOURCE, Arc::new(SystemClock), Arc::new(SystemRandom::default()));
        let shutdown = Shutdown::new();
        let key = SigningKey::generate(Algorithm::Es256)?;
        let keys = KeySet::from_jwks(&JwkSet {
            keys: vec![key.public().clone()],
        });
        let served = ServedFeed {
            feed: Feed::new(
                db.clone(),
                outbox.clone(),
                Arc::new(EmptySnapshot),
                shutdown.clone(),
            ),
            verifier: Verifier::new(ISSUER, SOURCE, FixedKeys(Arc::new(keys)), Arc::new(SystemClock)),
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let link = FeedLink {
            url: format!("http://{}", listener.local_addr()?).parse()?,
            token: token(&key)?,
        };
        let app: Router = events::routes::<ServedFeed>().into_router().with_state(served);
        shutdown.spawn("server", async move {
            // Ends with the process.
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self {
            db,
            outbox,
            config: serde_json::from_value(part.events.clone())?,
            link,
            shutdown,
            written: 0,
        })
    }

    pub(super) async fn execute(&mut self, command: &str, number: u32) -> Result<String> {
        match command {
            "link" => Ok(serde_json::to_string(&self.link)?),
            "fill" => self.fill(number).await,
            "publish" => {
                self.publish()?;
                Ok("ok".to_owned())
            }
            "trickle" => Ok(serde_json::to_string(&self.trickle(number).await?)?),
            "cost" => Ok(serde_json::to_string(&self.cost(number).await?)?),
            other => bail!("unknown command {other}"),
        }
    }

    fn publish(&self) -> Result<()> {
        let transport = AnyTransport::new(&self.config, "users")?;
        let relay = Relay::new(
            self.db.clone(),
            self.outbox.clone(),
            transport,
            RelayOptions::default(),
        );
        self.shutdown.spawn("relay", relay.run(self.shutdown.clone()));
        Ok(())
    }

    /// Writes the events of `count` changes, in large transactions.
    async fn fill(&mut self, count: u32) -> Result<String> {
        let end = self.written + count;
        while self.written < end {
            let mut tx = self.db.begin("fill").await?;
            for number in self.written..end.min(self.written + BACKLOG_BATCH) {
                let version = i64::from(number / PEOPLE) + 1;
                self.append_event(&mut tx, &person(number % PEOPLE, version)?)
                    .await?;
            }
            tx.commit().await?;
            self.written = end.min(self.written + BACKLOG_BATCH);
        }
        if let chassis::db::Db::Postgres(pool) = &self.db {
            // As autovacuum would have done while a real backlog grew.
            sqlx::query("ANALYZE outbox").execute(pool.pool()).await?;
        }
        Ok("ok".to_owned())
    }

    /// One change a moment, each of another person and in a transaction: who, and when the commit was done.
    async fn trickle(&mut self, count: u32) -> Result<Vec<(Uuid, i64)>> {
        let mut tick = tokio::time::interval(Duration::from_millis(10));
        let mut committed = Vec::new();
        for number in self.written..self.written + count {
            tick.tick().await;
            let mut tx = self.db.begin("trickle").await?;
            self.append_event(&mut tx, &person(number, 1)?).await?;
            tx.commit().await?;
            committed.push((id(number), now().as_micros()));
        }
        self.written += count;
        Ok(committed)
    }

    /// Changes of a person, with and without their event in turns: how long each took, in nanoseconds.
    async fn cost(&mut self, count: u32) -> Result<[Vec<u64>; 2]> {
        let mut versions = [0; 2];
        for number in [0, 1] {
            self.change(&person(number, 1)?, number == 1).await?;
        }
        let mut took = [Vec::new(), Vec::new()];
        for round in 0..count {
            // Either first, so that what follows a commit hits both alike.
            for turn in [round % 2, 1 - round % 2] {
                let with = turn == 1;
                let slot = usize::from(with);
                let (Some(version), Some(times)) = (versions.get_mut(slot), took.get_mut(slot)) else {
                    continue;
                };
                *version += 1;
                let state = person(turn, *version + 1)?;
                let start = Instant::now();
                self.change(&state, with).await?;
                times.push(u64::try_from(start.elapsed().as_nanos()).context("a short time")?);
            }
        }
        Ok(took)
    }

    /// Changes a person as the user service does: reads under lock, writes and appends the event.
    async fn change(&self, state: &UserState, with_event: bool) -> Result<()> {
        let mut tx = self.db.begin("change").await?;
        let found = chassis::sql!(&tx,
            sqlite: "SELECT state, version FROM people WHERE id = $1",
            postgres: "SELECT state, version FROM people WHERE id = $1 FOR UPDATE",
        );
        let known: Option<(Json<UserState>, i64)> = on_engine!(&mut tx, c =>
            sqlx::query_as(found).bind(state.id).fetch_optional(c).await?);
        anyhow::ensure!(
            known.is_none_or(|(_, version)| version < state.version),
            "a version came back"
        );
        on_engine!(&mut tx, c => sqlx::query(
                "INSERT INTO people (id, user_name, state, version, updated_at) VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (id) DO UPDATE SET state = excluded.state, version = excluded.version,
                    updated_at = excluded.updated_at")
            .bind(state.id)
            .bind(state.user_name.to_string())
            .bind(Json(state))
            .bind(state.version)
            .bind(state.updated_at)
            .execute(c)
            .await
            .map(drop)?);
        if with_event {
            self.append_event(&mut tx, state).await?;
        }
        Ok(tx.commit().await?)
    }

    async fn append_event(&self, tx: &mut Tx, state: &UserState) -> Result<()> {
        let event = UserUpdated(state.clone());
        self.outbox
            .append(tx, "user", state.id, state.version, &event)
            .await?;
        Ok(())
    }
}

/// Good for as long as any measurement takes.
fn token(key: &SigningKey) -> Result<String> {
    let now = SystemClock.now().as_secs();
    let claims = serde_json::json!({
        "iss": ISSUER, "aud": SOURCE, "sub": "follower", "client_id": "follower", "scope": "events:read",
        "iat": now, "exp": now + 86_400, "jti": Uuid::nil(),
    });
    Ok(key.sign("at+jwt", &claims)?)
}
