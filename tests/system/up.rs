//! A running `vestibule up` for the commands of the documentation. The command itself is tested in `cli/tests`.

use std::time::Duration;

use tempfile::TempDir;
use testkit::{Process, Program, free_port, program, within};

const START_TIMEOUT: Duration = Duration::from_secs(60);

/// A running `vestibule up` in a folder of its own.
pub(crate) struct Up {
    #[expect(dead_code, reason = "kept so that it is killed when dropped")]
    process: Process,
    pub(crate) ports: [u16; 4],
    pub(crate) folder: TempDir,
}

fn arguments(ports: [u16; 4]) -> Vec<String> {
    let names = [
        "--auth-port",
        "--users-port",
        "--auth-management-port",
        "--users-management-port",
    ];
    let mut arguments = vec!["up".to_owned(), "--data".to_owned(), "data".to_owned()];
    for (name, port) in names.into_iter().zip(ports) {
        arguments.extend([name.to_owned(), port.to_string()]);
    }
    arguments
}

impl Up {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ports = [free_port(), free_port(), free_port(), free_port()];
        let process = Process::start(Program {
            name: "up",
            path: program("vestibule"),
            arguments: arguments(ports).into_iter().map(Into::into).collect(),
            environment: Vec::new(),
            folder: folder.path().to_owned(),
            log: folder.path().join("up.log"),
        });
        Self {
            process,
            ports,
            folder,
        }
    }

    pub(crate) async fn wait_until_ready(&self) {
        for port in [self.ports[2], self.ports[3]] {
            within(START_TIMEOUT, "a service is ready", async || is_ready(port).await).await;
        }
    }
}

async fn is_ready(management: u16) -> Option<()> {
    let answer = reqwest::get(format!("http://127.0.0.1:{management}/health/ready"))
        .await
        .ok()?;
    answer.status().is_success().then_some(())
}
