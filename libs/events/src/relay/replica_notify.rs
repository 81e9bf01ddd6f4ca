//! Word between the replicas of a service, so that none waits for the next poll.
//!
//! PostgreSQL's NOTIFY makes commits take turns, so it is never part of a change's own transaction: the relay sends
//! one for everything that happened in the last moment. Where LISTEN does not work (a transaction-pooling proxy without a
//! `database.direct_url`), polling goes on alone.

use std::time::Duration;

use chassis::db::{Db, DbError, PostgresServer};
use sqlx::postgres::PgListener;
use tokio::time::Instant;
use uuid::Uuid;

use super::store;

const CHANNEL: &str = "vestibule_events";
/// After the sender's id: it has given its partitions back, and they are free.
const LEFT: &str = " left";
/// At most one message per replica in this time.
const DEBOUNCE: Duration = Duration::from_millis(20);
/// The time for which a server is left alone that did not let us listen.
const RETRY: Duration = Duration::from_secs(30);

#[derive(Debug)]
pub(super) struct ReplicaNotify {
    me: String,
    server: Option<PostgresServer>,
    listener: Option<PgListener>,
    retry: Instant,
    /// There is something to tell.
    news: bool,
    notified_at: Option<Instant>,
    /// No other replica is alive: nothing need be told or heard.
    alone: bool,
}

impl ReplicaNotify {
    pub(super) fn new(me: Uuid, db: &Db) -> Self {
        let server = match db {
            Db::Sqlite { .. } => None,
            Db::Postgres(server) => Some(server.clone()),
        };
        Self {
            me: me.to_string(),
            server,
            listener: None,
            retry: Instant::now(),
            news: false,
            notified_at: None,
            alone: true,
        }
    }

    /// Notes whether other replicas are alive, and begins to listen to them.
    pub(super) async fn update_peers(&mut self, alone: bool) {
        self.alone = alone;
        if !alone && self.listener.is_none() && Instant::now() >= self.retry {
            self.retry = Instant::now() + RETRY;
            self.listener = connect(self.server.as_ref()).await;
        }
    }

    /// Others should look: something was written or published here.
    pub(super) fn mark_dirty(&mut self) {
        self.news = true;
    }

    /// Tells them, unless that was done a moment ago.
    pub(super) async fn notify_if_dirty(&mut self, db: &Db) {
        let rested = self
            .notified_at
            .is_none_or(|notified_at| notified_at.elapsed() >= DEBOUNCE);
        if self.news && rested && !self.alone {
            self.send(db, self.me.clone()).await;
        }
    }

    /// Tells them that this replica has given everything back, so that they take it now and not when they look next.
    pub(super) async fn announce_leave(&mut self, db: &Db) {
        self.send(db, format!("{}{LEFT}", self.me)).await;
    }

    async fn send(&mut self, db: &Db, message: String) {
        if let Db::Postgres(_) = db
            && let Err(error) = notify(db, &message).await
        {
            tracing::debug!(%error, "other replicas not notified: they poll");
        }
        self.news = false;
        self.notified_at = Some(Instant::now());
    }

    /// Returns when another replica has notified us, or when it is time to tell the others. Whether one has left.
    pub(super) async fn listen(&mut self) -> bool {
        let notify = match self.notified_at {
            Some(notified_at) if self.news && !self.alone => Some(notified_at + DEBOUNCE),
            _ => None,
        };
        let heard = async {
            match &mut self.listener {
                None => std::future::pending().await,
                Some(listener) => hear(listener, &self.me).await,
            }
        };
        let heard = tokio::select! {
            heard = heard => heard,
            () = until(notify) => Ok(false),
        };
        heard.unwrap_or_else(|_broken| {
            self.listener = None;
            false
        })
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

async fn notify(db: &Db, message: &str) -> Result<(), DbError> {
    let mut tx = db.begin("relay_notify").await?;
    store::notify(&mut tx, CHANNEL, message).await?;
    tx.commit().await
}

async fn connect(server: Option<&PostgresServer>) -> Option<PgListener> {
    let mut listener = server?.listener().await.ok()??;
    listener.listen(CHANNEL).await.ok()?;
    Some(listener)
}

async fn hear(listener: &mut PgListener, me: &str) -> Result<bool, sqlx::Error> {
    loop {
        // Nothing: the connection was lost and made anew, so something may have been missed.
        match listener.try_recv().await? {
            Some(message) if message.payload() == me => {}
            message => return Ok(message.is_some_and(|message| message.payload().ends_with(LEFT))),
        }
    }
}
