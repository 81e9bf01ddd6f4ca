//! Test databases: a fresh database for every test, on both engines.
//!
//! ```text
//! testkit::on_both_engines! {
//! migrations = [&events::MIGRATIONS, &crate::MIGRATIONS];
//!
//! async fn a_name_is_taken_once(db: TestDb) {
//! let mut tx = db.begin("test").await.unwrap();
//! …
//! }
//! }
//! ```
//! generates the tests `a_name_is_taken_once::sqlite` and `a_name_is_taken_once::postgres`. SQLite files are in a
//! temporary folder; PostgreSQL databases are on the server of `VESTIBULE_TEST_POSTGRES` (the URL of a role that may create
//! databases). Both are removed when the [`TestDb`] is dropped. Both are copies of a template that is migrated once.

pub(crate) mod templates;

use std::ops::Deref;
use std::sync::atomic::{AtomicU32, Ordering};

use chassis::db::{Db, DbConfig, Engine, Migrations};
use sqlx::migrate::Migrator;
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

use crate::wait::eventually;

/// The environment variable with the URL of the PostgreSQL server.
const POSTGRES: &str = "VESTIBULE_TEST_POSTGRES";

/// A database of a single test. It dereferences to [`Db`].
#[derive(Debug)]
pub struct TestDb {
    db: Db,
    url: String,
    home: TestDbHome,
}

#[derive(Debug)]
enum TestDbHome {
    Folder(#[expect(dead_code, reason = "removes the folder when dropped")] TempDir),
    Server { admin: String, name: String },
}

impl TestDb {
    /// The URL for a configuration.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Simulates a failover to a read-only server: all connections to this PostgreSQL database end, and new ones are read-only
    /// for as long as they last.
    ///
    /// # Panics
    /// The server fails, or this is not a PostgreSQL database.
    #[expect(clippy::expect_used, reason = "a test that cannot go on must say why")]
    pub async fn make_read_only(&self) {
        let (admin, name) = self.server();
        let set = format!("ALTER DATABASE {name} SET default_transaction_read_only = on");
        administer(admin, set).await.expect("a default for the database");
        let end = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
        administer(admin, end).await.expect("an end of all connections");
    }

    /// Ends the simulated failover: new connections may write again.
    ///
    /// # Panics
    /// See [`TestDb::make_read_only`].
    #[expect(clippy::expect_used, reason = "a test that cannot go on must say why")]
    pub async fn make_writable(&self) {
        let (admin, name) = self.server();
        let reset = format!("ALTER DATABASE {name} RESET default_transaction_read_only");
        administer(admin, reset)
            .await
            .expect("a default for the database");
    }

    #[expect(clippy::panic, reason = "a test that cannot go on must say why")]
    fn server(&self) -> (&str, &str) {
        match &self.home {
            TestDbHome::Server { admin, name } => (admin, name),
            TestDbHome::Folder(_) => panic!("only PostgreSQL has failovers"),
        }
    }

    /// Waits until a statement waits for a lock that another transaction holds. On SQLite it returns at once: a transaction
    /// waits for the only writer before it begins, so nothing of it has happened either way.
    ///
    /// # Panics
    /// No statement waits within 20 seconds, or the server fails.
    #[expect(clippy::expect_used, reason = "a test that cannot go on must say why")]
    pub async fn wait_for_lock_waiter(&self) {
        const WAITS: &str = "SELECT EXISTS (SELECT 1 FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock')";
        let Db::Postgres(server) = &self.db else { return };
        eventually("a statement waits for a lock", async || {
            let waits: Result<bool, _> = sqlx::query_scalar(WAITS).fetch_one(server.pool()).await;
            waits.expect("the activity of the server").then_some(())
        })
        .await;
    }

    /// Opens a second handle with its own connections, as another replica would.
    ///
    /// # Panics
    /// The database cannot be opened.
    pub async fn another(&self) -> Db {
        open(&self.url).await
    }
}

impl Deref for TestDb {
    type Target = Db;

    fn deref(&self) -> &Db {
        &self.db
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        let TestDbHome::Server { admin, name } = &self.home else {
            return;
        };
        let (admin, statement) = (
            admin.clone(),
            format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
        );
        // A thread with a runtime of its own, because the test's runtime is busy dropping this value. A database that cannot be
        // dropped stays on the server, which `make test` removes.
        let cleanup = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            if let Ok(runtime) = runtime {
                let _ = runtime.block_on(administer(&admin, statement));
            }
        });
        let _ = cleanup.join();
    }
}

/// The migrations of a set up to a version, as an earlier program had them.
pub fn migrations_until(set: &Migrations, version: i64) -> Migrations {
    let until = |files: &Migrator| {
        let known = files.iter().filter(|file| file.version <= version);
        Migrator::with_migrations(known.cloned().collect())
    };
    Migrations {
        name: set.name,
        sqlite: until(&set.sqlite),
        postgres: until(&set.postgres),
    }
}

/// One fresh database per engine, migrated with `sets`.
///
/// # Panics
/// A database cannot be created; the message says what to do.
pub async fn databases(sets: &[&Migrations]) -> Vec<TestDb> {
    vec![sqlite(sets).await, postgres(sets).await]
}

/// A fresh database on `engine`, migrated with `sets`.
///
/// # Panics
/// As [`sqlite`] and [`postgres`].
pub async fn of_engine(engine: Engine, sets: &[&Migrations]) -> TestDb {
    match engine {
        Engine::Sqlite => sqlite(sets).await,
        Engine::Postgres => postgres(sets).await,
    }
}

/// A fresh SQLite file, migrated with `sets`.
///
/// # Panics
/// When it cannot be made.
#[expect(clippy::expect_used, reason = "a test that cannot start must say why")]
pub async fn sqlite(sets: &[&Migrations]) -> TestDb {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("test.db");
    if !sets.is_empty() {
        let key = templates::key(Engine::Sqlite, sets);
        templates::copy_sqlite(&path, key, async |url: &str| migrate(url, sets).await).await;
    }
    let url = format!("sqlite:{}", path.display());
    TestDb {
        db: open(&url).await,
        url,
        home: TestDbHome::Folder(folder),
    }
}

/// A fresh PostgreSQL database, migrated with `sets`.
///
/// # Panics
/// When `VESTIBULE_TEST_POSTGRES` is not set or names no server that lets us create a database.
pub async fn postgres(sets: &[&Migrations]) -> TestDb {
    let template = match sets {
        [] => "template1".to_owned(),
        sets => {
            let key = templates::key(Engine::Postgres, sets);
            templates::postgres(&server_url(), key, async |url: &str| migrate(url, sets).await).await
        }
    };
    copy_postgres(&template).await
}

/// A fresh copy of the PostgreSQL database `template`.
///
/// # Panics
/// As [`postgres`].
#[expect(clippy::expect_used, reason = "a test that cannot start must say why")]
pub(crate) async fn copy_postgres(template: &str) -> TestDb {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let admin = server_url();
    let name = format!(
        "test_{}_{}",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    );
    let made = async {
        let mut connection = PgConnection::connect(&admin).await?;
        run(
            &mut connection,
            format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
        )
        .await?;
        run(
            &mut connection,
            format!("CREATE DATABASE {name} TEMPLATE {template}"),
        )
        .await?;
        connection.close().await
    };
    made.await
        .expect("the server of VESTIBULE_TEST_POSTGRES lets us create a database");
    let url = url_of(&admin, &name);
    TestDb {
        db: open(&url).await,
        url,
        home: TestDbHome::Server { admin, name },
    }
}

/// The URL of the PostgreSQL server, with a role that may create databases.
#[expect(clippy::panic, reason = "a test that cannot start must say why")]
pub(crate) fn server_url() -> String {
    let Ok(url) = std::env::var(POSTGRES) else {
        panic!("{POSTGRES} is not set: run the tests with `make test`, which starts a PostgreSQL server");
    };
    url
}

/// The URL of another database on the server of `admin`.
#[expect(clippy::expect_used, reason = "a test that cannot start must say why")]
fn url_of(admin: &str, name: &str) -> String {
    let mut url = url::Url::parse(admin).expect("VESTIBULE_TEST_POSTGRES is a postgres:// URL");
    url.set_path(name);
    url.into()
}

async fn migrate(url: &str, sets: &[&Migrations]) {
    let db = open(url).await;
    if let Err(error) = db.migrate("the test database", sets).await {
        refuse(&error);
    }
    db.close().await;
}

async fn open(url: &str) -> Db {
    match DbConfig::new(url).open().await {
        Ok(db) => db,
        Err(error) => refuse(&error),
    }
}

#[expect(clippy::panic, reason = "a test that cannot start must say why")]
fn refuse(error: &chassis::db::DbError) -> ! {
    panic!("no test database: {error}")
}

async fn administer(admin: &str, statement: String) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect(admin).await?;
    run(&mut connection, statement).await?;
    connection.close().await
}

async fn run(connection: &mut PgConnection, statement: String) -> Result<(), sqlx::Error> {
    // CREATE DATABASE takes no bound values; the name is made of digits by us.
    let mut statement = sqlx::QueryBuilder::<sqlx::Postgres>::new(statement);
    statement.build().execute(connection).await.map(drop)
}

/// Runs a test on a multi-threaded runtime.
///
/// # Panics
/// The runtime cannot start.
#[expect(clippy::expect_used, reason = "a test that cannot start must say why")]
pub fn block_on<F: Future>(story: F) -> F::Output {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(story)
}

/// Generates the tests `name::sqlite` and `name::postgres` from each `async fn name(db: TestDb)`.
#[macro_export]
macro_rules! on_both_engines {
    (migrations = $sets:tt; $($(#[$meta:meta])* async fn $name:ident($db:ident: TestDb) $body:block)+) => {
        $(
            mod $name {
                use super::*;

                async fn story($db: $crate::TestDb) $body

                $(#[$meta])*
                #[test]
                fn sqlite() {
                    $crate::block_on(async { story($crate::sqlite(&$sets).await).await });
                }

                $(#[$meta])*
                #[test]
                fn postgres() {
                    $crate::block_on(async { story($crate::postgres(&$sets).await).await });
                }
            }
        )+
    };
}

#[cfg(test)]
mod tests {
    use chassis::on_engine;

    crate::on_both_engines! {
        migrations = [];

        async fn a_fresh_database_answers_and_another_handle_sees_what_it_wrote(db: TestDb) {
            let mut tx = db.begin("test").await.unwrap();
            on_engine!(&mut tx, c => sqlx::query("CREATE TABLE t (n INTEGER)").execute(c).await.unwrap().rows_affected());
            tx.commit().await.unwrap();
            let mut reader = db.another().await.reader().await.unwrap();
            let rows: i64 = on_engine!(&mut reader, c => sqlx::query_scalar("SELECT count(*) FROM t").fetch_one(c).await.unwrap());
            assert_eq!(rows, 0);
        }
    }
}
