//! Schema migrations: forward only, one set of files per engine, several sets in one database.
//!
//! A database may be newer than the program: while replicas are upgraded one by one, those of the version before start
//! on the new schema. How old a program may be is written in the database, by the migration that breaks older ones:
//! `UPDATE _migrations_compatible SET oldest = 9 WHERE name = 'events'` in migration 9 shuts out programs that do not
//! know migration 9. See `docs/decisions/0016-schema-changes.md`.

use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{Connection, PgConnection};

use super::schema::{check_compatible, schema_error};
use super::{Db, DbError, Engine, PgSession, PostgresServer};
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

/// How often a replica behind a pooler looks whether another has migrated.
const LOCK_RETRY_INTERVAL: Duration = Duration::from_millis(200);

/// Behind a pooler: the migrator prepares statements under names that others of its kind may have left in the server's session.
const DEALLOCATE_STATEMENTS: &str = "DEALLOCATE ALL";

impl Db {
    /// Brings the schema up to date. Replicas that start together take turns. Migrations of a newer version are left
    /// as they are.
    ///
    /// # Errors
    /// [`DbError::Newer`] when the database has a migration that shuts this program out;
    /// [`DbError::Migrate`] when one fails. A failed migration leaves nothing behind.
    pub async fn migrate(&self, location: &str, sets: &[&Migrations]) -> Result<(), DbError> {
        // Held on a connection of its own until every set is done. A lock of the transaction, not of the session,
        // so that it works through a transaction-pooling proxy.
        let mut lock = match self {
            Self::Sqlite { .. } => None,
            Self::Postgres(server) => Some(lock(server).await?),
        };
        // Every set is asked before anything is written.
        for set in sets {
            let mut reader = self
                .reader()
                .await
                .map_err(|error| schema_error(error, location))?;
            let level = check_compatible(&mut reader, location, set).await?;
            level.log_if_newer(location, set.newest(self.engine()));
        }
        for set in sets {
            self.ensure_row(set)
                .await
                .map_err(|error| schema_error(error, location))?;
        }
        self.apply(sets, lock.as_mut())
            .await
            .map_err(|error| migrate_error(error, location))?;
        if let Some(lock) = lock {
            lock.commit().await?;
        }
        Ok(())
    }

    /// Applies what is missing of the sets. `lock` is the transaction that keeps other replicas out.
    async fn apply(&self, sets: &[&Migrations], lock: Option<&mut PgSession>) -> Result<(), MigrateError> {
        let files = sets.iter().map(|set| prepare(set.name, set.of(self.engine())));
        let (server, lock) = match (self, lock) {
            (Self::Postgres(server), Some(lock)) => (server, lock),
            (Self::Postgres(_), None) => return Ok(()),
            (Self::Sqlite { write, .. }, _) => {
                for files in files {
                    files.run(write).await?;
                }
                return Ok(());
            }
        };
        if let Some(pool) = server.migration_pool().await? {
            for files in files {
                files.run(&pool).await?;
            }
            return Ok(());
        }
        let connection = lock.driver();
        sqlx::raw_sql(DEALLOCATE_STATEMENTS)
            .execute(&mut *connection)
            .await?;
        let outcome = run_each(files, connection).await;
        // Failed or not, the session belongs to others a moment later, and the driver must not look for names there that
        // are gone.
        let forgotten = connection.clear_cached_statements().await;
        outcome.and(forgotten.map_err(MigrateError::from))
    }

    /// Makes room for what the migrations of `set` say of older programs.
    async fn ensure_row(&self, set: &Migrations) -> Result<(), DbError> {
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

/// The transaction that keeps other replicas out for as long as it lasts.
async fn lock(server: &PostgresServer) -> Result<PgSession, DbError> {
    loop {
        let mut session = server.begin_without_limits().await?;
        if server.has_sessions() {
            sqlx::query("SELECT pg_advisory_xact_lock($1)")
                .bind(MIGRATION_LOCK)
                .execute(&mut session)
                .await?;
            return Ok(session);
        }
        // Those who wait must not hold the pooler's few connections: who migrates needs another one.
        let taken: bool = sqlx::query_scalar("SELECT pg_try_advisory_xact_lock($1)")
            .bind(MIGRATION_LOCK)
            .fetch_one(&mut session)
            .await?;
        if taken {
            return Ok(session);
        }
        session.rollback().await?;
        tokio::time::sleep(LOCK_RETRY_INTERVAL).await;
    }
}

async fn run_each(
    files: impl Iterator<Item = Migrator>,
    connection: &mut PgConnection,
) -> Result<(), MigrateError> {
    for files in files {
        files.run_direct(None, &mut *connection, false).await?;
    }
    Ok(())
}

fn prepare(name: &str, files: &Migrator) -> Migrator {
    let mut migrator = Migrator::with_migrations(files.iter().cloned().collect());
    migrator.dangerous_set_table_name(format!("_migrations_{name}"));
    migrator.set_locking(false);
    migrator.set_ignore_missing(true);
    migrator
}

fn migrate_error(error: MigrateError, location: &str) -> DbError {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            schema_error(DbError::from(error), location)
        }
        other => DbError::Migrate {
            location: location.to_owned(),
            reason: root_cause(&other),
        },
    }
}
