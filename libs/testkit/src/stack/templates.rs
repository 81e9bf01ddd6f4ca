//! Migrated databases that stacks begin with. The services themselves migrate the templates: without these, most of the first start of
//! a service is migrations, in every test.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

use super::configuration::{Ports, write, write_secrets};
use super::{START, Service, StackOptions, configuration_arguments, service_files};
use crate::db::{TestDb, copy_postgres, server_url, templates};
use crate::process::{Process, Program, program};
use crate::wait::within;

/// Writes the migrated SQLite file of `service` to `path`.
pub(super) async fn copy_sqlite(service: Service, path: &Path) {
    let key = key(service, "sqlite");
    templates::copy_sqlite(path, key, async |url: &str| migrate(service, url).await).await;
}

/// A migrated PostgreSQL database of `service`.
pub(super) async fn postgres(service: Service) -> TestDb {
    let key = key(service, "postgres");
    let admin = server_url();
    let template = templates::postgres(&admin, key, async |url: &str| migrate(service, url).await).await;
    copy_postgres(&template).await
}

/// The key of the template of `service`: another one after each change of a migration.
fn key(service: Service, engine: &str) -> u64 {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let crates = ["libs", "services"].map(|folder| entries(&root.join(folder)));
    let mut hasher = DefaultHasher::new();
    service_files(service).hash(&mut hasher);
    for folder in crates.iter().flatten() {
        let migrations = folder.join("migrations").join(engine);
        if !migrations.exists() {
            continue;
        }
        for file in entries(&migrations) {
            (file.file_name(), fs::read(&file).expect("a migration")).hash(&mut hasher);
        }
    }
    hasher.finish()
}

/// The paths in a folder, sorted.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder of the repository");
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry of the folder").path())
        .collect();
    paths.sort();
    paths
}

/// Brings the schema of the database at `url` up to date, as the command `migrate` of `service` does.
async fn migrate(service: Service, url: &str) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ports = Ports::choose(&StackOptions::default());
    write_secrets(folder.path());
    let (name, configuration) = service_files(service);
    let text = match service {
        Service::Auth => ports.auth_toml(url),
        Service::Users => ports.users_toml(url),
    };
    let configuration = folder.path().join(configuration);
    write(&configuration, &text);
    let mut arguments = configuration_arguments(&configuration);
    arguments.push("migrate".into());
    let mut process = Process::start(Program {
        name,
        path: program(name),
        arguments,
        environment: Vec::new(),
        folder: folder.path().to_owned(),
        log: folder.path().join("migrate.log"),
    });
    within(START, "the schema is migrated", async || {
        (!process.is_running()).then_some(())
    })
    .await;
    let status = process.ended().await;
    assert!(status.success(), "{}", process.log());
}
