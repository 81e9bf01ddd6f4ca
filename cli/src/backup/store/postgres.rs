//! PostgreSQL: backup and restoration with pg_dump, pg_restore and psql.
//!
//! These tools get a password in the environment, never on the command line.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use chassis::db::{Db, DbConfig};
use events::restore;
use percent_encoding::percent_decode_str;
use secrecy::ExposeSecret;
use sqlx::PgPool;
use url::Url;
use uuid::Uuid;

use super::{GoneUsers, deleted_ids_query, erased_ids_query};
use crate::backup::create::{database_copy, schema_levels};
use crate::backup::manifest::{DatabaseCopy, Manifest};
use crate::backup::restore::RestorationNote;
use crate::backup::{BackupTarget, db_error, io_error, sql_error};
use crate::error::{CommandError, ErrorCode};

const FILE: &str = "database.dump";
/// The parameters of a database URL that the PostgreSQL tools know too.
const SHARED_KEYS: [&str; 6] = ["sslmode", "sslrootcert", "sslcert", "sslkey", "host", "port"];
/// Within this time every running replica writes a heartbeat. The row of a replica that died does not change.
const HEARTBEAT_WINDOW: Duration = Duration::from_secs(5);

/// Copies a consistent state of the database.
pub(in crate::backup) async fn dump(
    target: &BackupTarget,
    database: &DbConfig,
    to: &Path,
) -> Result<DatabaseCopy, CommandError> {
    let database = &database.direct();
    let db = database.open().await.map_err(|error| db_error(&error))?;
    let schema = schema_levels(&db, target).await?;
    let pool = pool(&db)?;
    refuse_older_tools(pool, &["pg_dump"]).await?;
    let file = to.join(FILE);
    drop(super::sqlite::private_file(&file)?);
    let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    let mut tx = pool.begin_with(begin).await.map_err(sql_error)?;
    let (last, snapshot): (i64, String) =
        sqlx::query_as("SELECT last, pg_export_snapshot() FROM outbox_feed")
            .fetch_one(&mut *tx)
            .await
            .map_err(sql_error)?;
    let mut command = tool_command("pg_dump", database)?;
    command
        .args(["--format=custom", "--no-owner", "--no-privileges"])
        .arg(format!("--snapshot={snapshot}"))
        .arg(format!("--file={}", file.display()));
    run_tool("pg_dump", command)
        .map_err(|failure| failure.hint(format!("The copy was written to {}.", file.display())))?;
    tx.rollback().await.map_err(sql_error)?;
    db.close().await;
    std::fs::File::open(&file)
        .and_then(|file| file.sync_all())
        .map_err(|error| io_error("write", &file, &error))?;
    Ok(database_copy(FILE, schema, last))
}

/// Returns whether the database has tables. Fails when a replica uses it, or when the tools are too old.
pub(in crate::backup) async fn inspect(service: &str, database: &DbConfig) -> Result<bool, CommandError> {
    let database = &database.direct();
    let db = database.open().await.map_err(|error| db_error(&error))?;
    let pool = pool(&db)?;
    refuse_older_tools(pool, &["pg_restore", "psql"]).await?;
    let deadline = Instant::now() + HEARTBEAT_WINDOW;
    let mut before: Option<i64> = None;
    while let Some(beats) = heartbeat_sum(pool).await? {
        if before.is_some_and(|before| before != beats) {
            return Err(crate::backup::restore::in_use_error(service));
        }
        if Instant::now() > deadline {
            break;
        }
        before = Some(beats);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let tables = "SELECT EXISTS (SELECT 1 FROM pg_tables WHERE schemaname = 'public')";
    let taken: bool = sqlx::query_scalar(tables)
        .fetch_one(pool)
        .await
        .map_err(sql_error)?;
    db.close().await;
    Ok(taken)
}

/// The ids of the users who are gone in the database of `service`.
pub(in crate::backup) async fn gone_users(
    service: &str,
    database: &DbConfig,
) -> Result<GoneUsers, CommandError> {
    let db = database.direct().open().await.map_err(|error| db_error(&error))?;
    let pool = pool(&db)?;
    let known: bool = sqlx::query_scalar("SELECT to_regclass('public.outbox_feed') IS NOT NULL")
        .fetch_one(pool)
        .await
        .map_err(sql_error)?;
    let found = async {
        let mut gone = GoneUsers::default();
        // Not in an empty database.
        if known {
            let erased: Vec<Uuid> = sqlx::query_scalar(erased_ids_query(service))
                .fetch_all(pool)
                .await?;
            gone.erased.extend(erased);
            let knows = "SELECT to_regclass('public.deleted_users') IS NOT NULL OR to_regclass('public.subjects') IS NOT NULL";
            if sqlx::query_scalar(knows).fetch_one(pool).await? {
                let deleted: Vec<Uuid> = sqlx::query_scalar(deleted_ids_query(service))
                    .fetch_all(pool)
                    .await?;
                gone.deleted.extend(deleted);
            }
        }
        Ok(gone)
    };
    let found = found.await.map_err(sql_error);
    db.close().await;
    found
}

/// The sum of all heartbeats, which rises while a replica runs; none when the database has no replicas.
async fn heartbeat_sum(pool: &PgPool) -> Result<Option<i64>, CommandError> {
    let known: bool = sqlx::query_scalar("SELECT to_regclass('public.outbox_replicas') IS NOT NULL")
        .fetch_one(pool)
        .await
        .map_err(sql_error)?;
    if !known {
        return Ok(None);
    }
    sqlx::query_scalar("SELECT CAST(sum(beats) AS BIGINT) FROM public.outbox_replicas")
        .fetch_one(pool)
        .await
        .map_err(sql_error)
}

/// Replaces the content of the database by the dump, in one transaction, then migrates the schema.
pub(in crate::backup) async fn install(
    target: &BackupTarget,
    manifest: &Manifest,
    from: &Path,
    database: &DbConfig,
    noted: &RestorationNote<'_>,
) -> Result<(), CommandError> {
    let database = &database.direct();
    let work = tempfile::tempdir().map_err(|error| io_error("write in", Path::new("/tmp"), &error))?;
    let part = |name: &str, text: &str| -> Result<PathBuf, CommandError> {
        let path = work.path().join(name);
        std::fs::write(&path, text).map_err(|error| io_error("write", &path, &error))?;
        Ok(path)
    };
    let clear = part("clear.sql", CLEAR)?;
    let note = format!(
        "SET search_path = public;\n{}{}{}",
        restore::note(&noted.restoration),
        restore::note_erased(noted.erased),
        restore::note_deleted(noted.deleted)
    );
    let note = part("note.sql", &note)?;
    let script = work.path().join("restore.sql");
    let mut unpack = Command::new("pg_restore");
    unpack
        .args(["--no-owner", "--no-privileges"])
        .arg(format!("--file={}", script.display()))
        .arg(from.join(&manifest.file));
    run_tool("pg_restore", unpack)?;
    let mut command = tool_command("psql", database)?;
    command.args([
        "--no-psqlrc",
        "--quiet",
        "--single-transaction",
        "--set=ON_ERROR_STOP=1",
    ]);
    for file in [clear, script, note] {
        command.arg(format!("--file={}", file.display()));
    }
    run_tool("psql", command)?;
    let db = database.open().await.map_err(|error| db_error(&error))?;
    db.migrate(&database.location(), target.sets)
        .await
        .map_err(|error| db_error(&error))?;
    db.close().await;
    Ok(())
}

/// Drops all tables, and the functions that are not of an extension. The schema stays, with its owner and its grants.
const CLEAR: &str = "SET client_min_messages = warning;
DO $$
DECLARE name text;
BEGIN
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
        EXECUTE format('DROP TABLE public.%I CASCADE', name);
    END LOOP;
    FOR name IN SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace
            AND NOT EXISTS (SELECT 1 FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = pg_proc.oid AND deptype = 'e') LOOP
        EXECUTE 'DROP ROUTINE IF EXISTS ' || name || ' CASCADE';
    END LOOP;
END $$;
";

fn pool(db: &Db) -> Result<&PgPool, CommandError> {
    match db {
        Db::Postgres(server) if server.has_sessions() => Ok(server.pool()),
        Db::Postgres(_) => Err(CommandError::new(
            ErrorCode::Usage,
            "the database is behind a pooler: set database.direct_url to the URL of PostgreSQL itself",
        )),
        Db::Sqlite { .. } => Err(CommandError::new(
            ErrorCode::Failed,
            "this is no PostgreSQL database",
        )),
    }
}

/// The command of a tool that connects to `database`.
fn tool_command(name: &str, database: &DbConfig) -> Result<Command, CommandError> {
    let mut url = Url::parse(database.url.expose_secret())
        .map_err(|_| CommandError::new(ErrorCode::Usage, "database.url is no URL"))?;
    let mut command = Command::new(name);
    if let Some(password) = url.password() {
        let password = percent_decode_str(password).decode_utf8_lossy().into_owned();
        command.env("PGPASSWORD", password);
    }
    let shared: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(key, _)| SHARED_KEYS.contains(&key.as_ref()))
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect();
    // A URL with a host can lose its password.
    let _ = url.set_password(None);
    url.set_query(None);
    if !shared.is_empty() {
        url.query_pairs_mut().extend_pairs(shared);
    }
    command.arg(format!("--dbname={url}")).arg("--no-password");
    Ok(command)
}

/// Fails when a tool is older than the server: a tool supports servers up to its own version.
async fn refuse_older_tools(pool: &PgPool, names: &[&str]) -> Result<(), CommandError> {
    let server: String = sqlx::query_scalar("SHOW server_version_num")
        .fetch_one(pool)
        .await
        .map_err(sql_error)?;
    let server = server.parse::<u32>().unwrap_or_default() / 10_000;
    for name in names {
        let mut command = Command::new(name);
        command.arg("--version");
        let said = run_tool(name, command)?;
        let digits: String = said
            .chars()
            .skip_while(|c| !c.is_ascii_digit())
            .take_while(char::is_ascii_digit)
            .collect();
        let version = digits.parse::<u32>().unwrap_or_default();
        if version < server {
            let why = format!("{name} is of version {version}, the server of version {server}");
            return Err(CommandError::new(ErrorCode::Failed, why)
                .hint("Install the client programs of the server's version."));
        }
    }
    Ok(())
}

/// Runs a tool and returns its standard output.
fn run_tool(name: &str, mut command: Command) -> Result<String, CommandError> {
    let output = command.output().map_err(|error| match error.kind() {
        ErrorKind::NotFound => CommandError::new(ErrorCode::NotFound, format!("{name} is not installed"))
            .hint("It comes with PostgreSQL's client programs (Debian: postgresql-client)."),
        _ => CommandError::new(ErrorCode::Failed, format!("cannot start {name}: {error}")),
    })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(CommandError::new(
        ErrorCode::Failed,
        format!("{name} failed: {}", said.trim()),
    ))
}
