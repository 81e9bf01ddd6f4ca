//! Tests of the compose file, read by the library of Docker Compose: every profile and the restrictions of each service.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::{Map, Value};
use tempfile::TempDir;
use testkit::program;

use crate::files::{read, root};
use crate::tools::{run_successfully, tool};

/// The commands of the guide: how a profile is chosen, and which services it adds.
const PROFILES: [(&[&str], &[&str]); 8] = [
    (&[], &[]),
    (&["--profile", "apply"], &["apply"]),
    (&["--profile", "cli"], &["cli"]),
    (&["--env-file", "compose/kafka.env"], &["kafka"]),
    (&["--env-file", "compose/rabbitmq.env"], &["rabbitmq"]),
    (&["--env-file", "compose/tracing.env"], &["jaeger"]),
    (
        &["--profile", "observability"],
        &["alertmanager", "grafana", "prometheus"],
    ),
    (
        &["--profile", "elk"],
        &[
            "elastic-setup",
            "elasticsearch",
            "filebeat",
            "kibana",
            "kibana-setup",
            "logstash",
        ],
    ),
];
const DEFAULT_SERVICES: [&str; 8] = [
    "auth",
    "auth-migrate",
    "auth-postgres",
    "auth-role",
    "users",
    "users-migrate",
    "users-postgres",
    "users-role",
];

/// A copy of the folder `deploy` with secrets, so that the repository stays as it is.
pub(super) fn copy() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    run_successfully(
        Command::new("cp")
            .arg("-R")
            .arg(root().join("deploy"))
            .arg(folder.path()),
    );
    run_successfully(
        Command::new("rm")
            .args(["-rf", "deploy/secrets"])
            .current_dir(folder.path()),
    );
    // As of somebody who shares nothing with the other users of the machine.
    run_successfully(
        Command::new("chmod")
            .args(["-R", "go=", "deploy"])
            .current_dir(folder.path()),
    );
    run_successfully(&mut Command::new(folder.path().join("deploy/compose/secrets")));
    folder
}

/// The project that Compose would start, in the folder `deploy`.
pub(super) fn resolved(deploy: &Path, arguments: &[&str], environment: &[(&str, String)]) -> Value {
    let mut command = tool("compose-config/compose-config");
    command.arg("compose.yaml").args(arguments).current_dir(deploy);
    for (name, value) in environment {
        command.env(name, value);
    }
    serde_json::from_slice(&run_successfully(&mut command).stdout).unwrap()
}

fn services(project: &Value) -> &Map<String, Value> {
    project["services"].as_object().unwrap()
}

fn texts(list: &Value) -> BTreeSet<&str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

fn networks(service: &Value) -> BTreeSet<&str> {
    service["networks"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

/// Every service of every profile, by name.
fn all_services(deploy: &Path) -> Map<String, Value> {
    let mut all = Map::new();
    for (arguments, _) in PROFILES {
        all.extend(services(&resolved(deploy, arguments, &[])).clone());
    }
    all
}

#[test]
fn each_profile_adds_its_services() {
    let folder = copy();
    for (arguments, added) in PROFILES {
        let project = resolved(&folder.path().join("deploy"), arguments, &[]);
        let found: BTreeSet<&str> = services(&project).keys().map(String::as_str).collect();
        let expected: BTreeSet<&str> = DEFAULT_SERVICES.iter().chain(added).copied().collect();
        assert_eq!(found, expected, "{arguments:?}");
    }
}

#[test]
fn a_profile_that_changes_the_transport_changes_it() {
    let folder = copy();
    for (arguments, _) in PROFILES {
        let transport = match arguments.last() {
            Some(&"compose/kafka.env") => "kafka",
            Some(&"compose/rabbitmq.env") => "rabbitmq",
            _ => "feed",
        };
        let traced = arguments.last() == Some(&"compose/tracing.env");
        let project = resolved(&folder.path().join("deploy"), arguments, &[]);
        for service in ["auth", "users"] {
            let environment = &project["services"][service]["environment"];
            let key = |key: &str| &environment[format!("VESTIBULE_{}__{key}", service.to_uppercase())];
            assert_eq!(key("EVENTS__TRANSPORT"), transport, "{arguments:?}");
            assert_eq!(key("TRACES__OTLP_ENDPOINT").is_string(), traced, "{arguments:?}");
            assert_configuration_accepted(&folder, service, environment);
        }
    }
}

/// The configuration with these variables is one that the service takes.
fn assert_configuration_accepted(folder: &TempDir, service: &str, environment: &Value) {
    let deploy = folder.path().join("deploy");
    let file = deploy.join(format!("compose/{service}.toml"));
    let text = std::fs::read_to_string(&file).unwrap();
    let here = folder.path().join(format!("{service}.toml"));
    let secrets = deploy.join("secrets");
    std::fs::write(&here, text.replace("/run/secrets", secrets.to_str().unwrap())).unwrap();
    let mut check = Command::new(program("vestibule"));
    check.args(["config", "check", "--service", service]).arg(&here);
    for (name, value) in environment.as_object().unwrap() {
        if let Some(value) = value.as_str() {
            check.env(name, value);
        }
    }
    run_successfully(&mut check);
}

#[test]
fn no_service_has_a_right_that_it_does_not_need() {
    let folder = copy();
    let ours = ["auth", "auth-migrate", "users", "users-migrate", "cli", "apply"];
    for (name, service) in all_services(&folder.path().join("deploy")) {
        assert!(
            texts(&service["cap_drop"]).contains("ALL"),
            "{name} keeps capabilities"
        );
        assert!(
            texts(&service["security_opt"]).contains("no-new-privileges:true"),
            "{name} may gain privileges"
        );
        assert!(service["mem_limit"].is_string(), "{name} may take all the memory");
        let log = &service["logging"]["options"];
        assert!(
            log["max-size"].is_string() && log["max-file"].is_string(),
            "{name} may fill the disk with its log"
        );
        assert!(service["privileged"].is_null(), "{name}");
        let image = service["image"].as_str().unwrap();
        let host = image
            .split_once('/')
            .is_some_and(|(first, _)| first.contains(['.', ':']));
        assert!(!host, "{image} names a registry");
        assert!(
            image.contains(':') && !image.ends_with(":latest"),
            "{image} has no version"
        );
        // Filebeat reads the logs of other containers; it alone is more than nobody.
        let raised = name == "filebeat";
        assert_eq!(service["user"] == "root", raised, "{name}");
        assert_eq!(service["cap_add"].is_array(), raised, "{name}");
        if ours.contains(&name.as_str()) || name.ends_with("-postgres") || name.ends_with("-role") {
            assert_eq!(service["read_only"], true, "{name} may write into its image");
        }
        for port in service["ports"].as_array().into_iter().flatten() {
            assert_eq!(port["host_ip"], "127.0.0.1", "{name} is open to the network");
            assert!(
                ![9000, 9001].contains(&port["target"].as_u64().unwrap()),
                "{name}: management"
            );
        }
    }
}

#[test]
fn a_database_is_on_the_network_of_its_service_alone() {
    let folder = copy();
    let project = resolved(&folder.path().join("deploy"), &[], &[]);
    let all = all_services(&folder.path().join("deploy"));
    for (database, owners) in [
        (
            "auth-postgres",
            ["auth", "auth-migrate", "auth-postgres", "auth-role"],
        ),
        (
            "users-postgres",
            ["users", "users-migrate", "users-postgres", "users-role"],
        ),
    ] {
        let reached = networks(&all[database]);
        for network in &reached {
            assert_eq!(
                project["networks"][network]["internal"], true,
                "{network} has a way out"
            );
        }
        for (name, service) in &all {
            let neighbour = !networks(service).is_disjoint(&reached);
            assert_eq!(
                neighbour,
                owners.contains(&name.as_str()),
                "{name} and {database}"
            );
        }
    }
}

// SB-38
#[test]
fn what_serves_has_the_url_of_a_role_that_only_reads_and_writes_rows() {
    let folder = copy();
    let deploy = folder.path().join("deploy");
    let project = resolved(&deploy, &[], &[]);
    let url = |container: &str, service: &str| {
        let mounted = project["services"][container]["secrets"].as_array().unwrap();
        let target = format!("/run/secrets/{service}-database");
        let mounted: Vec<&Value> = mounted
            .iter()
            .filter(|secret| secret["target"] == target.as_str())
            .collect();
        assert_eq!(mounted.len(), 1, "{container}: {mounted:?}");
        let file = project["secrets"][mounted[0]["source"].as_str().unwrap()]["file"]
            .as_str()
            .unwrap();
        std::fs::read_to_string(file).unwrap()
    };
    for service in ["auth", "users"] {
        let password = |name: &str| std::fs::read_to_string(deploy.join("secrets").join(name)).unwrap();
        let serving = password(&format!("{service}-serving"));
        let at = format!("{service}-postgres:5432/{service}");
        assert_eq!(
            url(service, service),
            format!("postgres://{service}_serving:{serving}@{at}")
        );
        let owner = password(&format!("{service}-postgres"));
        for container in [format!("{service}-migrate"), format!("{service}-role")] {
            assert_eq!(
                url(&container, service),
                format!("postgres://{service}:{owner}@{at}")
            );
        }
        let environment = &project["services"][service]["environment"];
        assert_eq!(
            environment[format!("VESTIBULE_{}__DATABASE__MIGRATE", service.to_uppercase())],
            "false"
        );
        // Nothing else of what is mounted would let it in as the owner.
        for secret in project["services"][service]["secrets"].as_array().unwrap() {
            let file = project["secrets"][secret["source"].as_str().unwrap()]["file"]
                .as_str()
                .unwrap();
            assert!(!std::fs::read_to_string(file).unwrap().contains(&owner), "{file}");
        }
    }
}

#[test]
fn whatever_is_mounted_is_there() {
    let folder = copy();
    let deploy = folder.path().join("deploy");
    let mut checked = 0;
    for (arguments, _) in PROFILES {
        let project = resolved(&deploy, arguments, &[]);
        let named = ["secrets", "configs"]
            .into_iter()
            .flat_map(|kind| project[kind].as_object().unwrap().values());
        let files = named.map(|file| file["file"].as_str().unwrap());
        let volumes = services(&project)
            .values()
            .flat_map(|service| service["volumes"].as_array().into_iter().flatten());
        let bound = volumes
            .filter(|volume| volume["type"] == "bind")
            .map(|volume| volume["source"].as_str().unwrap());
        for path in files.chain(bound).filter(|path| !path.starts_with("/var/")) {
            assert!(
                Path::new(path).starts_with(&deploy),
                "{path} is not in the repository"
            );
            assert!(Path::new(path).exists(), "{path} is mounted and is not there");
            checked += 1;
        }
    }
    assert!(
        checked > 20,
        "only {checked} paths: does this test still see them?"
    );
}

#[test]
fn the_guide_gives_the_commands_that_are_tested() {
    let places = ["docs/guides/docker.md", "deploy/compose.yaml"].map(read);
    for (arguments, added) in PROFILES {
        if matches!(added, ["cli"] | ["apply"]) {
            continue;
        }
        let command = ["docker", "compose"]
            .into_iter()
            .chain(arguments.iter().copied())
            .collect::<Vec<_>>()
            .join(" ");
        for text in &places {
            assert!(
                text.contains(&format!("{command} up -d")),
                "nobody is told: {command} up -d"
            );
        }
    }
}
