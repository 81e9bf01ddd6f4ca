//! Filling of a database of `auth` with the accounts of a generated directory, each with the same password.

use std::fmt::Write as _;
use std::str::FromStr;

use anyhow::{Result, anyhow};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use chassis::db::{Db, DbConfig};
use sqlx::postgres::PgPoolCopyExt;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, PgPool};
use testkit::Engine;

use super::{BATCH, person_row, progress};

/// The password of everybody.
pub(in crate::directory) const PASSWORD: &str = "gorse-tin-vivid";

/// An index that is made when the rows are there.
const DROP_INDEX: &str = "DROP INDEX subjects_name";
const CREATE_INDEX: &str = "CREATE INDEX subjects_name ON subjects (user_name_key)";

/// Fills an empty database, whose tables are made, with the accounts of `count` people.
pub(in crate::directory) async fn fill(url: &str, engine: Engine, count: u64) -> Result<()> {
    let db = DbConfig::new(url).open().await?;
    db.migrate("the accounts of the bench", &auth::SCHEMA).await?;
    match (engine, &db) {
        (Engine::Postgres, Db::Postgres(server)) => postgres(server.pool(), count).await?,
        _ => {
            db.close().await;
            return sqlite(url, count).await;
        }
    }
    db.close().await;
    Ok(())
}

/// The hash of [`PASSWORD`] at the default cost of the services, so that no sign-in replaces it.
fn hash() -> Result<String> {
    let (memory, passes, lanes) = (19 * 1024, 2, 1);
    let params = Params::new(memory, passes, lanes, None).map_err(|error| anyhow!("{error}"))?;
    let (salt, mut hash) = (b"a-salt-of-16-byt", [0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(PASSWORD.as_bytes(), salt, &mut hash)
        .map_err(|error| anyhow!("{error}"))?;
    let (salt, hash) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash));
    Ok(format!(
        "$argon2id$v=19$m={memory},t={passes},p={lanes}${salt}${hash}"
    ))
}

async fn sqlite(url: &str, count: u64) -> Result<()> {
    const SUBJECTS: &str =
        "INSERT INTO subjects (id, user_name_key, active, administrator, claims, version, updated_at)
         SELECT unhex(value ->> 0), value ->> 1, value ->> 2, 0, value ->> 3, 1, value ->> 4 FROM json_each($1)";
    const ACCOUNTS: &str = "INSERT INTO accounts (id, version, created_at)
         SELECT unhex(value ->> 0), 1, value ->> 1 FROM json_each($1)";
    const PASSWORDS: &str = "INSERT INTO passwords (account_id, hash, changed_at)
         SELECT unhex(value ->> 0), $2, value ->> 1 FROM json_each($1)";
    let hash = hash()?;
    // Nobody reads meanwhile, and a file that is not complete is made anew.
    let options = SqliteConnectOptions::from_str(url)?
        .journal_mode(SqliteJournalMode::Off)
        .synchronous(SqliteSynchronous::Off)
        .foreign_keys(false)
        .pragma("cache_size", "-1000000");
    let mut connection = options.connect().await?;
    sqlx::query(DROP_INDEX).execute(&mut connection).await?;
    for start in (0..count).step_by(usize::try_from(BATCH)?) {
        // The documents are most of the text, and only one table has them.
        let (mut subjects, mut accounts) = (Vec::new(), Vec::new());
        for number in start..count.min(start + BATCH) {
            let row = person_row(number)?;
            let active = i64::from(row.active);
            accounts.push(serde_json::json!([row.id, row.at]));
            subjects.push(serde_json::json!([
                row.id,
                row.user_name_key,
                active,
                row.document,
                row.at
            ]));
        }
        let subjects = serde_json::Value::from(subjects).to_string();
        let accounts = serde_json::Value::from(accounts).to_string();
        for query in [
            sqlx::query(SUBJECTS).bind(&subjects),
            sqlx::query(ACCOUNTS).bind(&accounts),
            sqlx::query(PASSWORDS).bind(&accounts).bind(&hash),
        ] {
            query.execute(&mut connection).await?;
        }
        if start % 500_000 == 0 {
            progress(&format!("{start} accounts"));
        }
    }
    for statement in [CREATE_INDEX, "PRAGMA journal_mode = WAL", "ANALYZE"] {
        sqlx::query(statement).execute(&mut connection).await?;
        progress(statement);
    }
    connection.close().await?;
    Ok(())
}

async fn postgres(pool: &PgPool, count: u64) -> Result<()> {
    const SUBJECTS: &str =
        "COPY subjects (id, user_name_key, active, administrator, claims, version, updated_at) FROM STDIN";
    const ACCOUNTS: &str = "COPY accounts (id, version, created_at) FROM STDIN";
    const PASSWORDS: &str = "COPY passwords (account_id, hash, changed_at) FROM STDIN";
    const FOREIGN_KEY: &str = "ALTER TABLE passwords ADD CONSTRAINT passwords_account_id_fkey
         FOREIGN KEY (account_id) REFERENCES accounts (id) ON DELETE CASCADE NOT VALID";
    let hash = hash()?;
    for statement in [
        DROP_INDEX,
        "ALTER TABLE passwords DROP CONSTRAINT passwords_account_id_fkey",
    ] {
        sqlx::query(statement).execute(pool).await?;
    }
    for start in (0..count).step_by(usize::try_from(BATCH * 100)?) {
        let (mut subjects, mut accounts, mut passwords) = (String::new(), String::new(), String::new());
        for number in start..count.min(start + BATCH * 100) {
            let row = person_row(number)?;
            let (id, key, active, at) = (row.id, row.user_name_key, row.active, row.at);
            let document = row.document.replace('\\', "\\\\");
            writeln!(subjects, "{id}\t{key}\t{active}\tfalse\t{document}\t1\t{at}")?;
            writeln!(accounts, "{id}\t1\t{at}")?;
            writeln!(passwords, "{id}\t{hash}\t{at}")?;
        }
        for (statement, rows) in [(SUBJECTS, subjects), (ACCOUNTS, accounts), (PASSWORDS, passwords)] {
            let mut copy = pool.copy_in_raw(statement).await?;
            copy.send(rows.into_bytes()).await?;
            copy.finish().await?;
        }
        if start % 500_000 == 0 {
            progress(&format!("{start} accounts"));
        }
    }
    for statement in [CREATE_INDEX, FOREIGN_KEY, "VACUUM ANALYZE"] {
        sqlx::query(statement).execute(pool).await?;
        progress(statement);
    }
    Ok(())
}
