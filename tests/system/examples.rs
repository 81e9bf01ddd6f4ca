//! Tests of the applications in `examples`: the commands of their READMEs install and start them, and people sign in and out.

mod api;
mod web;

use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use testkit::{Process, Program, Stack, program, within};

use crate::docs::{console_commands, fenced_blocks};
use crate::source::root;
use crate::tools::{short_digest, tool};

/// An example.
struct Example {
    /// Its folder in `examples`.
    name: &'static str,
    /// The files that the installation of its README reads.
    reads: &'static [&'static str],
    /// The file that is started, unless the installation has made a program of it.
    source: Option<&'static str>,
}

impl Example {
    fn folder(&self) -> PathBuf {
        root().join("examples").join(self.name)
    }

    /// The commands of its README.
    fn commands(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.folder().join("README.md")).unwrap();
        let blocks = fenced_blocks(&text);
        let blocks = blocks.iter().filter(|(language, _)| language == "console");
        blocks.flat_map(|(_, lines)| console_commands(lines)).collect()
    }

    /// The folder in which `scripts/setup` has run this command of the README on the files that it reads, as they are now.
    fn installed(&self, command: &str) -> PathBuf {
        let prefix = format!("cd examples/{} && ", self.name);
        let command = command.strip_prefix(&prefix).unwrap();
        let files = self.reads.iter().map(|file| self.folder().join(file));
        let digest = short_digest(&format!("{command}\n"), files);
        tool(&format!("{}-{digest}", self.name))
    }

    /// Starts it by a command of its README beside what the installation has left, and waits until it listens.
    async fn start(&self, stack: &Stack, commands: [&str; 2], variables: &[(&str, String)]) -> Process {
        let [install, begin] = commands;
        let folder = stack.folder().join(self.name);
        std::fs::create_dir(&folder).unwrap();
        for entry in std::fs::read_dir(self.installed(install)).unwrap() {
            let entry = entry.unwrap();
            symlink(entry.path(), folder.join(entry.file_name())).unwrap();
        }
        // A copy: Node.js looks for packages beside the target of a link.
        if let Some(file) = self.source {
            std::fs::copy(self.folder().join(file), folder.join(file)).unwrap();
        }
        let command = begin.replace("CLIENT_ID=… CLIENT_SECRET=… ", "");
        let variables = variables.iter();
        let process = Process::start(Program {
            name: self.name,
            path: "bash".into(),
            arguments: vec!["-c".into(), format!("exec {command}").into()],
            environment: variables
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect(),
            folder,
            log: stack.folder().join(format!("{}.log", self.name)),
        });
        // Java compiles first.
        within(Duration::from_secs(60), "the example listens", async || {
            process.log().contains(" is at http").then_some(())
        })
        .await;
        process
    }
}

/// Runs a command with an operator's rights, and returns what it printed.
async fn run(stack: &Stack, command: &str) -> String {
    let output = Command::new("bash")
        .args(["-euc", &command.replace("cargo run --", "\"$VESTIBULE\"")])
        .current_dir(stack.folder())
        .env("VESTIBULE", program("vestibule"))
        .env("VESTIBULE_AUTH_URL", stack.auth_url(""))
        .env("VESTIBULE_USERS_URL", stack.users_url(""))
        .env("VESTIBULE_TOKEN", stack.operator_token().await)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// The id and the secret that `client add` printed.
fn credentials(printed: &str) -> [String; 2] {
    ["client_id", "client_secret"].map(|name| {
        let line = printed.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("{name} in {printed}"))
            .trim()
            .to_owned()
    })
}
