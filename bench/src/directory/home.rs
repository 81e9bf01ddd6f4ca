//! The generated directories, which are kept between runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use sqlx::{Connection, PgConnection, SqliteConnection};
use testkit::{Engine, Stack};

use super::seed;
use super::seed::accounts;

/// The variable with the folder of the directories.
const FOLDER: &str = "VESTIBULE_BENCH_FOLDER";
/// The variable with the URL of the PostgreSQL server, as in the tests.
const POSTGRES: &str = "VESTIBULE_TEST_POSTGRES";

/// The longest that `auth` may take to read a directory.
const REBUILD: Duration = Duration::from_secs(3_600);

/// The folder of directories and results.
pub(super) fn folder() -> Result<PathBuf> {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return Ok(folder.into());
    }
    let home = std::env::var_os("HOME").context("HOME")?;
    Ok(Path::new(&home).join(".cache/vestibule/bench"))
}

/// The URL of the directory of `count` people, which is made unless an earlier run has made it.
pub(super) async fn prepare(engine: Engine, count: u64) -> Result<String> {
    let folder = folder()?;
    fs::create_dir_all(&folder)?;
    let name = format!("vestibule_bench_{count}");
    match engine {
        Engine::Sqlite => {
            let path = folder.join(format!("{name}.db"));
            let complete = path.with_extension("complete");
            let url = format!("sqlite:{}", path.display());
            if !complete.exists() {
                for ending in ["db", "db-wal", "db-shm"] {
                    let _ = fs::remove_file(path.with_extension(ending));
                }
                seed::fill(&url, engine, count).await?;
                fs::write(complete, "")?;
            }
            Ok(url)
        }
        Engine::Postgres => {
            let url = database_url(&std::env::var(POSTGRES).context(POSTGRES)?, &name)?;
            if !is_complete(&url).await {
                empty_database(&name).await?;
                seed::fill(&url, engine, count).await?;
            }
            Ok(url)
        }
    }
}

/// The URL of a database of `auth` with the accounts of `count` people. It is made anew: keys of an earlier run are in it.
pub(super) async fn prepare_accounts(engine: Engine, count: u64) -> Result<String> {
    let folder = folder()?;
    fs::create_dir_all(&folder)?;
    let name = format!("vestibule_bench_accounts_{count}");
    let url = match engine {
        Engine::Sqlite => {
            let path = folder.join(format!("{name}.db"));
            for ending in ["db", "db-wal", "db-shm"] {
                let _ = fs::remove_file(path.with_extension(ending));
            }
            format!("sqlite:{}", path.display())
        }
        Engine::Postgres => empty_database(&name).await?,
    };
    accounts::fill(&url, engine, count).await?;
    Ok(url)
}

/// The URL of an empty database on the server of the tests.
async fn empty_database(name: &str) -> Result<String> {
    let admin = std::env::var(POSTGRES).context(POSTGRES)?;
    let mut connection = PgConnection::connect(&admin).await?;
    for statement in [
        format!("DROP DATABASE IF EXISTS {name}"),
        format!("CREATE DATABASE {name}"),
    ] {
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement))
            .execute(&mut connection)
            .await?;
    }
    database_url(&admin, name)
}

fn database_url(admin: &str, name: &str) -> Result<String> {
    let (server, _) = admin.rsplit_once('/').context("a database in the URL")?;
    Ok(format!("{server}/{name}"))
}

/// True if a database has all its people, who are counted last.
async fn is_complete(url: &str) -> bool {
    let Ok(mut connection) = PgConnection::connect(url).await else {
        return false;
    };
    let people = sqlx::query_scalar("SELECT people FROM user_total")
        .fetch_one(&mut connection)
        .await;
    people.is_ok_and(|people: i64| people > 0)
}

/// The bytes of a database.
pub(super) async fn bytes(url: &str, engine: Engine) -> Result<f64> {
    Ok(match engine {
        Engine::Sqlite => {
            let mut connection = SqliteConnection::connect(url).await?;
            let pages: i64 = sqlx::query_scalar("PRAGMA page_count")
                .fetch_one(&mut connection)
                .await?;
            let size: i64 = sqlx::query_scalar("PRAGMA page_size")
                .fetch_one(&mut connection)
                .await?;
            (pages * size) as f64
        }
        Engine::Postgres => {
            let mut connection = PgConnection::connect(url).await?;
            let bytes: i64 = sqlx::query_scalar("SELECT pg_database_size(current_database())")
                .fetch_one(&mut connection)
                .await?;
            bytes as f64
        }
    })
}

/// Waits until `auth` has read everybody. The result are the seconds since the first of them.
pub(super) async fn wait_until_rebuilt(stack: &Stack, engine: Engine, count: u64) -> Result<f64> {
    let [url, _] = stack.database_urls();
    let wanted = i64::try_from(count)?;
    let mut began: Option<(Instant, i64)> = None;
    let deadline = Instant::now() + REBUILD;
    while Instant::now() < deadline {
        let subjects = subjects(&url, engine).await?;
        match began {
            _ if subjects >= wanted => {
                let (since, first) = began.unwrap_or((Instant::now(), 0));
                let share = (wanted - first).max(1) as f64 / wanted as f64;
                return Ok((since.elapsed().as_secs_f64() / share).max(1e-3));
            }
            None if subjects > 0 => began = Some((Instant::now(), subjects)),
            _ => {}
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    bail!("auth did not read everybody within an hour")
}

async fn subjects(url: &str, engine: Engine) -> Result<i64> {
    const COUNT: &str = "SELECT count(*) FROM subjects";
    Ok(match engine {
        Engine::Sqlite => {
            let mut connection = SqliteConnection::connect(url).await?;
            sqlx::query_scalar(COUNT).fetch_one(&mut connection).await?
        }
        Engine::Postgres => {
            let mut connection = PgConnection::connect(url).await?;
            sqlx::query_scalar(COUNT).fetch_one(&mut connection).await?
        }
    })
}
