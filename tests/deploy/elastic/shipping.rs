//! Tests of Filebeat with the shipped configuration on the log files of containers.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use testkit::within;
use yaml_serde::Value as Yaml;

use super::lumberjack;
use crate::files::{read, root, yaml};
use crate::tools::{run_successfully, tool};

/// The program that scripts/setup.d/elastic.sh built.
fn filebeat() -> Command {
    let module = read("scripts/filebeat/go.mod");
    let version = module.split("github.com/elastic/beats/v7 v").nth(1).unwrap();
    tool(&format!("filebeat-{}/filebeat", version.lines().next().unwrap()))
}

const CONFIGURATIONS: [&str; 2] = [
    "deploy/observability/elastic/filebeat.yml",
    "deploy/observability/elastic/filebeat-kubernetes.yml",
];

/// Filebeat's own check of the configuration: names, types and variables.
#[test]
fn filebeat_reads_its_configurations() {
    for path in CONFIGURATIONS {
        let folder = tempfile::tempdir().unwrap();
        let copy = copy_with_own_permissions(&root().join(path), folder.path());
        run_successfully(
            filebeat()
                .args(["test", "config", "--path.home"])
                .arg(folder.path())
                .arg("-c")
                .arg(copy)
                .env("NODE_NAME", "a-node"),
        );
    }
}

/// Copies a file with strict permissions: Filebeat rejects one that others own or may write.
fn copy_with_own_permissions(path: &Path, folder: &Path) -> PathBuf {
    let copy = folder.join("checked.yml");
    fs::copy(path, &copy).unwrap();
    let mut rights = fs::metadata(&copy).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut rights, 0o600);
    fs::set_permissions(&copy, rights).unwrap();
    copy
}

/// The input that autodiscovery would start for a container, reading `files` instead, with all the rest as it is.
fn configuration(files: &str) -> Value {
    let original: Yaml = yaml(CONFIGURATIONS[0]);
    let original: Value = serde_json::to_value(&original).unwrap();
    let template = &original["filebeat.autodiscover"]["providers"][0]["templates"][0];
    let mut input = template["config"][0].clone();
    input["id"] = json!("vestibule-of-the-test");
    input["paths"] = json!([files]);
    json!({
        "filebeat.inputs": [input],
        "processors": original["processors"],
        "queue.mem": original["queue.mem"],
        "logging": { "level": "warning", "to_stderr": true },
    })
}

struct FilebeatProcess(Child);

impl Drop for FilebeatProcess {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Lines as Docker keeps them in its files.
pub(super) fn as_docker_log_lines(lines: &str) -> String {
    let wrap = |line| json!({ "log": format!("{line}\n"), "stream": "stdout", "time": "2026-11-23T05:00:00.123456789Z" });
    lines.lines().map(|line| format!("{}\n", wrap(line))).collect()
}

/// Runs Filebeat on `lines` and returns the events that it sent.
pub(super) async fn ship(lines: &str) -> Vec<Value> {
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("0123-json.log");
    fs::write(&logs, as_docker_log_lines(lines)).unwrap();
    let (logstash, received) = lumberjack::listen().await;
    let mut configuration = configuration(logs.to_str().unwrap());
    configuration["output.logstash"] =
        json!({ "hosts": [logstash.to_string()], "compression_level": 0, "bulk_max_size": 256 });
    let path = folder.path().join("filebeat.yml");
    fs::write(&path, configuration.to_string()).unwrap();
    let path = copy_with_own_permissions(&path, folder.path());
    let said = fs::File::create(folder.path().join("said")).unwrap();
    let _running = FilebeatProcess(
        filebeat()
            .arg("-c")
            .arg(&path)
            .arg("--path.home")
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(said)
            .spawn()
            .unwrap(),
    );
    let expected = lines.lines().count();
    within(
        Duration::from_secs(60),
        "Filebeat has sent every line",
        async || (received.events().len() >= expected).then_some(()),
    )
    .await;
    received.events()
}
