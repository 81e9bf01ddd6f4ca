//! Tests of the rendered chart: every values file on every version of Kubernetes with every switch, checked by Helm, by
//! the schemas and by the admission code of Kubernetes.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use super::chart::{CHART, FILES, PRODUCTION, SMALL, SQLITE, VERSIONS, helm, text};
use crate::files::root;
use crate::tools::{checker, installed_path, run_successfully, tool};

/// Switches beside those of the values files.
const SWITCHES: [(&str, &[&str]); 14] = [
    (
        SMALL,
        &["networkPolicy.enabled=false", "serviceAccount.create=false"],
    ),
    (
        SMALL,
        &[
            "database.migrationJob.enabled=false",
            "trial.enabled=true",
            "auth.existingSecret=",
            "users.existingSecret=",
            "auth.database.existingSecret=db",
            "users.database.existingSecret=db",
        ],
    ),
    (
        SMALL,
        &["auth.autoscaling.enabled=true", "users.autoscaling.enabled=true"],
    ),
    (
        SMALL,
        &[
            "events.transport=rabbitmq",
            "events.rabbitmq.existingSecret=mq",
            "events.rabbitmq.tls.enabled=true",
            "events.rabbitmq.tls.existingSecret=mq-tls",
            "events.rabbitmq.tls.certificateKey=tls.crt",
        ],
    ),
    (
        SMALL,
        &[
            "events.transport=kafka",
            "events.kafka.brokers={a:9092,b:9092}",
            "events.kafka.partitions=16",
            "events.kafka.replication=3",
        ],
    ),
    (
        SMALL,
        &[
            "auth.tls.existingSecret=auth-tls",
            "users.tls.existingSecret=users-tls",
        ],
    ),
    (
        SMALL,
        &[
            "images.registry=registry.example.org",
            "images.pullSecrets={one,two}",
            "auth.image.digest=sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        ],
    ),
    (
        SMALL,
        &[
            "auth.nodeSelector.disk=ssd",
            "auth.tolerations[0].key=a",
            "auth.tolerations[0].operator=Exists",
            "auth.env[0].name=A",
            "auth.env[0].value=b",
            "auth.envFrom[0].configMapRef.name=more",
        ],
    ),
    (
        SMALL,
        &[
            "auth.extraVolumes[0].name=ca",
            "auth.extraVolumes[0].configMap.name=ca",
            "auth.extraVolumeMounts[0].name=ca",
            "auth.extraVolumeMounts[0].mountPath=/ca",
        ],
    ),
    (
        SMALL,
        &[
            "commonLabels.team=id",
            "commonAnnotations.owner=id",
            "auth.podLabels.a=b",
            "auth.podAnnotations.a=b",
            "fullnameOverride=sso",
        ],
    ),
    (
        SMALL,
        &[
            "auth.clients.shop.grant_types={authorization_code}",
            "auth.clients.shop.redirect_uris={https://shop.example.org/cb}",
            "auth.clients.shop.hasSecret=true",
            "operator.enabled=false",
        ],
    ),
    (
        SMALL,
        &[
            "auth.service.type=LoadBalancer",
            "listenHost=[::]",
            "auth.ingress.enabled=false",
            "chartTest.person.existingSecret=canary",
            "chartTest.person.userName=canary",
        ],
    ),
    (
        SMALL,
        &[
            "apply.enabled=true",
            "apply.file=name = \"default\"",
            "apply.existingSecret=auth",
            "apply.applicationSecrets=applications",
            "apply.clientId=vestibule-cli",
            "apply.prune=true",
        ],
    ),
    (
        SQLITE,
        &[
            "auth.database.volume.existingClaim=mine",
            "users.database.volume.storageClassName=fast",
        ],
    ),
];

/// Each different manifest of all renderings once, as one stream.
fn all_manifests() -> String {
    let mut cases: Vec<String> = Vec::new();
    for values in FILES {
        cases.extend(VERSIONS.map(|version| text(values, version, &[])));
    }
    cases.extend(SWITCHES.map(|(values, sets)| text(values, VERSIONS[3], sets)));
    let manifests: BTreeSet<&str> = cases.iter().flat_map(|text| text.split("\n---\n")).collect();
    assert!(manifests.len() > 60, "{}", manifests.len());
    manifests
        .into_iter()
        .fold(String::new(), |all, one| all + "---\n" + one + "\n")
}

/// Runs it with `input` on its standard input.
pub(super) fn run_with_input(command: &mut Command, input: &str) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut stdin = child.stdin.take().expect("piped");
    let input = input.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().expect("ended");
    // Who refuses early does not read to the end.
    let _ = writer.join().expect("written");
    output
}

fn validator() -> Command {
    let mut validator = checker("python");
    validator
        .arg(root().join("tests/deploy/helm/validate.py"))
        .arg(installed_path("crds"));
    validator
}

fn output_text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn helm_finds_nothing_to_complain_about() {
    for values in FILES {
        let values = format!("{CHART}/{values}");
        run_successfully(helm().args(["lint", "--strict", CHART, "--values", &values]));
    }
}

#[test]
fn every_rendering_fits_the_last_four_versions_and_the_restricted_profile() {
    let manifests = all_manifests();
    let output = run_with_input(&mut validator(), &manifests);
    assert!(output.status.success(), "{}", output_text(&output));
    let output = run_with_input(&mut tool("podsecurity/podsecurity"), &manifests);
    assert!(output.status.success(), "{}", output_text(&output));
}

/// The checkers see what they are for: each of these breaks one thing in one manifest.
#[test]
fn a_broken_manifest_is_refused_by_its_checker() {
    let good = text(PRODUCTION, VERSIONS[3], &[]);
    let broken = [
        (
            "Deployment",
            "periodSeconds: 3",
            "periodSecond: 3",
            "periodSecond",
        ),
        ("Deployment", "maxSurge: 1", "maxSurge: [7]", "[7]"),
        ("NetworkPolicy", "policyTypes:", "policyType:", "policyType"),
        (
            "HorizontalPodAutoscaler",
            "minReplicas:",
            "minReplica:",
            "minReplica",
        ),
        (
            "ServiceMonitor",
            "scrapeTimeout:",
            "scrapeTimout:",
            "scrapeTimout",
        ),
        ("HTTPRoute", "backendRefs:", "backends:", "backends"),
        ("HTTPRoute", "type: PathPrefix", "type: Anything", "Anything"),
        ("PrometheusRule", "alert:", "allert:", "allert"),
    ];
    let manifests = broken.map(|(kind, from, to, _)| {
        let kind = format!("\nkind: {kind}\n");
        let mut found = good.split("\n---\n").filter(|one| one.contains(&kind));
        let one = found.find(|one| one.contains(from)).expect("a manifest to break");
        one.replacen(from, to, 1)
    });
    let output = run_with_input(&mut validator(), &manifests.join("\n---\n"));
    assert_eq!(output.status.code(), Some(1), "{}", output_text(&output));
    for (kind, _, to, word) in broken {
        let said = output_text(&output);
        let mut lines = said.lines();
        let seen = lines.any(|line| line.starts_with(&format!("{kind}/")) && line.contains(word));
        assert!(seen, "{kind} with {to:?} was accepted:\n{said}");
    }
    for (from, to) in [
        (
            "allowPrivilegeEscalation: false",
            "allowPrivilegeEscalation: true",
        ),
        ("runAsNonRoot: true", "runAsNonRoot: false"),
        ("type: RuntimeDefault", "type: Unconfined"),
        ("- ALL", "- NET_RAW"),
    ] {
        assert!(good.contains(from), "{from}");
        let output = run_with_input(&mut tool("podsecurity/podsecurity"), &good.replacen(from, to, 1));
        assert_eq!(
            output.status.code(),
            Some(1),
            "{from} → {to}: {}",
            output_text(&output)
        );
    }
}
