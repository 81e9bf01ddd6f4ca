//! Two services that tell of things: one is followed, the other holds a copy.

mod catching_up;
mod clock;
mod drift;

use std::sync::Arc;
use std::time::Duration;

use chassis::db::{Db, Reader, Tx, id_list};
use chassis::{on_engine, sql};
use uuid::Uuid;

use super::*;
use crate::inbox::{Applied, ConsumerOptions, HandlerError};
use crate::snapshot::{Snapshot, SnapshotFuture, SnapshotPage, Span, State, Version};
use crate::testing::{Service, fresh};
use crate::testing::{changed, clock, data, new_id};
use crate::{Bootstrap, Step};
use contract::{Envelope, SubjectErased};

const CONSUMER: &str = "copy";

/// Reads the table `things`, on either side.
#[derive(Clone, Copy)]
struct Things;

async fn of_span(reader: &mut Reader, span: Span, limit: i64) -> Vec<(Uuid, i64)> {
    on_engine!(reader, c => sqlx::query_as(
            "SELECT id, version FROM things WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3")
        .bind(span.after).bind(span.through).bind(limit).fetch_all(c).await.unwrap())
}

async fn of_ids(reader: &mut Reader, ids: &[Uuid]) -> Vec<(Uuid, i64)> {
    let statement = sql!(reader,
        sqlite: "SELECT id, version FROM things WHERE id IN (SELECT unhex(value) FROM json_each($1))",
        postgres: "SELECT id, version FROM things
                   WHERE id = ANY (ARRAY(SELECT value::uuid FROM jsonb_array_elements_text($1::jsonb) AS e(value)))",
    );
    let list = id_list(ids.iter().copied());
    on_engine!(reader, c => sqlx::query_as(statement).bind(list).fetch_all(c).await.unwrap())
}

impl Snapshot for Things {
    fn page<'a>(&'a self, _: &'a mut Reader, _: Option<&'a str>, _: i64) -> SnapshotFuture<'a, SnapshotPage> {
        Box::pin(async { Ok(SnapshotPage::default()) })
    }

    fn versions<'a>(
        &'a self,
        reader: &'a mut Reader,
        span: Span,
        limit: i64,
    ) -> SnapshotFuture<'a, Vec<Version>> {
        Box::pin(async move {
            let rows = of_span(reader, span, limit).await;
            Ok(rows.into_iter().map(Version::from).collect())
        })
    }

    fn states<'a>(&'a self, reader: &'a mut Reader, ids: &'a [Uuid]) -> SnapshotFuture<'a, Vec<State>> {
        Box::pin(async move {
            let rows = of_ids(reader, ids).await;
            let state = |(id, version)| State::new(id, version, clock().now(), &data(id, version)).unwrap();
            Ok(rows.into_iter().map(state).collect())
        })
    }
}

impl Holdings for Things {
    fn versions<'a>(
        &'a self,
        reader: &'a mut Reader,
        span: Span,
        limit: i64,
    ) -> SnapshotFuture<'a, Vec<Held>> {
        Box::pin(async move { Ok(of_span(reader, span, limit).await.into_iter().map(held).collect()) })
    }

    fn of<'a>(&'a self, reader: &'a mut Reader, ids: &'a [Uuid]) -> SnapshotFuture<'a, Vec<Held>> {
        Box::pin(async move { Ok(of_ids(reader, ids).await.into_iter().map(held).collect()) })
    }
}

fn held((id, version): (Uuid, i64)) -> Held {
    Held {
        id,
        version: Some(version),
    }
}

/// Copies things; refuses the one it is told to.
#[derive(Clone, Copy)]
struct Copier {
    refuse: Option<Uuid>,
}

impl Handler for Copier {
    async fn apply(&self, tx: &mut Tx, event: &Envelope) -> Result<Applied, HandlerError> {
        if self.refuse == Some(event.subject) {
            return Err(HandlerError::other("this one is refused"));
        }
        let Some(thing) = event.open::<SubjectErased>()? else {
            return Ok(Applied::Ignored);
        };
        put(tx, thing.id, thing.version).await;
        Ok(Applied::Yes)
    }
}

async fn put(tx: &mut Tx, id: Uuid, version: i64) {
    on_engine!(tx, c => {
        sqlx::query(
            "INSERT INTO things (id, version) VALUES ($1, $2)
             ON CONFLICT (id) DO UPDATE SET version = excluded.version WHERE things.version < excluded.version")
            .bind(id).bind(version).execute(c).await.unwrap();
    });
}

/// A followed service with so many things, and a follower that holds all of them.
struct World {
    service: Service,
    theirs: Db,
    ours: testkit::TestDb,
    ids: Vec<Uuid>,
    outbox: crate::Outbox,
}

impl World {
    async fn with(db: &Db, count: usize) -> Self {
        let service = Service::telling(db, Arc::new(Things)).await;
        let ours = fresh(db).await;
        let world = Self {
            outbox: service.outbox.clone(),
            theirs: db.clone(),
            ours,
            ids: (0..count).map(|_| new_id()).collect(),
            service,
        };
        for id in &world.ids {
            changed(&world.theirs, &world.outbox, *id).await;
        }
        world.deliver().await;
        world
    }

    fn inbox(&self, refuse: Option<Uuid>) -> Inbox<Copier> {
        let options = ConsumerOptions {
            bootstrap: Bootstrap::Beginning,
            ..ConsumerOptions::default()
        };
        Inbox::new(CONSUMER, self.ours.clone(), clock(), Copier { refuse }, options)
    }

    /// Applies what is published, as the consumer would.
    async fn deliver(&self) {
        let mut reader = self.theirs.reader().await.unwrap();
        let written: i64 = on_engine!(&mut reader, c => sqlx::query_scalar("SELECT count(*) FROM outbox")
            .fetch_one(c).await.unwrap());
        drop(reader);
        self.service.published(written).await;
        let inbox = self.inbox(None);
        let from = match inbox.position().await.unwrap() {
            Some(position) => position,
            None => {
                self.ours(
                    "INSERT INTO consumer_positions (consumer, position, updated_at) VALUES ('copy', 0, 0)",
                )
                .await;
                0
            }
        };
        let events = self
            .service
            .source()
            .events(from, 1000, Duration::ZERO)
            .await
            .unwrap();
        let to = from + i64::try_from(events.len()).unwrap();
        inbox.deliver(&events, Some(Step { from, to })).await.unwrap();
    }

    fn reconciler(&self) -> Reconciler<Copier> {
        self.reconciler_with(None, Duration::ZERO)
    }

    fn reconciler_with(&self, refuse: Option<Uuid>, second_look: Duration) -> Reconciler<Copier> {
        let options = Options {
            every: None,
            settle: Duration::from_millis(50),
            second_look,
            patience: Duration::from_millis(200),
            positions: true,
        };
        let holdings = Arc::new(Things);
        Reconciler::new(
            self.inbox(refuse),
            self.service.source(),
            holdings,
            ReconcilerHandle::default(),
            options,
        )
    }

    /// Changes the follower's table by hand.
    async fn ours(&self, statement: &'static str) {
        let mut tx = self.ours.begin("test").await.unwrap();
        on_engine!(&mut tx, c => sqlx::query(statement).execute(c).await.unwrap().rows_affected());
        tx.commit().await.unwrap();
    }

    async fn ours_of(&self, statement: &'static str, id: Uuid) {
        let mut tx = self.ours.begin("test").await.unwrap();
        on_engine!(&mut tx, c => sqlx::query(statement).bind(id).execute(c).await.unwrap().rows_affected());
        tx.commit().await.unwrap();
    }

    async fn versions(&self) -> Vec<(Uuid, i64)> {
        let everything = Span {
            after: Uuid::nil(),
            through: Uuid::max(),
        };
        of_span(&mut self.ours.reader().await.unwrap(), everything, 100_000).await
    }

    async fn noted(&self, id: Uuid) -> Option<i64> {
        self.inbox(None).noted(&[id]).await.unwrap().get(&id).copied()
    }
}
