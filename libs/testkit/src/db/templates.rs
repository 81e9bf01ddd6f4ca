//! Templates of test databases: migrated once, and copied for every test. Most tests would spend more time on migrations than on what
//! they are about.

#![expect(clippy::expect_used, reason = "a test that cannot start must say why")]

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use chassis::db::{Engine, Migrations};
use sqlx::{Connection, PgConnection};
use tokio::sync::OnceCell;

use super::run;

/// Templates by their keys. Tests that want the same one wait until the first of them has made it.
type Templates<T> = LazyLock<Mutex<HashMap<u64, Arc<OnceCell<T>>>>>;

/// The bytes of migrated SQLite files.
static FILES: Templates<Vec<u8>> = LazyLock::new(Mutex::default);
/// The names of migrated databases on the server. They stay there, for other processes too.
static DATABASES: Templates<String> = LazyLock::new(Mutex::default);

fn find<T>(templates: &Templates<T>, key: u64) -> Arc<OnceCell<T>> {
    let mut templates = templates.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(templates.entry(key).or_default())
}

/// The key of the template with these migrations: another one after each change of a file.
pub(super) fn key(engine: Engine, sets: &[&Migrations]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for set in sets {
        set.name.hash(&mut hasher);
        for file in set.of(engine).iter() {
            (file.version, &file.checksum).hash(&mut hasher);
        }
    }
    hasher.finish()
}

/// Copies the SQLite file of a template to `path`. `migrate` is called with the URL of an empty one when it is not there yet.
///
/// # Panics
/// A file cannot be read or written.
pub(crate) async fn copy_sqlite(path: &Path, key: u64, migrate: impl AsyncFnOnce(&str)) {
    let template = find(&FILES, key);
    let bytes = template.get_or_init(async || {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("template.db");
        migrate(&format!("sqlite:{}", file.display())).await;
        // The last connection that is closed moves the journal into the file.
        assert!(
            !folder.path().join("template.db-wal").exists(),
            "the migrated file is complete"
        );
        std::fs::read(&file).expect("the migrated file")
    });
    std::fs::write(path, bytes.await).expect("a file for the database");
}

/// The name of the database of a template on the server of `admin`, to which nobody is connected. `migrate` is called with the URL
/// of an empty one when it is not there yet.
///
/// # Panics
/// The server fails, or lets nobody create a database.
pub(crate) async fn postgres(admin: &str, key: u64, migrate: impl AsyncFnOnce(&str)) -> String {
    let template = find(&DATABASES, key);
    let name = template.get_or_init(async || {
        let name = format!("template_{key:016x}");
        make_postgres(admin, key, &name, migrate)
            .await
            .expect("the server of VESTIBULE_TEST_POSTGRES lets us create a template");
        name
    });
    name.await.clone()
}

async fn make_postgres(
    admin: &str,
    key: u64,
    name: &str,
    migrate: impl AsyncFnOnce(&str),
) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect(admin).await?;
    // One process makes it, and the others wait. The lock ends with the connection.
    sqlx::query("SELECT pg_advisory_lock($1)")
        .bind(key.cast_signed())
        .execute(&mut connection)
        .await?;
    let exists: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)")
        .bind(name)
        .fetch_one(&mut connection)
        .await?;
    if !exists {
        // Under another name until it is complete.
        let draft = format!("{name}_draft");
        run(
            &mut connection,
            format!("DROP DATABASE IF EXISTS {draft} WITH (FORCE)"),
        )
        .await?;
        run(&mut connection, format!("CREATE DATABASE {draft}")).await?;
        migrate(&super::url_of(admin, &draft)).await;
        run(
            &mut connection,
            format!("ALTER DATABASE {draft} RENAME TO {name}"),
        )
        .await?;
    }
    connection.close().await
}
