//! Filling of a PostgreSQL database by `COPY`.

use std::fmt::Write as _;

use anyhow::Result;
use sqlx::PgPool;
use sqlx::postgres::PgPoolCopyExt;

use super::{ATTRIBUTES, BATCH, person_row, progress, sorted_rows};
use crate::directory::people;

/// The statements that make constraints and indexes when the rows are there.
const AFTERWARDS: [&str; 5] = [
    "ALTER TABLE user_values ADD PRIMARY KEY (attribute, value_key, user_id)",
    "CREATE INDEX user_values_of_user ON user_values (user_id)",
    "CREATE UNIQUE INDEX people_user_name_skeleton ON people (user_name_skeleton)",
    "CREATE INDEX people_active ON people (active, id)",
    "VACUUM ANALYZE",
];

pub(super) async fn fill(pool: &PgPool, count: u64) -> Result<()> {
    for statement in [
        "ALTER TABLE user_values DROP CONSTRAINT user_values_pkey",
        "DROP INDEX user_values_of_user",
        "DROP INDEX people_user_name_skeleton",
        "DROP INDEX people_active",
    ] {
        sqlx::query(statement).execute(pool).await?;
    }
    people(pool, count).await?;
    for attribute in ATTRIBUTES {
        values(pool, attribute, count).await?;
        progress(attribute);
    }
    let mut connection = pool.acquire().await?;
    for setting in [
        "SET maintenance_work_mem = '1GB'",
        "SET max_parallel_maintenance_workers = 1",
    ] {
        sqlx::query(setting).execute(&mut *connection).await?;
    }
    for statement in AFTERWARDS {
        sqlx::query(statement).execute(&mut *connection).await?;
        progress(statement);
    }
    let total = "UPDATE user_total SET people = (SELECT count(*) FROM people)";
    sqlx::query(total).execute(pool).await?;
    Ok(())
}

async fn people(pool: &PgPool, count: u64) -> Result<()> {
    const COPY: &str = "COPY people (id, user_name_key, active, version, created_at, updated_at, document, user_name_skeleton,
         user_name_skeleton_of, values_version) FROM STDIN";
    let mut copy = pool.copy_in_raw(COPY).await?;
    for start in (0..count).step_by(usize::try_from(BATCH)?) {
        let mut text = String::new();
        for number in start..count.min(start + BATCH) {
            let row = person_row(number)?;
            let (key, at, skeleton) = (escaped(&row.user_name_key), row.at, escaped(&row.skeleton));
            let (id, active, document) = (row.id, row.active, escaped(&row.document));
            writeln!(
                text,
                "{id}\t{key}\t{active}\t1\t{at}\t{at}\t{document}\t{skeleton}\t{key}\t1"
            )?;
        }
        copy.send(text.into_bytes()).await?;
        if start % 500_000 == 0 {
            progress(&format!("{start} people"));
        }
    }
    copy.finish().await?;
    Ok(())
}

async fn values(pool: &PgPool, attribute: &'static str, count: u64) -> Result<()> {
    let mut copy = pool
        .copy_in_raw("COPY user_values (attribute, value_key, user_id) FROM STDIN")
        .await?;
    for chunk in sorted_rows(attribute, count).chunks(10_000) {
        let mut text = String::new();
        for (key, number) in chunk {
            writeln!(text, "{attribute}\t{}\t{}", escaped(key), people::id(*number))?;
        }
        copy.send(text.into_bytes()).await?;
    }
    copy.finish().await?;
    Ok(())
}

/// A text in the format of `COPY`.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
}
