//! Tests of the Job that applies a declarative file.

use serde_json::{Value, json};

use super::chart::{SMALL, helm_error, render};
use super::policies::{Peer, allows, allows_tcp};
use crate::files::read;

const NAME: &str = "vestibule-apply";
const SETS: [&str; 6] = [
    "apply.enabled=true",
    "apply.existingSecret=auth-secrets",
    "auth.clients.apply.hasSecret=true",
    "auth.clients.apply.grant_types={client_credentials}",
    "auth.clients.apply.scope=admin",
    "apply.existingConfigMap=declared",
];

fn arguments(job: &Value) -> Vec<&str> {
    let arguments = &job["spec"]["template"]["spec"]["containers"][0]["args"];
    arguments
        .as_array()
        .expect("arguments")
        .iter()
        .filter_map(Value::as_str)
        .collect()
}

#[test]
fn there_is_none_unless_it_is_asked_for() {
    let objects = render(SMALL, &[]);
    assert!(objects.all("Job").all(|job| job["metadata"]["name"] != NAME));
    for (sets, words) in [
        (&SETS[..1], "there is no file"),
        (
            &["apply.enabled=true", "apply.file=x"][..],
            "apply.existingSecret is missing",
        ),
        (
            &["apply.enabled=true", "apply.file=x", "apply.existingConfigMap=y"][..],
            "both set",
        ),
        (
            &[SETS[0], SETS[1], SETS[5]][..],
            "apply.clientId is \"apply\", which is not among auth.clients",
        ),
        (
            &[&SETS[..], &["auth.clients.apply.scope=users:read"]].concat()[..],
            "needs hasSecret: true, grant_types: [client_credentials] and scope: admin",
        ),
        (
            &[&SETS[..], &["auth.clients.apply.hasSecret=false"]].concat()[..],
            "needs hasSecret: true",
        ),
    ] {
        let error = helm_error(SMALL, sets);
        assert!(error.contains(words), "{words}: {error}");
    }
    let operator = [SETS[0], SETS[1], SETS[5], "apply.clientId=vestibule-cli"];
    render(SMALL, &operator).find("Job", NAME);
}

/// A file that is wrong is not tried again; everything else may be over soon.
#[test]
fn a_file_that_is_wrong_is_not_tried_again() {
    let objects = render(SMALL, &SETS);
    let job = objects.find("Job", NAME);
    assert_eq!(
        job["spec"]["podFailurePolicy"]["rules"],
        json!([{ "action": "FailJob", "onExitCodes": { "containerName": "apply", "operator": "In", "values": [2] } }])
    );
    assert_eq!(
        job["spec"]["template"]["spec"]["restartPolicy"], "Never",
        "the policy needs it"
    );
}

#[test]
fn it_runs_after_the_release_with_one_credential_and_without_a_token_of_the_cluster() {
    let objects = render(SMALL, &SETS);
    let job = objects.find("Job", NAME);
    assert_eq!(
        job["metadata"]["annotations"]["helm.sh/hook"],
        "post-install,post-upgrade,post-rollback"
    );
    let pod = &job["spec"]["template"]["spec"];
    assert_eq!(pod["automountServiceAccountToken"], false);
    let volumes = pod["volumes"].as_array().expect("volumes");
    assert_eq!(volumes.len(), 2, "the file and the credential: {volumes:?}");
    assert_eq!(volumes[0]["configMap"]["name"], "declared");
    assert_eq!(
        volumes[1]["secret"]["items"],
        json!([{ "key": "client-apply", "path": "client-secret" }])
    );
    let arguments = arguments(job);
    assert_eq!(
        arguments[..3],
        ["apply", "--file", "/etc/vestibule/vestibule.toml"]
    );
    for option in [
        "--prune",
        "--adopt",
        "--adopt-from",
        "--update-secrets",
        "--show-secrets",
    ] {
        assert!(
            !arguments.contains(&option),
            "{option} is for those who ask for it"
        );
    }
    let more = [
        "apply.prune=true",
        "apply.adopt=true",
        "apply.adoptFrom={shop-team,default}",
        "apply.updateSecrets=true",
        "apply.applicationSecrets=apps",
    ];
    let objects = render(SMALL, &[&SETS[..], &more].concat());
    let job = objects.find("Job", NAME);
    for option in ["--prune", "--adopt", "--update-secrets"] {
        assert!(self::arguments(job).contains(&option), "{option}");
    }
    let arguments = self::arguments(job);
    for name in ["shop-team", "default"] {
        assert!(
            arguments.windows(2).any(|pair| pair == ["--adopt-from", name]),
            "{name}"
        );
    }
    assert_eq!(
        job["spec"]["template"]["spec"]["volumes"][2]["secret"]["secretName"],
        "apps"
    );
}

#[test]
fn the_file_of_the_values_is_mounted_as_it_is() {
    let sample = read("deploy/samples/vestibule.toml");
    let file = "apply.file=deploy/samples/vestibule.toml";
    let mut command = super::chart::template(SMALL, super::chart::VERSIONS[3], &SETS[..5]);
    command.args(["--set-file", file, "--show-only", "templates/apply.yaml"]);
    let output = crate::tools::run_successfully(&mut command);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    for line in sample.lines().filter(|line| !line.is_empty()) {
        assert!(text.contains(&format!("    {line}\n")), "{line}");
    }
}

#[test]
fn a_file_may_begin_with_an_indented_line() {
    let file = "    # The first line is indented\nname = 'default'\n  [clients.shop]\n";
    let set = format!("apply.file={file}");
    let objects = render(SMALL, &[&SETS[..5], &[&set]].concat());
    let text = objects.find("ConfigMap", NAME)["data"]["vestibule.toml"].clone();
    assert_eq!(text.as_str().map(str::trim_end), Some(file.trim_end()));
}

#[test]
fn it_reaches_the_authentication_service_alone() {
    let objects = render(SMALL, &SETS);
    let job = Peer::of(objects.find("Job", NAME));
    let auth = Peer::of(objects.find("Deployment", "vestibule-auth"));
    let users = Peer::of(objects.find("Deployment", "vestibule-users"));
    assert!(allows_tcp(&objects, &job, &auth, 8000));
    assert!(!allows_tcp(&objects, &job, &auth, 9000) && !allows_tcp(&objects, &job, &users, 8001));
    assert!(
        !allows_tcp(&objects, &auth, &job, 8000)
            && !allows_tcp(&objects, &job, &Peer::outside("203.0.113.9"), 443)
    );
    let dns = Peer::pod("kube-system", json!({ "k8s-app": "kube-dns" }));
    assert!(allows(&objects, &job, &dns, 53, "UDP"));
    // Without the job the service is as closed as before.
    let closed = render(SMALL, &[]);
    assert!(!allows_tcp(&closed, &job, &auth, 8000));
}
