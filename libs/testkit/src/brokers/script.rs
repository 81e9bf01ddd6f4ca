//! Runner of the scripts that start brokers, each with a folder of its own.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tempfile::TempDir;

/// A script and the folder of its broker. The broker is removed when this is dropped.
#[derive(Debug)]
pub(super) struct Script {
    path: PathBuf,
    /// The command that removes the broker.
    last: &'static str,
    folder: TempDir,
}

impl Script {
    /// The script `scripts/NAME`, whose final command is `last`.
    pub(super) fn new(name: &str, last: &'static str) -> Self {
        Self {
            path: Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("../../scripts")
                .join(name),
            last,
            folder: tempfile::tempdir().expect("a temporary folder"),
        }
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs a command and returns its output.
    pub(super) async fn run(&self, command: &str, arguments: &[&str]) -> String {
        let output = tokio::process::Command::new(&self.path)
            .arg(command)
            .arg(self.folder.path())
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .await
            .expect("the script can be run");
        assert!(
            output.status.success(),
            "{} {command}: {}",
            self.path.display(),
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        let _ = std::process::Command::new(&self.path)
            .arg(self.last)
            .arg(self.folder.path())
            .stdin(Stdio::null())
            .output();
    }
}
