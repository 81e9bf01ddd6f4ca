//! The checks of the databases: each can be opened and read.

use chassis::telemetry::error_text;
use std::path::Path;

use chassis::config;
use chassis::db::DbConfig;
use secrecy::ExposeSecret;
use serde::Deserialize;

use super::Finding;
use crate::datadir::DataDir;

/// The section `database` of a configuration file.
#[derive(Deserialize)]
struct DatabaseSection {
    database: DbConfig,
}

/// Checks the database of each service.
pub(super) async fn check(data: &DataDir, findings: &mut Vec<Finding>) {
    for (service, what, file) in [
        ("auth", "database of auth", data.auth_file()),
        ("users", "database of users", data.users_file()),
    ] {
        let loaded = config::load::<DatabaseSection>(service, Some(&file), std::env::vars());
        // A configuration that cannot be read is a finding of its own.
        let Ok(DatabaseSection { database }) = loaded else {
            continue;
        };
        findings.push(check_store(what, data.root(), database).await);
    }
}

async fn check_store(what: &str, root: &Path, mut database: DbConfig) -> Finding {
    let location = database.location();
    if let Some(path) = database.url.expose_secret().strip_prefix("sqlite:") {
        // The services run in the data directory, from which a relative path counts.
        let path = root.join(path.strip_prefix("//").unwrap_or(path));
        if !path.exists() {
            let detail = format!("{} is not there", path.display());
            return Finding::bad(
                what,
                detail,
                "`vestibule up` makes it; or restore it from a backup.",
            );
        }
        database = DbConfig::new(format!("sqlite:{}", path.display()));
    }
    let opened = async { database.open().await?.reader().await.map(drop) };
    match opened.await {
        Ok(()) => Finding::good(what, format!("{location} can be read")),
        Err(error) => Finding::bad(
            what,
            error_text(&error),
            "See that the server runs and the address is right; a damaged file is restored from a backup.",
        ),
    }
}
