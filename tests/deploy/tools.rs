//! The checker programs that `scripts/setup` installs.

use std::path::PathBuf;
use std::process::{Command, Output};

/// The folder in which `scripts/setup` installs tools for this repository.
fn folder() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))
        .expect("HOME is set");
    cache.join("vestibule/tools")
}

/// A program of `tests/deploy/requirements.txt`.
pub(crate) fn checker(name: &str) -> Command {
    installed(folder().join("checkers/bin").join(name))
}

/// A program that `scripts/setup.d` put into that folder: `NAME-VERSION/NAME`.
pub(crate) fn tool(path: &str) -> Command {
    installed(folder().join(path))
}

/// Something else in that folder.
pub(crate) fn installed_path(path: &str) -> PathBuf {
    folder().join(path)
}

fn installed(program: PathBuf) -> Command {
    assert!(
        program.exists(),
        "{} is missing: run `make setup`, which installs it",
        program.display()
    );
    Command::new(program)
}

/// Runs a program that must succeed. Its output is in the message of a failure.
pub(crate) fn run_successfully(command: &mut Command) -> Output {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}
