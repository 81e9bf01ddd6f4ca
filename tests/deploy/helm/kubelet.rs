//! A minimal kubelet for tests: it starts the containers of rendered pods as processes of this machine.
//!
//! The volumes of the manifests are in a temporary folder. Paths and addresses are rewritten to that folder and to free
//! ports, as mounts and the DNS of the cluster would do. Everything else is as in the manifest.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tempfile::TempDir;
use testkit::{Process, Program, free_port, program, within};

use super::chart::{NAMESPACE, Objects, RELEASE, pod};

/// The content of Secrets, by name and key.
pub(super) type Secrets = BTreeMap<String, BTreeMap<String, String>>;

/// A debug build on a busy machine is slow to its first answer.
const START_TIMEOUT: Duration = Duration::from_secs(90);
const SERVICES: [(&str, u64, u64); 2] = [("auth", 8000, 9000), ("users", 8001, 9001)];

/// One node of a cluster that has nothing else.
pub(super) struct Node {
    objects: Objects,
    secrets: Secrets,
    folder: TempDir,
    /// Ports of containers and the free ones that stand for them.
    ports: BTreeMap<u64, u16>,
}

impl Node {
    /// Takes the rendered objects. Their Secrets are added to `secrets`.
    pub(super) fn new(objects: Objects, mut secrets: Secrets) -> Self {
        for secret in objects.all("Secret") {
            let data = secret["data"].as_object().expect("data").iter();
            let decoded = data.map(|(key, value)| {
                let bytes = STANDARD.decode(value.as_str().expect("text")).expect("base64");
                (key.clone(), String::from_utf8(bytes).expect("UTF-8"))
            });
            let name = secret["metadata"]["name"].as_str().expect("a name");
            secrets.insert(name.to_owned(), decoded.collect());
        }
        let ports = SERVICES
            .iter()
            .flat_map(|(_, http, management)| [*http, *management]);
        Self {
            objects,
            secrets,
            folder: tempfile::tempdir().expect("a temporary folder"),
            ports: ports.map(|port| (port, free_port())).collect(),
        }
    }

    /// The URL at which a service answers here.
    pub(super) fn url(&self, port: u64) -> String {
        format!("http://127.0.0.1:{}", self.ports[&port])
    }

    /// Writes one value of a Secret to a file.
    pub(super) fn secret(&self, name: &str, key: &str) -> PathBuf {
        let file = self.folder.path().join(key);
        fs::write(&file, &self.secrets[name][key]).expect("written");
        file
    }

    /// Starts the pod of an object.
    pub(super) fn start(&self, kind: &str, name: &str) -> Process {
        let (_, spec) = pod(self.objects.find(kind, name)).expect("a pod");
        let folder = self.folder.path().join(name);
        fs::create_dir_all(&folder).expect("a folder for the pod");
        let container = &spec["containers"][0];
        let mounts = self.mount(spec, container, &folder);
        let text = |value: &Value| self.rewrite_paths(value.as_str().expect("text"), &mounts);
        let arguments = list(&container["args"]).iter().map(|value| text(value).into());
        let variables = list(&container["env"]).iter().map(|entry| {
            let name = entry["name"].as_str().expect("a name").to_owned();
            (name, text(&entry["value"]))
        });
        Process::start(Program {
            name: "pod",
            path: program(executable(container)),
            arguments: arguments.collect(),
            environment: variables.collect(),
            folder: folder.clone(),
            log: folder.join("log"),
        })
    }

    /// Runs the pod of an object to its end.
    pub(super) async fn run(&self, kind: &str, name: &str) -> (ExitStatus, String) {
        let mut process = self.start(kind, name);
        within(START_TIMEOUT, &format!("{name} ends"), async || {
            (!process.is_running()).then_some(())
        })
        .await;
        let status = process.ended().await;
        (status, process.log())
    }

    /// Waits until a probe of a Deployment is answered as the kubelet wants it.
    pub(super) async fn probe(&self, deployment: &str, probe: &str) {
        let (_, spec) = pod(self.objects.find("Deployment", deployment)).expect("a pod");
        let container = &spec["containers"][0];
        let get = &container[probe]["httpGet"];
        let named = list(&container["ports"])
            .iter()
            .find(|port| port["name"] == get["port"]);
        let port = named.expect("a port of that name")["containerPort"]
            .as_u64()
            .expect("a port");
        let url = self.url(port) + get["path"].as_str().expect("a path");
        let http = reqwest::Client::new();
        within(START_TIMEOUT, &format!("{deployment}: {probe}"), async || {
            let answer = http.get(&url).send().await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
    }

    /// The files of every volume that the container mounts; gives back where each mount path is here.
    fn mount(&self, spec: &Value, container: &Value, folder: &Path) -> Vec<(String, PathBuf)> {
        let mut places: Vec<(String, PathBuf)> = Vec::new();
        for mount in list(&container["volumeMounts"]) {
            let name = mount["name"].as_str().expect("a name");
            let volume = list(&spec["volumes"])
                .iter()
                .find(|volume| volume["name"] == name);
            let volume = volume.unwrap_or_else(|| panic!("no volume {name}"));
            // A claim outlives the pod; everything else is the pod's own.
            let place = match volume["persistentVolumeClaim"]["claimName"].as_str() {
                Some(claim) => self.folder.path().join(claim),
                None => folder.join(name),
            };
            fs::create_dir_all(&place).expect("a folder for the volume");
            places.push((mount["mountPath"].as_str().expect("a path").to_owned(), place));
        }
        for (mount, (_, place)) in list(&container["volumeMounts"]).iter().zip(&places) {
            let volumes = list(&spec["volumes"]).iter();
            for volume in volumes.filter(|volume| volume["name"] == mount["name"]) {
                for (file, content) in self.files(volume) {
                    fs::write(place.join(file), self.rewrite_paths(&content, &places)).expect("written");
                }
            }
        }
        places
    }

    fn files(&self, volume: &Value) -> Vec<(String, String)> {
        if let Some(name) = volume["configMap"]["name"].as_str() {
            let data = &self.objects.find("ConfigMap", name)["data"];
            let data = data.as_object().expect("data").iter();
            return data
                .map(|(file, text)| (file.clone(), text.as_str().expect("text").to_owned()))
                .collect();
        }
        let whole = volume
            .get("secret")
            .map(|secret| (&secret["secretName"], &secret["items"]));
        let parts = list(&volume["projected"]["sources"]);
        let parts = parts
            .iter()
            .map(|source| (&source["secret"]["name"], &source["secret"]["items"]));
        whole
            .into_iter()
            .chain(parts)
            .flat_map(|(name, items)| self.items(name, items))
            .collect()
    }

    /// As the kubelet: a Secret or a key that is not there keeps the pod from starting.
    fn items(&self, name: &Value, items: &Value) -> Vec<(String, String)> {
        let name = name.as_str().expect("the name of a Secret");
        let secret = self
            .secrets
            .get(name)
            .unwrap_or_else(|| panic!("there is no Secret {name}"));
        let file = |item: &Value| {
            let key = item["key"].as_str().expect("a key");
            let value = secret
                .get(key)
                .unwrap_or_else(|| panic!("the Secret {name} has no key {key}"));
            (item["path"].as_str().expect("a path").to_owned(), value.clone())
        };
        list(items).iter().map(file).collect()
    }

    fn rewrite_paths(&self, text: &str, mounts: &[(String, PathBuf)]) -> String {
        let mut text = text.to_owned();
        // In two steps: the temporary folder may lie below a path that is mounted, too.
        for (number, (path, _)) in mounts.iter().enumerate() {
            text = text.replace(path, &format!("\u{0}{number}\u{0}"));
        }
        for (number, (_, place)) in mounts.iter().enumerate() {
            text = text.replace(&format!("\u{0}{number}\u{0}"), &place.display().to_string());
        }
        for (service, http, management) in SERVICES {
            for port in [http, management] {
                text = text.replace(
                    &format!("0.0.0.0:{port}"),
                    &format!("127.0.0.1:{}", self.ports[&port]),
                );
            }
            let inside = format!("http://{RELEASE}-{service}.{NAMESPACE}.svc:{http}");
            text = text.replace(&inside, &self.url(http));
        }
        text
    }

    /// The configuration files of a pod, where [`Self::start`] or this put them.
    pub(super) fn configuration(&self, deployment: &str) -> PathBuf {
        let (_, spec) = pod(self.objects.find("Deployment", deployment)).expect("a pod");
        let folder = self.folder.path().join(deployment);
        self.mount(spec, &spec["containers"][0], &folder);
        folder.join("config")
    }
}

/// The program that is the entry point of the image.
fn executable(container: &Value) -> &'static str {
    let image = container["image"].as_str().expect("an image");
    let name = image.split(':').next().unwrap_or_default();
    match name {
        "vestibule/auth" => "vestibule-auth",
        "vestibule/users" => "vestibule-users",
        "vestibule/cli" => "vestibule",
        other => panic!("{other} is none of our images"),
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}
