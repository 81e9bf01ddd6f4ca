//! Tests of the documentation: each command in a `console` block runs, each sample parses, each link has a target.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use testkit::program;

use crate::source::{Source, files, root};
use crate::up::Up;

/// Commands that a test cannot run, each with the reason.
const SKIPPED_COMMANDS: [(&str, &str); 22] = [
    ("git clone", "needs the repository's public address"),
    ("cargo run -- up", "runs already: the other commands talk to it"),
    ("vestibule up", "runs already: the other commands talk to it"),
    (
        "make ",
        "this test is part of what it runs, or it measures or installs for minutes",
    ),
    (
        "vestibule restore",
        "needs services that do not run; tests/upgrade has it run by the tool",
    ),
    ("scripts/test", "this test is part of what it runs"),
    (
        "cd examples/",
        "installs: `scripts/setup` runs it for tests/system/examples.rs",
    ),
    (
        "CLIENT_ID=…",
        "starts the example, which tests/system/examples.rs does",
    ),
    (".venv/bin/python api.py", "tests/system/examples.rs starts it"),
    (
        "localhost:3001",
        "needs the example; tests/system/examples.rs runs it",
    ),
    ("npm ", "installs"),
    ("pip ", "installs"),
    ("cargo run --release -p bench", "measures for minutes"),
    (
        "docker ",
        "needs a registry; tests/deploy/containers runs what these commands start",
    ),
    ("compose/secrets", "tests/deploy/containers runs it in a copy"),
    ("cd deploy", "the commands after it are not run here"),
    ("export POSTGRES_IMAGE", "for a command that is not run here"),
    (
        "scripts/build-images",
        "builds for minutes; tests/deploy/containers runs it",
    ),
    ("cargo test", "this test is part of what it runs"),
    (
        "kubectl ",
        "needs a cluster; tests/deploy/helm looks at the Secrets that these commands make",
    ),
    (
        "helm ",
        "needs a cluster; tests/deploy/helm renders with the same options",
    ),
    (
        "--client-secret-file vestibule-secrets/",
        "talks to a release of the chart: tests/deploy/helm runs it against one",
    ),
];

/// Commands that have a placeholder, or that show a refusal: what a reader sees who types them as they are.
const REFUSED_COMMANDS: [(&str, &str); 5] = [
    ("code=CODE", "invalid_grant"),
    ("refresh_token=TOKEN", "invalid_grant"),
    ("subject_token=TOKEN", "invalid_request"),
    ("device_code=DEVICE_CODE", "invalid_grant"),
    ("-D - http://localhost:8001/user", "resource_metadata="),
];

fn documents() -> Vec<Source> {
    let mut documents: Vec<Source> = files(".", "md");
    documents.retain(|document| !document.path.contains("node_modules/"));
    assert!(documents.iter().any(|document| document.path == "README.md"));
    documents
}

/// A fenced block: its language and its lines.
pub(crate) fn fenced_blocks(text: &str) -> Vec<(String, Vec<&str>)> {
    let mut blocks = Vec::new();
    let mut open: Option<(String, Vec<&str>)> = None;
    for line in text.lines() {
        match (line.trim_start().strip_prefix("```"), open.as_mut()) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(language), None) => open = Some((language.trim().to_owned(), Vec::new())),
            (None, Some((_, lines))) => lines.push(line),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}

/// The commands of a `console` block: lines that begin with `$ `, with their continuations. The others are output.
pub(crate) fn console_commands(lines: &[&str]) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    let mut continued = false;
    for line in lines {
        if let Some(command) = line.trim_start().strip_prefix("$ ") {
            commands.push(command.to_owned());
        } else if continued {
            write!(commands.last_mut().unwrap(), "\n{line}").unwrap();
        }
        continued = line.ends_with('\\') && (continued || line.trim_start().starts_with("$ "));
    }
    commands
}

/// A script that runs `console_commands` one after the other and stops at the first that fails, naming it.
fn script(commands: &[String], up: &Up) -> String {
    let mut script = String::from(
        "set -euo pipefail\n\
         trap 'echo \"failed: $BASH_COMMAND\" >&2' ERR\n\
         curl() { command curl --fail-with-body \"$@\"; }\n\
         cargo() { [ \"$1 $2\" = 'run --' ] && shift 2 && vestibule \"$@\"; }\n",
    );
    for original in commands {
        if SKIPPED_COMMANDS
            .iter()
            .any(|(prefix, _)| original.contains(prefix))
        {
            continue;
        }
        let [auth, users, auth_management, users_management] = up.ports.map(|port| port.to_string());
        let command = original
            .replace("localhost:8000", &format!("localhost:{auth}"))
            .replace("localhost:8001", &format!("localhost:{users}"))
            .replace("localhost:9000", &format!("localhost:{auth_management}"))
            .replace("localhost:9001", &format!("localhost:{users_management}"));
        let mut refused = REFUSED_COMMANDS.iter();
        match refused.find(|(marker, _)| original.contains(marker)) {
            Some((_, expected)) => script.push_str(&expecting_refusal(&command, expected)),
            None => script.push_str(&command),
        }
        script.push('\n');
    }
    script
}

/// A script that fails unless curl says that the server refused the request (22), and prints `expected`.
fn expecting_refusal(command: &str, expected: &str) -> String {
    format!(
        "status=0; answer=$({command}\n) || status=$?\n\
         [[ $status = 22 && $answer = *'{expected}'* ]] || {{ echo \"no {expected}: $status $answer\" >&2; exit 1; }}"
    )
}

fn run_commands(document: &Source, commands: &[String], up: &Up) {
    let folder = tempfile::tempdir().unwrap();
    symlink(program("vestibule"), folder.path().join("vestibule")).unwrap();
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    let output = Command::new("bash")
        .args(["-c", &script(commands, up)])
        .current_dir(up.folder.path())
        .env("PATH", path)
        .env("VESTIBULE_DATA", up.folder.path().join("data"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}: {}\n{}",
        document.path,
        String::from_utf8_lossy(&output.stderr),
        String::from_utf8_lossy(&output.stdout)
    );
}

#[tokio::test]
async fn every_command_in_a_document_works() {
    let up = Up::start();
    up.wait_until_ready().await;
    let mut found = 0;
    let mut documents = documents();
    for (marker, _) in REFUSED_COMMANDS {
        let mut all = documents.iter();
        assert!(
            all.any(|document| document.text.contains(marker)),
            "{marker} is nowhere"
        );
    }
    // The quick start first: it makes `ann`, whom the other documents know.
    documents.sort_by_key(|document| document.path != "README.md");
    for document in documents {
        let mut all = Vec::new();
        for (language, lines) in fenced_blocks(&document.text) {
            match language.as_str() {
                "console" => {
                    let commands = console_commands(&lines);
                    assert!(
                        !commands.is_empty(),
                        "{}: a console block without `$ `: {lines:?}",
                        document.path
                    );
                    all.extend(commands);
                }
                "sh" | "bash" | "shell" => panic!("{}: commands stand in `console` blocks", document.path),
                _ => {}
            }
        }
        found += all.len();
        run_commands(&document, &all, &up);
    }
    assert!(found > 5, "only {found} commands: does this test still see them?");
}

#[test]
fn every_sample_can_be_parsed() {
    for document in documents() {
        for (language, lines) in fenced_blocks(&document.text) {
            let text = lines.join("\n");
            match language.as_str() {
                "json" => {
                    serde_json::from_str::<serde_json::Value>(&text)
                        .unwrap_or_else(|error| panic!("{}: {error}: {text}", document.path));
                }
                "toml" => check_sample_configuration(&document, &text),
                _ => {}
            }
        }
    }
}

/// A sample that is a whole configuration is checked by the tool that checks configurations.
fn check_sample_configuration(document: &Source, text: &str) {
    let mut top_level = text.lines().take_while(|line| !line.starts_with('['));
    let service = if top_level.any(|line| line.starts_with("issuer")) {
        "auth"
    } else if text.lines().any(|line| line.starts_with("[auth]")) {
        "users"
    } else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sample.toml");
    fs::write(&file, text).unwrap();
    let output = Command::new(program("vestibule"))
        .args(["config", "check", "--service", service])
        .arg(&file)
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}: {}",
        document.path,
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn every_sample_configuration_is_one() {
    let samples: Vec<Source> = files(".", "toml");
    let samples = samples.iter().filter(|file| file.path.ends_with(".sample.toml"));
    let mut checked = 0;
    for sample in samples {
        checked += 1;
        let text = with_inline_secrets(&sample.text);
        check_sample_configuration(sample, &text);
    }
    assert!(checked > 0, "does this test still see the samples?");
}

#[test]
fn each_decision_has_a_number_of_its_own() {
    let decisions = files("docs/decisions", "md");
    let mut numbers: Vec<&str> = decisions
        .iter()
        .filter_map(|decision| decision.path.rsplit('/').next()?.split_once('-'))
        .map(|(number, _)| number)
        .collect();
    let count = numbers.len();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), count, "two decisions have one number");
    assert!(count > 70, "only {count}: does this test still see them?");
}

#[test]
fn every_link_within_the_repository_leads_somewhere() {
    let mut dead = Vec::new();
    for document in documents() {
        let folder = root().join(&document.path);
        let folder = folder.parent().unwrap();
        for after in document.text.split("](").skip(1) {
            let target = after.split(')').next().unwrap().split('#').next().unwrap();
            let elsewhere = target.is_empty() || target.contains("://") || target.starts_with("mailto:");
            if !elsewhere && !folder.join(target).exists() {
                dead.push(format!("{} → {target}", document.path));
            }
        }
    }
    assert!(dead.is_empty(), "{dead:#?}");
}

/// A sample names files for secrets, which are not there: a value that could stand in them takes their place.
fn with_inline_secrets(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        match line.split_once("_file = ") {
            Some((key, _)) if key.ends_with("k1") => {
                lines.push(format!(
                    "{key} = \"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\""
                ));
            }
            Some((key, _)) if !key.starts_with('#') => {
                lines.push(format!("{key} = \"a-secret-of-thirty-two-characters\""));
            }
            _ => lines.push(line.to_owned()),
        }
    }
    lines.join("\n")
}

/// `make test` compiles no documentation tests, because there are none. An example that nobody compiles would rot.
#[test]
fn doc_comments_have_no_rust_example_that_would_not_be_run() {
    let mut blocks = 0;
    for folder in ["libs", "services", "cli", "bench", "fuzz", "tests"] {
        for source in files(folder, "rs") {
            let comments = source.text.lines().enumerate().filter_map(|(number, line)| {
                let line = line.trim_start();
                let comment = line.strip_prefix("///").or_else(|| line.strip_prefix("//!"))?;
                Some((number + 1, comment.trim()))
            });
            let fences = comments.filter(|(_, comment)| comment.starts_with("```"));
            for (index, (number, fence)) in fences.enumerate() {
                blocks += 1;
                let is_end = index % 2 == 1;
                assert!(
                    is_end || fence == "```text",
                    "{}:{number}: {fence} would be a documentation test, which `scripts/test` does not run",
                    source.path
                );
            }
        }
    }
    assert!(blocks > 2, "does this test still see the comments?");
}
