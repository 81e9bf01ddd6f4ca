//! A handler that writes down what it is given.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chassis::db::{Db, DbError, Tx};
use chassis::on_engine;
use contract::{Envelope, SubjectErased};
use uuid::Uuid;

use crate::inbox::{Applied, ConsumerOptions, Handler, HandlerError};

type Rule = dyn Fn(&Envelope) -> Result<(), HandlerError> + Send + Sync;

/// Writes down every event, and fails as it is told, after having written.
#[derive(Clone)]
pub struct Effects(Arc<Mutex<Box<Rule>>>);

impl Effects {
    /// Fails for what `rule` fails for.
    pub fn new(rule: impl Fn(&Envelope) -> Result<(), HandlerError> + Send + Sync + 'static) -> Self {
        Self(Arc::new(Mutex::new(Box::new(rule))))
    }

    #[cfg(test)]
    pub(crate) fn behave(
        &self,
        rule: impl Fn(&Envelope) -> Result<(), HandlerError> + Send + Sync + 'static,
    ) {
        *self.0.lock().unwrap() = Box::new(rule);
    }
}

impl Handler for Effects {
    async fn apply(&self, tx: &mut Tx, event: &Envelope) -> Result<Applied, HandlerError> {
        let Some(data) = event.open::<SubjectErased>()? else {
            return Ok(Applied::Ignored);
        };
        on_engine!(tx, c => sqlx::query("INSERT INTO effects (id, sequence) VALUES ($1, $2)")
            .bind(data.id)
            .bind(data.version)
            .execute(c)
            .await
            .map_err(DbError::from)?
            .rows_affected());
        (self.0.lock().unwrap())(event)?;
        Ok(Applied::Yes)
    }
}

/// The effects of all applied events, in order.
pub async fn effects(db: &Db) -> Vec<(Uuid, i64)> {
    let mut reader = db.reader().await.unwrap();
    on_engine!(&mut reader, c => sqlx::query_as("SELECT id, sequence FROM effects ORDER BY number")
        .fetch_all(c)
        .await
        .unwrap())
}

/// The sequences of one aggregate.
pub fn of(effects: &[(Uuid, i64)], id: Uuid) -> Vec<i64> {
    effects
        .iter()
        .filter(|(other, _)| *other == id)
        .map(|(_, sequence)| *sequence)
        .collect()
}

/// Options for tests: few attempts, short pauses.
pub fn quick() -> ConsumerOptions {
    ConsumerOptions {
        max_attempts: 3,
        first_backoff: Duration::from_millis(10),
        longest_backoff: Duration::from_millis(20),
        ..ConsumerOptions::default()
    }
}
