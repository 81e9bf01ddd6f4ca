//! The tool that applies declarative files, with the credential of the operator.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use testkit::{Stack, program};

/// The tool with the operator's credential, and a folder for files.
pub(super) struct Tool<'a> {
    stack: &'a Stack,
    pub(super) folder: PathBuf,
}

impl<'a> Tool<'a> {
    pub(super) fn new(stack: &'a Stack) -> Self {
        let folder = stack.folder().join("declared");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("operator"), stack.operator_secret()).unwrap();
        Self { stack, folder }
    }

    pub(super) fn run(&self, arguments: &[&str]) -> Ran {
        let output = Command::new(program("vestibule"))
            .args(arguments)
            .args([
                "--auth-url",
                &self.stack.auth_url(""),
                "--client-id",
                "vestibule-cli",
            ])
            .arg("--client-secret-file")
            .arg(self.folder.join("operator"))
            .current_dir(&self.folder)
            .output()
            .unwrap();
        Ran {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Applies a file with these options.
    pub(super) fn apply(&self, text: &str, options: &[&str]) -> Ran {
        fs::write(self.folder.join("vestibule.toml"), text).unwrap();
        self.run(&[&["apply", "-f", "vestibule.toml"], options].concat())
    }

    pub(super) fn client(&self, id: &str) -> Value {
        serde_json::from_str(&self.run(&["client", "show", id, "--output", "json"]).ok()).unwrap()
    }

    /// The status of a token request of the client with the secret in a file.
    pub(super) async fn token_status(&self, id: &str, secret: &str) -> u16 {
        let request = self.stack.http().post(self.stack.auth_url("/oauth2/token"));
        let request = request
            .basic_auth(id, Some(secret))
            .form(&[("grant_type", "client_credentials"), ("scope", "users:read")]);
        request.send().await.unwrap().status().as_u16()
    }
}

/// The result of a command.
pub(super) struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    pub(super) fn ok(self) -> String {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self.out
    }

    pub(super) fn ends_with(self, code: i32) -> String {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        format!("{}{}", self.out, self.err)
    }
}
