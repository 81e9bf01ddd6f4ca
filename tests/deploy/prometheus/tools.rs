//! The programs of Prometheus, from the system or from its image.

use std::process::Command;

use crate::files::{read, root};
use crate::tools::run_successfully;

/// The images that `scripts/setup` takes where the system has no package: the line `NAME=` of `scripts/lib.sh`.
pub(crate) fn image(name: &str) -> String {
    let scripts = read("scripts/lib.sh");
    let image = scripts
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    image
        .unwrap_or_else(|| panic!("{name} in scripts/lib.sh"))
        .to_owned()
}

/// `program` in the root of the repository.
pub(crate) fn program(program: &str) -> Command {
    let own = Command::new(program).arg("--version").output().is_ok();
    let mut command = if own {
        Command::new(program)
    } else {
        let image = image(if program == "amtool" {
            "ALERTMANAGER_IMAGE"
        } else {
            "PROMETHEUS_IMAGE"
        });
        let mut docker = Command::new("docker");
        docker.args(["run", "--rm", "-i", "--network", "host", "--entrypoint", program]);
        docker.args(["-w", "/repository", "-v"]);
        docker.arg(format!("{}:/repository:ro", root().display()));
        // Configurations of tests lie in the folder for temporary files.
        let temporary = std::env::temp_dir();
        docker.arg("-v").arg(format!("{0}:{0}", temporary.display()));
        docker.arg(image);
        docker
    };
    command.current_dir(root());
    command
}

/// Runs promtool, which says SUCCESS when it is content.
pub(crate) fn promtool(arguments: &[&str]) {
    let output = run_successfully(program("promtool").args(arguments));
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("SUCCESS"), "{arguments:?}: {said}");
}
