//! Schema migrations: forward only, one set of files per engine, several sets in one database.
//!
//! A database may be newer than the program: while replicas are upgraded one by one, replicas of the previous version start
//! on the new schema. The oldest compatible program is recorded in the database, by the migration that breaks older ones:
//! `UPDATE _migrations_compatible SET oldest = 9 WHERE name = 'events'` in migration 9 shuts out programs that do not
//! know migration 9. See `docs/decisions/0016-schema-changes.md`.

use std::time::Duration;

use sqlx::migrate::{MigrateError, Migration, Migrator};
use sqlx::{Connection, PgConnection};

use super::migration_locks::{ATTEMPTS, PAUSE, Tables, is_locked_out};
use super::schema::{check_compatible, schema_error};
use super::{Db, DbError, Engine, PgSession, PostgresServer};
use crate::on_engine;
use crate::telemetry::root_cause;

/// A named set of migrations, written once per engine. Each set has its own record of applied migrations, so a service's
/// tables and the outbox's live in one database and change independently.
#[derive(Debug)]
pub struct Migrations {
    /// The name of the set and of its record, the table `_migrations_NAME`.
    pub name: &'static str,
    /// `sqlx_macros::migrate!("migrations/sqlite")`.
    pub sqlite: Migrator,
    /// `sqlx_macros::migrate!("migrations/postgres")`.
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

/// The key of the advisory lock that the migrating replica holds.
const MIGRATION_LOCK: i64 = 0x5645_5354_4942;

/// The interval at which a replica behind a pooler retries the lock.
const LOCK_RETRY_INTERVAL: Duration = Duration::from_millis(200);

/// Behind a pooler, other clients may have left prepared statements under the migrator's names in the server's session.
const DEALLOCATE_STATEMENTS: &str = "DEALLOCATE ALL";

impl Db {
    /// Applies the missing migrations. Replicas that start together take turns. Migrations of a newer version stay.
    ///
    /// # Errors
    /// [`DbError::Newer`] if the database is not compatible with this program; [`DbError::Migrate`] if a migration fails. A
    /// failed migration leaves nothing behind.
    pub async fn migrate(&self, location: &str, sets: &[&Migrations]) -> Result<(), DbError> {
        // Held on a connection of its own until every set is done. A lock of the transaction, not of the session,
        // so that it works through a transaction-pooling proxy.
        let mut lock = match self {
            Self::Sqlite { .. } => None,
            Self::Postgres(server) => Some(lock(server).await?),
        };
        // Every set is checked before anything is written.
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

    /// Applies the missing migrations of the sets. `lock` is the transaction that holds the advisory lock.
    async fn apply(&self, sets: &[&Migrations], lock: Option<&mut PgSession>) -> Result<(), MigrateError> {
        let engine = self.engine();
        let (server, lock) = match (self, lock) {
            (Self::Postgres(server), Some(lock)) => (server, lock),
            (Self::Postgres(_), None) => return Ok(()),
            (Self::Sqlite { write, .. }, _) => {
                for set in sets {
                    let files = set.of(engine).iter().cloned().collect();
                    migrator(set.name, files).run(write).await?;
                }
                return Ok(());
            }
        };
        if let Some(pool) = server.migration_pool().await? {
            let mut connection = pool.acquire().await?;
            return run_each(sets, &mut connection).await;
        }
        let connection = lock.driver();
        sqlx::raw_sql(DEALLOCATE_STATEMENTS)
            .execute(&mut *connection)
            .await?;
        let outcome = run_each(sets, connection).await;
        // Failed or not, the session belongs to others a moment later, and the driver must not look for names there that
        // are gone.
        let forgotten = connection.clear_cached_statements().await;
        outcome.and(forgotten.map_err(MigrateError::from))
    }

    /// Ensures that `_migrations_compatible` has a row for `set`.
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

/// Begins a transaction that holds the advisory lock.
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
        // A waiting replica must not hold one of the pooler's few connections: the migrating one needs a second.
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

/// Runs the sets one after the other. A set whose migration does not get its locks is run again, from that migration on.
async fn run_each(sets: &[&Migrations], connection: &mut PgConnection) -> Result<(), MigrateError> {
    for set in sets {
        let mut attempt = 0;
        loop {
            let tables = Tables::read(connection).await?;
            let files = set.postgres.iter().map(|file| tables.with_locks(file));
            let files = migrator(set.name, files.collect());
            let Err(error) = files.run_direct(None, &mut *connection, false).await else {
                break;
            };
            attempt += 1;
            if !is_locked_out(&error) || attempt == ATTEMPTS {
                return Err(error);
            }
            let name = set.name;
            tracing::info!(
                "a table is in use: the migration of {name} is tried again ({attempt} of {ATTEMPTS} attempts)"
            );
            tokio::time::sleep(PAUSE).await;
        }
    }
    Ok(())
}

/// The migrator of a set with these files.
fn migrator(name: &str, files: Vec<Migration>) -> Migrator {
    let mut migrator = Migrator::with_migrations(files);
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
