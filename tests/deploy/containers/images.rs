//! Tests of the images that the Dockerfile builds: their content, size and SBOM.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

use super::engine::Engine;
use crate::files::{read, root};
use crate::tools::run_successfully;

/// The largest size of an image of the tests on disk, in bytes. Their programs are hardly optimised; `scripts/build-images` holds
/// those that are shipped, which are optimised as a whole, to less.
const MAX_IMAGE_BYTES: u64 = 50_000_000;
/// The Cargo profile of the programs in these images: `scripts/test` has compiled them with it already.
const PROFILE: &str = "quick-image";

/// The paths of an image beside its program. There is no shell, and nothing else that can be executed.
const KNOWN_PATHS: [&str; 5] = [
    "etc/group",
    "etc/nsswitch.conf",
    "etc/passwd",
    "etc/ssl/certs/ca-certificates.crt",
    "usr/local/bin/",
];

/// The tag of the test images. It replaces no other image.
pub(crate) const TAG: &str = "test";

/// An image of this repository.
pub(crate) struct Image {
    /// The target of the Dockerfile, and the image's name after `vestibule/`.
    pub(crate) target: &'static str,
    /// Its one program.
    program: &'static str,
}

pub(crate) const IMAGES: [Image; 3] = [
    Image {
        target: "auth",
        program: "vestibule-auth",
    },
    Image {
        target: "users",
        program: "vestibule-users",
    },
    Image {
        target: "cli",
        program: "vestibule",
    },
];

impl Image {
    pub(crate) fn name(&self) -> String {
        format!("vestibule/{}:{TAG}", self.target)
    }

    fn inspect(&self) -> Value {
        let text = Engine::detect().output(&["image", "inspect", &self.name()]);
        serde_json::from_str::<Value>(&text).unwrap()[0].take()
    }

    /// Every path in the image that is no folder.
    fn paths(&self, scratch: &Path) -> BTreeSet<String> {
        let engine = Engine::detect();
        let container = engine.output(&["create", &self.name()]);
        let archive = scratch.join("image.tar");
        engine.output(&["export", "-o", archive.to_str().unwrap(), &container]);
        engine.output(&["rm", "-f", &container]);
        run_successfully(
            Command::new("tar")
                .arg("-C")
                .arg(scratch)
                .arg("-xf")
                .arg(&archive),
        );
        let listed = run_successfully(Command::new("tar").arg("-tf").arg(&archive));
        let listed = String::from_utf8(listed.stdout).unwrap();
        listed
            .lines()
            .map(|line| line.trim_start_matches("./").to_owned())
            .filter(|path| !path.is_empty() && !path.ends_with('/'))
            .collect()
    }
}

/// Builds all images once, however many tests ask. Nothing is compiled when nothing has changed.
pub(crate) fn build_images() {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| {
        let engine = match Engine::detect() {
            Engine::Docker => "docker",
            Engine::Podman => "podman",
        };
        run_successfully(
            Command::new(root().join("scripts/build-images"))
                .env("TAG", TAG)
                .env("PROFILE", PROFILE)
                .env("ENGINE", engine),
        );
    });
}

/// True if the engine itself created the path with the container.
fn is_engine_file(path: &str) -> bool {
    ["dev/", "proc/", "sys/", "run/"]
        .iter()
        .any(|folder| path.starts_with(folder))
        || [
            "etc/hosts",
            "etc/hostname",
            "etc/resolv.conf",
            "etc/mtab",
            ".dockerenv",
        ]
        .contains(&path)
}

#[test]
fn an_image_has_its_program_and_nothing_else_that_runs() {
    // SB-41
    build_images();
    for image in &IMAGES {
        let scratch = tempfile::tempdir().unwrap();
        let program = format!("usr/local/bin/{}", image.program);
        let expected: BTreeSet<String> = KNOWN_PATHS
            .iter()
            .map(|path| match path.ends_with('/') {
                true => program.clone(),
                false => (*path).to_owned(),
            })
            .collect();
        let found: BTreeSet<String> = image
            .paths(scratch.path())
            .into_iter()
            .filter(|path| !is_engine_file(path))
            .collect();
        assert_eq!(found, expected, "{}", image.target);
        assert_static_program(&scratch.path().join(&program));
        let listed = listed_dependencies(&scratch.path().join(&program));
        assert_sbom_names(image, &listed);
        let passwd = std::fs::read_to_string(scratch.path().join("etc/passwd")).unwrap();
        assert_eq!(
            passwd,
            "vestibule:x:65532:65532:Vestibule:/var/lib/vestibule:/nonexistent\n"
        );
    }
}

fn assert_static_program(program: &Path) {
    let headers = run_successfully(Command::new("readelf").args(["-l", "-d"]).arg(program));
    let headers = String::from_utf8(headers.stdout).unwrap();
    assert!(headers.contains("LOAD"), "{headers}");
    for loader in ["INTERP", "(NEEDED)"] {
        assert!(
            !headers.contains(loader),
            "{} is not static: {headers}",
            program.display()
        );
    }
}

/// The section that cargo-auditable writes, which scanners of images read.
fn listed_dependencies(program: &Path) -> BTreeSet<(String, String)> {
    let section = program.with_extension("dep-v0");
    run_successfully(
        Command::new("objcopy")
            .arg(format!("--dump-section=.dep-v0={}", section.display()))
            .args([program, Path::new("/dev/null")]),
    );
    let unpack = "import sys, zlib; sys.stdout.buffer.write(zlib.decompress(open(sys.argv[1], 'rb').read()))";
    let listed = run_successfully(Command::new("python3").args(["-c", unpack]).arg(&section));
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    let packages = crates(&listed["packages"]);
    let has = |name: &str| packages.iter().any(|(other, _)| other == name);
    for dependency in ["rustls", "sqlx", "aws-lc-sys", "openssl-src"] {
        assert!(has(dependency), "{dependency} is not among {packages:?}");
    }
    assert!(!has("testkit"), "the test kit is in {}", program.display());
    packages
}

/// Names and versions.
fn crates(list: &Value) -> BTreeSet<(String, String)> {
    let text = |package: &Value, key: &str| package[key].as_str().unwrap().to_owned();
    let list = list.as_array().unwrap().iter();
    list.map(|package| (text(package, "name"), text(package, "version")))
        .collect()
}

/// The document that `scripts/build-images` writes names every crate of the image's program with its version, and no
/// other.
fn assert_sbom_names(image: &Image, listed: &BTreeSet<(String, String)>) {
    let document: Value =
        serde_json::from_str(&read(&format!("target/sbom/{}-{TAG}.cdx.json", image.target))).unwrap();
    assert_eq!(document["bomFormat"], "CycloneDX");
    assert_eq!(document["specVersion"], "1.5");
    let (own, components) = (&document["metadata"]["component"], &document["components"]);
    assert_eq!(own["version"], env!("CARGO_PKG_VERSION"));
    let named: BTreeSet<_> = crates(components)
        .union(&crates(&serde_json::json!([own])))
        .cloned()
        .collect();
    assert_eq!(named, *listed, "{}", image.target);
    let locked = read("Cargo.lock");
    for component in components.as_array().unwrap() {
        let (name, version) = (
            component["name"].as_str().unwrap(),
            component["version"].as_str().unwrap(),
        );
        assert_eq!(component["purl"], format!("pkg:cargo/{name}@{version}"));
        assert!(
            locked.contains(&format!("name = \"{name}\"\nversion = \"{version}\"\n")),
            "{component}"
        );
        if let Some(hash) = component["hashes"][0]["content"].as_str() {
            assert!(locked.contains(&format!("checksum = \"{hash}\"")), "{component}");
        }
    }
    let references: BTreeSet<&str> = document["dependencies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|dependency| dependency["ref"].as_str().unwrap())
        .collect();
    assert_eq!(references.len(), listed.len());
}

#[test]
fn an_image_says_what_it_is_and_runs_as_nobody_in_particular() {
    build_images();
    let version = env!("CARGO_PKG_VERSION");
    for image in &IMAGES {
        let (target, about) = (image.target, image.inspect());
        let config = &about["Config"];
        assert_eq!(config["User"], "65532:65532", "{target}");
        assert_eq!(
            config["Entrypoint"][0],
            format!("/usr/local/bin/{}", image.program)
        );
        assert!(config["Volumes"]["/var/lib/vestibule"].is_object(), "{config}");
        let label = |name: &str| {
            let label = &config["Labels"][format!("org.opencontainers.image.{name}")];
            label
                .as_str()
                .unwrap_or_else(|| panic!("{target} has no label {name}"))
        };
        assert_eq!(label("title"), format!("vestibule/{target}"));
        assert_eq!(label("version"), version);
        assert_eq!(label("licenses"), "Apache-2.0");
        for name in ["description", "revision", "source"] {
            assert!(!label(name).is_empty(), "{target}: {name}");
        }
        // Docker shows it in the configuration, podman beside it.
        let check = match Engine::detect() {
            Engine::Docker => &config["Healthcheck"]["Test"],
            Engine::Podman => &about["Healthcheck"]["Test"],
        };
        match target {
            // It ends by itself.
            "cli" => assert!(check.is_null(), "{check}"),
            _ => assert_eq!(
                check,
                &serde_json::json!(["CMD", format!("/usr/local/bin/{}", image.program), "health"])
            ),
        }
        let size = about["Size"].as_u64().unwrap();
        assert!(size < MAX_IMAGE_BYTES, "{target} has {size} bytes");
    }
}

#[test]
fn the_dockerfile_builds_with_what_the_repository_is_built_with() {
    let dockerfile = read("deploy/docker/Dockerfile");
    let toolchain = read("rust-toolchain.toml");
    let (_, channel) = toolchain.split_once("channel = \"").unwrap();
    let minor = channel.rsplit_once('.').unwrap().0;
    assert!(
        dockerfile.contains(&format!("ARG RUST_IMAGE=rust:{minor}-")),
        "not Rust {minor}"
    );
    assert!(dockerfile.contains(&format!("ARG VERSION={}\n", env!("CARGO_PKG_VERSION"))));
}
