//! Filling of a SQLite file.

use std::str::FromStr;

use anyhow::Result;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use super::{ATTRIBUTES, BATCH, person_row, progress, sorted_rows};
use crate::directory::people;

/// Indexes that are made when the rows are there.
const INDEXES: [(&str, &str); 3] = [
    (
        "user_values_of_user",
        "CREATE INDEX user_values_of_user ON user_values (user_id)",
    ),
    (
        "people_user_name_skeleton",
        "CREATE UNIQUE INDEX people_user_name_skeleton ON people (user_name_skeleton)",
    ),
    (
        "people_active",
        "CREATE INDEX people_active ON people (active, id)",
    ),
];

pub(super) async fn fill(url: &str, count: u64) -> Result<()> {
    // Nobody reads meanwhile, and a file that is not complete is made anew.
    let options = SqliteConnectOptions::from_str(url)?
        .journal_mode(SqliteJournalMode::Off)
        .synchronous(SqliteSynchronous::Off)
        .foreign_keys(false)
        .pragma("cache_size", "-1000000");
    let mut connection = options.connect().await?;
    for (name, _) in INDEXES {
        run(&mut connection, format!("DROP INDEX {name}")).await?;
    }
    people(&mut connection, count).await?;
    for attribute in ATTRIBUTES {
        values(&mut connection, attribute, count).await?;
        progress(attribute);
    }
    for (name, create) in INDEXES {
        run(&mut connection, create.to_owned()).await?;
        progress(name);
    }
    run(&mut connection, format!("UPDATE user_total SET people = {count}")).await?;
    run(&mut connection, "PRAGMA journal_mode = WAL".to_owned()).await?;
    run(&mut connection, "ANALYZE".to_owned()).await?;
    connection.close().await?;
    Ok(())
}

async fn people(connection: &mut SqliteConnection, count: u64) -> Result<()> {
    const INSERT: &str = "INSERT INTO people (id, user_name_key, active, version, created_at, updated_at, document, user_name_skeleton,
             user_name_skeleton_of, values_version)
         SELECT unhex(value ->> 0), value ->> 1, value ->> 2, 1, value ->> 3, value ->> 3, value ->> 4, value ->> 5, value ->> 1, 1
         FROM json_each($1)";
    for start in (0..count).step_by(usize::try_from(BATCH)?) {
        let mut rows = Vec::new();
        for number in start..count.min(start + BATCH) {
            let row = person_row(number)?;
            let active = i64::from(row.active);
            rows.push(serde_json::json!([
                row.id,
                row.user_name_key,
                active,
                row.at,
                row.document,
                row.skeleton
            ]));
        }
        in_transaction(connection, INSERT, &[&serde_json::Value::from(rows).to_string()]).await?;
        if start % 500_000 == 0 {
            progress(&format!("{start} people"));
        }
    }
    Ok(())
}

async fn values(connection: &mut SqliteConnection, attribute: &'static str, count: u64) -> Result<()> {
    const INSERT: &str = "INSERT INTO user_values (attribute, value_key, user_id)
         SELECT $1, value ->> 0, unhex(value ->> 1) FROM json_each($2)";
    let rows = sorted_rows(attribute, count);
    for chunk in rows.chunks(10_000) {
        let rows: Vec<_> = chunk
            .iter()
            .map(|(key, number)| (key, people::id(*number).simple().to_string()))
            .collect();
        in_transaction(connection, INSERT, &[attribute, &serde_json::to_string(&rows)?]).await?;
    }
    Ok(())
}

async fn in_transaction(
    connection: &mut SqliteConnection,
    statement: &'static str,
    values: &[&str],
) -> Result<()> {
    let mut query = sqlx::query(statement);
    for value in values {
        query = query.bind((*value).to_owned());
    }
    query.execute(connection).await?;
    Ok(())
}

async fn run(connection: &mut SqliteConnection, statement: String) -> Result<()> {
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement))
        .execute(connection)
        .await?;
    Ok(())
}
