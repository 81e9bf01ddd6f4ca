//! The container engine of this machine: Docker or podman.

use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use testkit::within;

use crate::files::root;
use crate::tools::run_successfully;

/// A container engine of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    Docker,
    Podman,
}

impl Engine {
    /// Docker when its daemon answers, else podman: as `scripts/lib.sh` chooses.
    pub(crate) fn detect() -> Self {
        static HERE: OnceLock<Engine> = OnceLock::new();
        *HERE.get_or_init(|| {
            let answers = |program: &str| {
                Command::new(program)
                    .arg("info")
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .status()
                    .is_ok_and(|status| status.success())
            };
            match () {
                () if answers("docker") => Self::Docker,
                () if answers("podman") => Self::Podman,
                () => panic!("neither Docker nor podman runs here: `make setup` installs podman"),
            }
        })
    }

    /// A command of the engine. What podman needs to run nested stands in `containers.conf`.
    pub(crate) fn command(self, arguments: &[&str]) -> Command {
        let mut command = match self {
            Self::Docker => Command::new("docker"),
            Self::Podman => {
                let mut podman = Command::new("podman");
                podman.env(
                    "CONTAINERS_CONF",
                    root().join("tests/deploy/containers/containers.conf"),
                );
                podman
            }
        };
        command.args(arguments).stdin(Stdio::null());
        command
    }

    /// Runs a command that must succeed and returns its output, trimmed.
    pub(crate) fn output(self, arguments: &[&str]) -> String {
        let output = run_successfully(&mut self.command(arguments));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Runs a command and returns its result.
    pub(crate) fn run(self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Waits until the container's own health check succeeds. Docker runs it by itself; podman would need systemd for that,
    /// so it is told to.
    pub(crate) async fn wait_until_healthy(self, container: &str) {
        within(
            Duration::from_secs(90),
            &format!("{container} is healthy"),
            async || {
                let healthy = match self {
                    Self::Podman => self.run(&["healthcheck", "run", container]).status.success(),
                    Self::Docker => {
                        self.output(&["inspect", "-f", "{{.State.Health.Status}}", container]) == "healthy"
                    }
                };
                if !healthy {
                    let running = self.output(&["inspect", "-f", "{{.State.Running}}", container]);
                    assert_eq!(running, "true", "{container} ended:\n{}", self.log(container));
                }
                healthy.then_some(())
            },
        )
        .await;
    }

    /// The output of a container so far.
    pub(crate) fn log(self, container: &str) -> String {
        let output = self.run(&["logs", container]);
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    }
}
