//! A running Prometheus and Alertmanager with the shipped files.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::{Process, Program, free_port, within};

use super::tools::image;
use crate::files::{files_below, read};

const FOLDER: &str = "deploy/observability/prometheus/";

/// The shipped configuration with other targets, scraping and evaluating every second.
pub(crate) struct Server {
    prometheus: String,
    alertmanager: String,
    _processes: [Container; 2],
    _folder: TempDir,
}

/// A program of the system, or of its image where the system has none.
struct Container {
    _process: Process,
    name: Option<String>,
}

impl Drop for Container {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            let _ = std::process::Command::new("docker")
                .args(["rm", "-f", name])
                .output();
        }
    }
}

impl Container {
    fn start(name: &'static str, image_name: &str, folder: &Path, arguments: Vec<String>) -> Self {
        let found = std::process::Command::new(name).arg("--version").output().is_ok();
        let (path, arguments, container) = if found {
            (PathBuf::from(name), arguments, None)
        } else {
            let container = format!("vestibule-{name}-{}", free_port());
            let folder = folder.display();
            let mut docker: Vec<String> = ["run", "--rm", "--network", "host", "--user", "0", "--name"]
                .map(str::to_owned)
                .into();
            docker.extend([
                container.clone(),
                "-v".to_owned(),
                format!("{folder}:{folder}"),
                image(image_name),
            ]);
            docker.extend(arguments);
            (PathBuf::from("docker"), docker, Some(container))
        };
        let process = Process::start(Program {
            name,
            path,
            arguments: arguments.into_iter().map(Into::into).collect(),
            environment: Vec::new(),
            folder: folder.to_owned(),
            log: folder.join(format!("{name}.log")),
        });
        Self {
            _process: process,
            name: container,
        }
    }
}

/// Copies the shipped files with the targets of this test and with short intervals.
fn configure(folder: &Path, targets: [(&str, &str); 3]) {
    for file in files_below(FOLDER) {
        let to = folder.join(file.strip_prefix(FOLDER).unwrap());
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(to, read(&file)).unwrap();
    }
    for (name, address) in targets {
        let path = folder.join(format!("targets/{name}.yml"));
        assert!(path.exists(), "{name} is no file of targets any more");
        fs::write(path, format!("- targets: [\"{address}\"]\n")).unwrap();
    }
    replace(&folder.join("prometheus.yml"), "15s", "1s", 2);
    replace(&folder.join("rules/slo.yml"), "interval: 2m", "interval: 1s", 1);
    // Long enough to be seen as pending.
    replace(
        &folder.join("rules/services.yml"),
        "== 0\n        for: 1m",
        "== 0\n        for: 3s",
        1,
    );
    replace(
        &folder.join("alertmanager.yml"),
        "group_wait: 30s",
        "group_wait: 1s",
        1,
    );
    replace(
        &folder.join("alertmanager.yml"),
        "group_wait: 10s",
        "group_wait: 1s",
        1,
    );
}

fn replace(file: &Path, old: &str, new: &str, times: usize) {
    let text = fs::read_to_string(file).unwrap();
    assert_eq!(text.matches(old).count(), times, "{old} in {}", file.display());
    fs::write(file, text.replace(old, new)).unwrap();
}

fn host(url: &str) -> &str {
    let url = url.strip_prefix("http://").unwrap();
    url.split('/').next().unwrap()
}

impl Server {
    /// Scrapes the services whose management listeners are at these URLs.
    pub(crate) async fn start(auth: &str, users: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [prometheus, alertmanager] = [free_port(), free_port()].map(|port| format!("127.0.0.1:{port}"));
        let targets = [
            ("auth", host(auth)),
            ("users", host(users)),
            ("alertmanager", alertmanager.as_str()),
        ];
        configure(folder.path(), targets);
        let path_in = |name: &str| folder.path().join(name).display().to_string();
        let one = Container::start(
            "prometheus",
            "PROMETHEUS_IMAGE",
            folder.path(),
            vec![
                format!("--config.file={}", path_in("prometheus.yml")),
                format!("--storage.tsdb.path={}", path_in("data")),
                format!("--web.listen-address={prometheus}"),
            ],
        );
        let other = Container::start(
            "prometheus-alertmanager",
            "ALERTMANAGER_IMAGE",
            folder.path(),
            vec![
                format!("--config.file={}", path_in("alertmanager.yml")),
                format!("--storage.path={}", path_in("alerts")),
                format!("--web.listen-address={alertmanager}"),
                "--cluster.listen-address=".to_owned(),
            ],
        );
        let server = Self {
            prometheus: format!("http://{prometheus}"),
            alertmanager: format!("http://{alertmanager}"),
            _processes: [one, other],
            _folder: folder,
        };
        for base in [&server.prometheus, &server.alertmanager] {
            within(Duration::from_secs(60), &format!("{base} is ready"), async || {
                let answer = reqwest::get(format!("{base}/-/ready")).await.ok()?;
                answer.status().is_success().then_some(())
            })
            .await;
        }
        server
    }

    /// `GET` of the API of Prometheus: the `data` of the response, or the error.
    pub(crate) async fn get(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Value, String> {
        let url = format!("{}/api/v1/{path}", self.prometheus);
        let request = reqwest::Client::new().get(url).query(parameters);
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        match answer["status"].as_str() {
            Some("success") => Ok(answer["data"].clone()),
            _ => Err(answer["error"].to_string()),
        }
    }

    /// The series that an expression gives now.
    pub(crate) async fn query(&self, expression: &str) -> Result<Vec<Value>, String> {
        let data = self.get("query", &[("query", expression)]).await?;
        Ok(match data["resultType"].as_str() {
            Some("scalar") => vec![data["result"].clone()],
            _ => data["result"].as_array().cloned().unwrap_or_default(),
        })
    }

    /// The state of an alert with this label: `pending`, `firing`, or nothing.
    pub(crate) async fn alert(&self, name: &str, label: (&str, &str)) -> Option<String> {
        let data = self.get("alerts", &[]).await.unwrap();
        let alerts = data["alerts"].as_array()?;
        let found = alerts
            .iter()
            .find(|alert| alert["labels"]["alertname"] == name && alert["labels"][label.0] == label.1)?;
        Some(found["state"].as_str()?.to_owned())
    }

    /// The alert on a service in Alertmanager.
    pub(crate) async fn received(&self, name: &str, job: &str) -> Option<Value> {
        let url = format!("{}/api/v2/alerts", self.alertmanager);
        let alerts: Vec<Value> = reqwest::get(url).await.ok()?.json().await.ok()?;
        alerts
            .into_iter()
            .find(|alert| alert["labels"]["alertname"] == name && alert["labels"]["job"] == job)
    }

    /// Sends an alert to Alertmanager, as Prometheus would.
    pub(crate) async fn send(&self, name: &str, job: &str) {
        let url = format!("{}/api/v2/alerts", self.alertmanager);
        let labels = json!({ "alertname": name, "job": job, "severity": "warning" });
        let request = reqwest::Client::new()
            .post(url)
            .json(&json!([{ "labels": labels }]));
        assert!(request.send().await.unwrap().status().is_success());
    }
}
