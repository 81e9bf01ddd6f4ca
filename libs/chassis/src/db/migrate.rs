//! Schema migrations: forward only, one set of files per engine, several sets in one database.
//!
//! A database may be newer than the program: while replicas are upgraded one by one, those of the version before start
//! on the new schema. How old a program may be is written in the database, by the migration that breaks older ones:
//! `UPDATE _migrations_compatible SET oldest = 9 WHERE name = 'events'` in migration 9 shuts out programs that do not
//! know migration 9. See `docs/decisions/0016-schema-changes.md`.

use sqlx::migrate::{MigrateError, Migrator};

use super::schema::{refuse_too_new, unreadable};
use super::{Db, DbError, Engine};
use crate::on_engine;
use crate::telemetry::root_cause;

/// A named set of migrations, written once per engine. Each set keeps its own record of what was applied, so a
/// service's tables and the outbox's live side by side and change apart.
#[derive(Debug)]
pub struct Migrations {
    /// Names the set and its record: the table `_migrations_NAME`.
    pub name: &'static str,
    /// `sqlx::migrate!("migrations/sqlite")`.
    pub sqlite: Migrator,
    /// `sqlx::migrate!("migrations/postgres")`.
    pub postgres: Migrator,
}

impl Migrations {
    /// The files for an engine.
    pub fn of(&self, engine: Engine) -> &Migrator {
        match engine {
            Engine::Sqlite => &self.sqlite,
            Engine::Postgres => &self.postgres,
        }
    }

    /// The newest migration that this program knows.
    pub fn newest(&self, engine: Engine) -> i64 {
        self.of(engine)
            .iter()
            .map(|file| file.version)
            .max()
            .unwrap_or_default()
    }
}

/// An arbitrary number that all replicas agree on: who holds it migrates.
const MIGRATION_LOCK: i64 = 0x5645_5354_4942;

impl Db {
    /// Brings the schema up to date. Replicas that start together take turns. Migrations of a newer version are left
    /// as they are.
    ///
    /// # Errors
    /// [`DbError::Newer`] when the database has a migration that shuts this program out;
    /// [`DbError::Migrate`] when one fails. A failed migration leaves nothing behind.
    pub async fn migrate(&self, place: &str, sets: &[&Migrations]) -> Result<(), DbError> {
        // Held on a connection of its own until every set is done. A lock of the transaction, not of the session,
        // so that it works through a transaction-pooling proxy.
        let lock = match self {
            Self::Sqlite { .. } => None,
            Self::Postgres(pool) => {
                // It stands idle while the work is done elsewhere, and others wait for it: no limit of the server's may
                // end it before.
                let mut tx = pool
                    .begin_with(
                        "BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL statement_timeout = 0; \
                         SET LOCAL lock_timeout = 0",
                    )
                    .await?;
                sqlx::query("SELECT pg_advisory_xact_lock($1)")
                    .bind(MIGRATION_LOCK)
                    .execute(&mut *tx)
                    .await?;
                Some(tx)
            }
        };
        // Every set is asked before anything is written.
        for set in sets {
            let mut reader = self.reader().await.map_err(|error| unreadable(error, place))?;
            let level = refuse_too_new(&mut reader, place, set).await?;
            level.tell_if_newer(place, set.newest(self.engine()));
        }
        for set in sets {
            self.enrol(set).await.map_err(|error| unreadable(error, place))?;
        }
        for set in sets {
            let files = prepare(set.name, set.of(self.engine()));
            let outcome = match self {
                Self::Sqlite { write, .. } => files.run(write).await,
                Self::Postgres(pool) => files.run(pool).await,
            };
            outcome.map_err(|error| explain(error, place))?;
        }
        if let Some(tx) = lock {
            tx.commit().await?;
        }
        Ok(())
    }

    /// Makes room for what the migrations of `set` say of older programs.
    async fn enrol(&self, set: &Migrations) -> Result<(), DbError> {
        let mut tx = self.begin("migrate").await?;
        on_engine!(&mut tx, c => {
            sqlx::query(
                "CREATE TABLE IF NOT EXISTS _migrations_compatible (name TEXT PRIMARY KEY, oldest BIGINT NOT NULL)")
                .execute(&mut *c)
                .await?;
            sqlx::query("INSERT INTO _migrations_compatible (name, oldest) VALUES ($1, 0) ON CONFLICT DO NOTHING")
                .bind(set.name)
                .execute(c)
                .await?;
        });
        tx.commit().await
    }
}

fn prepare(name: &str, files: &Migrator) -> Migrator {
    let mut migrator = Migrator::with_migrations(files.iter().cloned().collect());
    migrator.dangerous_set_table_name(format!("_migrations_{name}"));
    migrator.set_locking(false);
    migrator.set_ignore_missing(true);
    migrator
}

fn explain(error: MigrateError, place: &str) -> DbError {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            unreadable(DbError::from(error), place)
        }
        other => DbError::Migrate {
            place: place.to_owned(),
            reason: root_cause(&other),
        },
    }
}
