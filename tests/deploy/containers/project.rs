//! A running project of the compose file: each service with its networks, secrets, rights and limits, in the order of
//! its dependencies. It calls the engine directly, because podman has no Compose of its own.

use std::collections::BTreeSet;
use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;
use testkit::{brokers, free_port};

use super::compose::{copy, resolved};
use super::engine::Engine;
use super::images::{TAG, build_images};

/// The local image that replaces an image of a registry: see `scripts/build-base-images`.
const LOCAL_POSTGRES: &str = "localhost/vestibule-local/postgres";

/// A running project. Dropping it removes its containers, networks and volumes.
pub(super) struct Project {
    pub(super) engine: Engine,
    pub(super) auth_url: String,
    pub(super) users_url: String,
    name: String,
    model: Value,
    ports: [(u64, u16); 2],
    started: BTreeSet<String>,
    /// Holds the secrets.
    _folder: TempDir,
}

impl Project {
    /// Starts the services of the default profile, and waits until both are healthy.
    pub(super) async fn up() -> Self {
        build_images();
        let folder = copy();
        let ports = [(8000, free_port()), (8001, free_port())];
        let [auth_url, users_url] = ports.map(|(_, port)| format!("http://localhost:{port}"));
        let mut environment = vec![
            ("VESTIBULE_VERSION", TAG.to_owned()),
            ("VESTIBULE_AUTH_URL", auth_url.clone()),
            ("VESTIBULE_USERS_URL", users_url.clone()),
        ];
        let engine = Engine::detect();
        let local = engine.output(&["images", "-q", "--filter", &format!("reference={LOCAL_POSTGRES}")]);
        if let Some(id) = local.lines().next() {
            environment.push(("POSTGRES_IMAGE", id.to_owned()));
        }
        let model = resolved(&folder.path().join("deploy"), &["--profile", "cli"], &environment);
        let mut project = Self {
            engine,
            auth_url,
            users_url,
            // The end of it is random: a process id comes again, and what a killed run left is still there.
            name: format!("vestibule-test-{}", &brokers::namespace()[21..]),
            model,
            ports,
            started: BTreeSet::new(),
            _folder: folder,
        };
        for (network, about) in project.model["networks"].as_object().unwrap() {
            let internal: &[&str] = match about["internal"] == true {
                true => &["--internal"],
                false => &[],
            };
            let name = project.resource_name(network);
            engine.output(&[&["network", "create"], internal, &[&name]].concat());
        }
        for service in ["auth", "users"] {
            project.start(service).await;
            project.wait_until_healthy(service).await;
        }
        project
    }

    /// The name of a container, network or volume of this project.
    pub(super) fn resource_name(&self, what: &str) -> String {
        format!("{}-{what}", self.name)
    }

    pub(super) async fn wait_until_healthy(&self, service: &str) {
        self.engine.wait_until_healthy(&self.resource_name(service)).await;
    }

    /// Starts a service after those that it depends on, as Compose would.
    async fn start(&mut self, service: &str) {
        if !self.started.insert(service.to_owned()) {
            return;
        }
        let about = self.model["services"][service].clone();
        for (needed, how) in about["depends_on"].as_object().into_iter().flatten() {
            if self.model["services"][needed].is_null() {
                assert_eq!(
                    how["required"], false,
                    "{service} needs {needed}, which no profile starts"
                );
                continue;
            }
            Box::pin(self.start(needed)).await;
            match how["condition"].as_str().unwrap() {
                "service_healthy" => self.wait_until_healthy(needed).await,
                "service_completed_successfully" => self.completed(needed),
                other => panic!("{service} waits for {needed} to be {other}"),
            }
        }
        let mut arguments = vec!["run".to_owned(), "-d".to_owned()];
        arguments.extend(self.flags(service, &about));
        self.engine
            .output(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    }

    fn completed(&self, service: &str) {
        let container = self.resource_name(service);
        let code = self.engine.output(&["wait", &container]);
        assert_eq!(code, "0", "{service}:\n{}", self.engine.log(&container));
    }

    /// Runs the command line tool, as `docker compose run --rm cli` does, however it ends.
    pub(super) fn try_cli(&self, command: &[&str]) -> Output {
        let flags = self.flags("cli", &self.model["services"]["cli"]);
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        self.engine
            .run(&[&["run", "--rm"], flags.as_slice(), command].concat())
    }

    /// The arguments of the engine for a service of the compose file. They end with image and command.
    fn flags(&self, service: &str, about: &Value) -> Vec<String> {
        let mut flags = vec!["--name".to_owned(), self.resource_name(service)];
        let mut add = |name: &str, value: String| flags.extend([name.to_owned(), value]);
        for network in about["networks"].as_object().unwrap().keys() {
            add(
                "--network",
                format!("{}:alias={service}", self.resource_name(network)),
            );
        }
        if ["auth", "users"].contains(&service) {
            // Time for an engine to be slow in, while a test looks at one that drains.
            let drain = format!("VESTIBULE_{}__DRAIN_SECONDS=20", service.to_uppercase());
            add("--env", drain);
        }
        for (list, flag) in [
            ("cap_drop", "--cap-drop"),
            ("security_opt", "--security-opt"),
            ("tmpfs", "--tmpfs"),
        ] {
            for value in about[list].as_array().into_iter().flatten() {
                // Engines differ in how they write it.
                add(
                    flag,
                    value
                        .as_str()
                        .unwrap()
                        .replace("no-new-privileges:true", "no-new-privileges"),
                );
            }
        }
        for (name, value) in about["environment"].as_object().into_iter().flatten() {
            if let Some(value) = value.as_str() {
                add("--env", format!("{name}={value}"));
            }
        }
        for kind in ["secrets", "configs"] {
            for mounted in about[kind].as_array().into_iter().flatten() {
                let file = self.model[kind][mounted["source"].as_str().unwrap()]["file"]
                    .as_str()
                    .unwrap();
                add(
                    "--volume",
                    format!("{file}:{}:ro", mounted["target"].as_str().unwrap()),
                );
            }
        }
        for volume in about["volumes"].as_array().into_iter().flatten() {
            let source = self.resource_name(volume["source"].as_str().unwrap());
            add(
                "--volume",
                format!("{source}:{}", volume["target"].as_str().unwrap()),
            );
        }
        for port in about["ports"].as_array().into_iter().flatten() {
            let target = port["target"].as_u64().unwrap();
            let (_, free) = self.ports.iter().find(|(inside, _)| *inside == target).unwrap();
            add("--publish", format!("127.0.0.1:{free}:{target}"));
        }
        for (key, flag) in [
            ("mem_limit", "--memory"),
            ("shm_size", "--shm-size"),
            ("user", "--user"),
        ] {
            if let Some(value) = about[key].as_str() {
                add(flag, value.to_owned());
            }
        }
        if let Some(most) = about["pids_limit"].as_u64() {
            add("--pids-limit", most.to_string());
        }
        // Only CMD-SHELL stands in the default profile; the images bring the others.
        if let Some(check) = about["healthcheck"]["test"][1].as_str() {
            add("--health-cmd", check.to_owned());
        }
        if about["read_only"] == true {
            flags.push("--read-only".to_owned());
        }
        // Engines take one word there; the rest of them go before the command.
        let mut words: Vec<String> = Vec::new();
        for list in ["entrypoint", "command"] {
            let list = about[list].as_array().into_iter().flatten();
            words.extend(list.map(|word| word.as_str().unwrap().to_owned()));
        }
        if about["entrypoint"].is_array() {
            flags.extend(["--entrypoint".to_owned(), words.remove(0)]);
        }
        flags.push(about["image"].as_str().unwrap().to_owned());
        flags.extend(words);
        flags
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        for service in &self.started {
            let container = self.resource_name(service);
            if std::thread::panicking() {
                eprintln!(
                    "--- what {service} said last ---\n{}",
                    self.engine.log(&container)
                );
            }
            self.engine.run(&["rm", "-f", "-v", &container]);
        }
        for kind in ["network", "volume"] {
            for name in self.model[format!("{kind}s")].as_object().into_iter().flatten() {
                self.engine.run(&[kind, "rm", "-f", &self.resource_name(name.0)]);
            }
        }
    }
}
