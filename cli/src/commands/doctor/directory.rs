//! The checks of the data directory: file modes, free space and configuration files.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::Finding;
use crate::commands::config::check_file;
use crate::datadir::{DataDir, lock_holder};
use crate::services::ServiceName;

/// 64 MiB. With less free space than this, a database may soon refuse to write.
const MIN_FREE_BYTES: u64 = 64 * 1024 * 1024;

/// Checks file modes, free space and configuration.
pub(super) fn check(data: &DataDir, findings: &mut Vec<Finding>) {
    findings.push(check_mode("data directory", data.root(), 0o700));
    let folder = data.secrets().folder().to_owned();
    findings.push(check_mode("folder of secrets", &folder, 0o700));
    findings.push(check_secrets(data, &folder));
    findings.push(check_free_space(data.root()));
    for (service, file) in [
        (ServiceName::Auth, data.auth_file()),
        (ServiceName::Users, data.users_file()),
    ] {
        let name = file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        findings.push(match check_file(service, &file) {
            Ok(()) => Finding::good(name, "can be used"),
            Err(problem) => Finding::bad(name, problem, format!("Edit {}.", file.display())),
        });
    }
}

/// Checks that `vestibule up` runs on the directory, and returns whether it does.
pub(super) fn check_supervisor(data: &DataDir, findings: &mut Vec<Finding>) -> bool {
    let holder = lock_holder(data.root());
    findings.push(match &holder {
        Some(pid) => Finding::good("vestibule up", format!("runs as process {pid}")),
        None => Finding::bad(
            "vestibule up",
            "does not run on this directory",
            format!("Start it: vestibule up --data {}", data.root().display()),
        ),
    });
    holder.is_some()
}

/// Checks that only the owner can read `path`.
pub(super) fn check_mode(what: &str, path: &Path, wanted: u32) -> Finding {
    let shown = path.display();
    match fs::metadata(path) {
        Err(error) => Finding::bad(
            what,
            format!("{shown}: {error}"),
            "Start `vestibule up`, which makes what is missing.",
        ),
        Ok(metadata) => {
            let mode = metadata.permissions().mode() & 0o777;
            if mode & 0o077 == 0 {
                Finding::good(what, format!("{shown} is its owner's alone ({mode:03o})"))
            } else {
                let detail = format!("{shown} can be read by others ({mode:03o})");
                Finding::bad(what, detail, format!("chmod {wanted:o} {shown}"))
            }
        }
    }
}

fn check_secrets(data: &DataDir, folder: &Path) -> Finding {
    let what = "secrets";
    let mut files: Vec<PathBuf> = match fs::read_dir(folder) {
        Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
        Err(_) => Vec::new(),
    };
    files.push(data.root().join("operator.json"));
    for file in &files {
        let found = check_mode(what, file, 0o600);
        if found.remedy.is_some() {
            return found;
        }
        if fs::metadata(file).is_ok_and(|metadata| metadata.len() == 0) {
            return Finding::bad(
                what,
                format!("{} is empty", file.display()),
                "Restore it from a backup; or remove it, and `vestibule up` makes a new one.",
            );
        }
    }
    Finding::good(what, format!("{} files are their owner's alone", files.len()))
}

fn check_free_space(root: &Path) -> Finding {
    let what = "room on the disk";
    match rustix::fs::statvfs(root) {
        Err(error) => Finding::bad(
            what,
            error.to_string(),
            "Check the disk that holds the data directory.",
        ),
        Ok(disk) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            let detail = format!("{} MiB are free", free / (1024 * 1024));
            if free < MIN_FREE_BYTES {
                Finding::bad(
                    what,
                    detail,
                    "Free some space before the databases refuse to write.",
                )
            } else {
                Finding::good(what, detail)
            }
        }
    }
}
