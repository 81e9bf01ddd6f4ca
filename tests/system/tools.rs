//! The tools that `scripts/setup` installs for this repository alone.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of a tool.
///
/// # Panics
/// It is not installed.
pub(crate) fn tool(name: &str) -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache"));
    let folder = cache.join("vestibule/tools").join(name);
    assert!(
        folder.exists(),
        "{} is missing: run scripts/setup",
        folder.display()
    );
    folder
}

/// nginx. Debian keeps it off the PATH of those who are not root.
///
/// # Panics
/// It is not installed.
pub(crate) fn nginx_program() -> PathBuf {
    let mut paths = ["/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/bin/nginx"]
        .into_iter()
        .map(PathBuf::from);
    paths
        .find(|path| path.exists())
        .expect("nginx is installed: run scripts/setup")
}

/// The digest of a text and files, with which `scripts/setup` names what it makes of them.
///
/// # Panics
/// A file cannot be read.
pub(crate) fn short_digest(text: &str, files: impl Iterator<Item = impl AsRef<Path>>) -> String {
    let mut command = Command::new("bash");
    command.args([
        "-euo",
        "pipefail",
        "-c",
        r#"{ printf %s "$0"; cat "$@"; } | sha256sum | cut -c 1-12"#,
        text,
    ]);
    for file in files {
        command.arg(file.as_ref());
    }
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

/// The version that a file of Python requirements pins of a package.
///
/// # Panics
/// It pins none.
pub(crate) fn pinned_version<'a>(requirements: &'a str, package: &str) -> &'a str {
    let mut lines = requirements.lines();
    let version = lines.find_map(|line| line.strip_prefix(package)?.strip_prefix("=="));
    version.expect("a pinned version")
}

/// The version that a `pom.xml` pins of a dependency.
///
/// # Panics
/// It pins none.
pub(crate) fn artifact_version<'a>(pom: &'a str, artifact: &str) -> &'a str {
    let dependency = pom.split(&format!("<artifactId>{artifact}</artifactId>")).nth(1);
    let version = dependency.and_then(|rest| rest.split("<version>").nth(1));
    let version = version.and_then(|rest| rest.split('<').next());
    version.expect("a pinned version")
}
