//! Schema migrations: forward only, one set of files per engine, several sets in one database.

use sqlx::migrate::{MigrateError, Migrator};

use super::error::root_cause;
use super::{Db, DbError};

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

/// An arbitrary number that all replicas agree on: who holds it migrates.
const MIGRATION_LOCK: i64 = 0x5645_5354_4942;

impl Db {
    /// Brings the schema up to date. Replicas that start together take turns.
    ///
    /// # Errors
    /// [`DbError::Newer`] when the database has a migration that this program does not know;
    /// [`DbError::Migrate`] when one fails. A failed migration leaves nothing behind.
    pub async fn migrate(&self, place: &str, sets: &[&Migrations]) -> Result<(), DbError> {
        // Held on a connection of its own until every set is done. A lock of the transaction, not of the session,
        // so that it works through a transaction-pooling proxy.
        let lock = match self {
            Self::Sqlite { .. } => None,
            Self::Postgres(pool) => {
                let mut tx = pool.begin().await?;
                sqlx::query("SELECT pg_advisory_xact_lock($1)")
                    .bind(MIGRATION_LOCK)
                    .execute(&mut *tx)
                    .await?;
                Some(tx)
            }
        };
        for set in sets {
            let (source, outcome);
            match self {
                Self::Sqlite { write, .. } => {
                    source = prepare(set.name, &set.sqlite);
                    outcome = source.run(write).await;
                }
                Self::Postgres(pool) => {
                    source = prepare(set.name, &set.postgres);
                    outcome = source.run(pool).await;
                }
            }
            outcome.map_err(|error| explain(error, place, set.name))?;
        }
        if let Some(tx) = lock {
            tx.commit().await?;
        }
        Ok(())
    }
}

fn prepare(name: &str, files: &Migrator) -> Migrator {
    let mut migrator = Migrator::with_migrations(files.iter().cloned().collect());
    migrator.dangerous_set_table_name(format!("_migrations_{name}"));
    migrator.set_locking(false);
    migrator
}

fn explain(error: MigrateError, place: &str, set: &'static str) -> DbError {
    match error {
        MigrateError::VersionMissing(version) => DbError::Newer {
            place: place.to_owned(),
            version,
            set,
        },
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => match DbError::from(error)
        {
            DbError::Other(error) => DbError::Migrate {
                place: place.to_owned(),
                reason: root_cause(&error),
            },
            known => known.at(place),
        },
        other => DbError::Migrate {
            place: place.to_owned(),
            reason: root_cause(&other),
        },
    }
}
