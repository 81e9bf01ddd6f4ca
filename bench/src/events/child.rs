//! A child process of the event measurement. The protocol is one command a line and one answer a line.

use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{ChildStdin, ChildStdout, Command};

use super::process_spec::ProcessSpec;

/// Killed when dropped.
pub(super) struct Child {
    process: tokio::process::Child,
    commands: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Child {
    /// This program again, in another role.
    pub(super) fn start(part: &ProcessSpec) -> Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .arg("--part")
            .arg(serde_json::to_string(part)?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let commands = process.stdin.take().context("the input of a part")?;
        let answers = process.stdout.take().context("the output of a part")?;
        Ok(Self {
            process,
            commands,
            answers: BufReader::new(answers).lines(),
        })
    }

    /// Sends a command and waits for the answer.
    pub(super) async fn ask(&mut self, command: &str) -> Result<String> {
        self.commands.write_all(format!("{command}\n").as_bytes()).await?;
        let answer = self.answers.next_line().await?;
        let answer = answer.with_context(|| format!("a part ended at {command:?}"))?;
        ensure!(!answer.starts_with("error"), "{command}: {answer}");
        Ok(answer)
    }

    /// User and system time so far.
    pub(super) fn cpu_time(&self) -> Result<std::time::Duration> {
        crate::process::cpu_time(self.process.id().context("the part runs")?)
    }
}
