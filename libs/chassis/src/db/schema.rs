//! Compatibility of a database's schema with this program. This module only reads.

use std::collections::BTreeMap;

use sqlx::{Postgres, QueryBuilder, Sqlite};

use super::{Connection, Db, DbError, Handle, Migrations};
use crate::telemetry::root_cause;
use crate::{on_engine, sql};

/// The applied migrations of one set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaLevel {
    /// The set.
    pub set: &'static str,
    /// The newest applied migration, 0 before the first.
    pub newest: i64,
    /// The newest migration that a program must know to be compatible.
    pub oldest: i64,
}

impl SchemaLevel {
    /// Logs that a newer version migrated the database, for operators of an upgrade.
    pub(super) fn log_if_newer(&self, location: &str, known: i64) {
        if self.newest > known {
            tracing::info!(
                "the database at {location} was brought to migration {} of {} by a newer version; this one knows {known} and \
                 can work with it",
                self.newest,
                self.set
            );
        }
    }
}

impl Db {
    /// The first migration or privilege that a program with these `sets` still needs; `None` if the schema is complete.
    ///
    /// # Errors
    /// [`DbError::Newer`] if the database is not compatible with this program, [`DbError::Migrate`] if a migration was
    /// changed after it was applied or the records cannot be read.
    pub async fn missing_schema(
        &self,
        location: &str,
        sets: &[&Migrations],
    ) -> Result<Option<String>, DbError> {
        let mut reader = self
            .reader()
            .await
            .map_err(|error| schema_error(error, location))?;
        for set in sets {
            let applied = match applied(&mut reader, set).await {
                // Tables are created first, and privileges granted afterwards.
                Err(error) if error.is_forbidden() => {
                    return Ok(Some(format!("the right to read _migrations_{}", set.name)));
                }
                applied => applied.map_err(|error| schema_error(error, location))?,
            };
            check_compatible(&mut reader, location, set).await?;
            for file in set.of(self.engine()).iter() {
                match applied.get(&file.version) {
                    None => {
                        return Ok(Some(format!("migration {} of {}", file.version, set.name)));
                    }
                    Some(checksum) if checksum != file.checksum.as_ref() => {
                        return Err(DbError::Migrate {
                            location: location.to_owned(),
                            reason: format!(
                                "migration {} of {} was applied and has been modified since",
                                file.version, set.name
                            ),
                        });
                    }
                    Some(_) => {}
                }
            }
        }
        Ok(None)
    }

    /// The applied migrations of each of the sets.
    ///
    /// # Errors
    /// The records cannot be read.
    pub async fn schema_levels(
        &self,
        location: &str,
        sets: &[&Migrations],
    ) -> Result<Vec<SchemaLevel>, DbError> {
        let mut reader = self
            .reader()
            .await
            .map_err(|error| schema_error(error, location))?;
        let mut levels = Vec::new();
        for set in sets {
            let level = level(&mut reader, set).await;
            levels.push(level.map_err(|error| schema_error(error, location))?);
        }
        Ok(levels)
    }
}

async fn level(reader: &mut impl Connection, set: &Migrations) -> Result<SchemaLevel, DbError> {
    let applied = applied(reader, set).await?;
    let oldest: Option<i64> = if exists(reader, "_migrations_compatible").await? {
        let statement = "SELECT oldest FROM _migrations_compatible WHERE name = $1";
        on_engine!(reader, c => sqlx::query_scalar(statement).bind(set.name).fetch_optional(c).await?)
    } else {
        None
    };
    Ok(SchemaLevel {
        set: set.name,
        newest: applied.keys().next_back().copied().unwrap_or_default(),
        oldest: oldest.unwrap_or_default(),
    })
}

/// Checks that the database is compatible with this program.
pub(super) async fn check_compatible(
    reader: &mut impl Connection,
    location: &str,
    set: &Migrations,
) -> Result<SchemaLevel, DbError> {
    let level = level(reader, set)
        .await
        .map_err(|error| schema_error(error, location))?;
    let known = set.newest(reader.engine());
    if level.oldest > known {
        return Err(DbError::Newer {
            location: location.to_owned(),
            version: level.oldest,
            known,
            set: set.name,
        });
    }
    Ok(level)
}

/// The applied migrations of a set, with their checksums.
async fn applied(reader: &mut impl Connection, set: &Migrations) -> Result<BTreeMap<i64, Vec<u8>>, DbError> {
    let table = format!("_migrations_{}", set.name);
    if !exists(reader, &table).await? {
        return Ok(BTreeMap::new());
    }
    let statement = format!("SELECT version, checksum FROM {table} WHERE success ORDER BY version");
    // The name of a set is a constant, and a table name cannot be bound.
    let rows: Vec<(i64, Vec<u8>)> = match reader.handle() {
        Handle::Sqlite(c) => {
            let mut read = QueryBuilder::<Sqlite>::new(statement);
            read.build_query_as().fetch_all(c).await?
        }
        Handle::Postgres(c) => {
            let mut read = QueryBuilder::<Postgres>::new(statement);
            read.build_query_as().fetch_all(c).await?
        }
    };
    Ok(rows.into_iter().collect())
}

async fn exists(reader: &mut impl Connection, table: &str) -> Result<bool, DbError> {
    let statement = sql!(reader,
        sqlite: "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = $1)",
        postgres: "SELECT to_regclass($1) IS NOT NULL",
    );
    Ok(on_engine!(reader, c => sqlx::query_scalar(statement).bind(table).fetch_one(c).await?))
}

/// Converts a database error that occurred while the schema was read or changed.
pub(super) fn schema_error(error: DbError, location: &str) -> DbError {
    match error {
        DbError::Other(error) => DbError::Migrate {
            location: location.to_owned(),
            reason: root_cause(&error),
        },
        known @ (DbError::Migrate { .. } | DbError::Newer { .. } | DbError::At { .. }) => known,
        known => known.at(location),
    }
}
