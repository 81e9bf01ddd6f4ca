//! Tests of the chart's pods, rollouts, secrets and names.

use serde_json::{Value, json};

use super::chart::{FILES, Objects, PRODUCTION, SMALL, SQLITE, TRIAL, pod, render};

const SERVICES: [(&str, u64, u64); 2] = [("auth", 8000, 9000), ("users", 8001, 9001)];

fn deployment<'a>(objects: &'a Objects, service: &str) -> &'a Value {
    objects.find("Deployment", &format!("vestibule-{service}"))
}

#[test]
fn a_rollout_takes_nothing_away_before_something_new_is_ready() {
    let objects = render(PRODUCTION, &[]);
    for (service, ..) in SERVICES {
        let spec = &deployment(&objects, service)["spec"];
        let rolling = json!({ "maxUnavailable": 0, "maxSurge": 1 });
        assert_eq!(spec["strategy"]["rollingUpdate"], rolling);
        // The HorizontalPodAutoscaler decides, and an upgrade must not undo that.
        assert!(spec.get("replicas").is_none());
        let budget = objects.find("PodDisruptionBudget", &format!("vestibule-{service}"));
        assert_eq!(budget["spec"]["selector"], spec["selector"]);
        let zones = &spec["template"]["spec"]["topologySpreadConstraints"];
        assert_eq!(zones.as_array().map(Vec::len), Some(2), "{zones}");
    }
    let small = render(SMALL, &[]);
    assert_eq!(deployment(&small, "auth")["spec"]["replicas"], 2);
    assert!(!small.has("HorizontalPodAutoscaler"));
}

#[test]
fn a_pod_has_the_time_that_its_end_takes() {
    let sets = [
        "auth.preStopSeconds=7",
        "auth.drainSeconds=11",
        "auth.config.limits.request_timeout_seconds=60",
    ];
    let objects = render(SMALL, &sets);
    let spec = &deployment(&objects, "auth")["spec"]["template"]["spec"];
    assert_eq!(
        spec["containers"][0]["lifecycle"]["preStop"],
        json!({ "sleep": { "seconds": 7 } })
    );
    // 30 seconds for background tasks as the services have them, and 5 of air.
    assert_eq!(spec["terminationGracePeriodSeconds"], 7 + 11 + 60 + 30 + 5);
    let small = render(SMALL, &[]);
    let spec = &deployment(&small, "users")["spec"]["template"]["spec"];
    assert_eq!(spec["terminationGracePeriodSeconds"], 5 + 5 + 30 + 30 + 5);
}

#[test]
fn a_url_with_a_path_is_routed_by_that_path() {
    let sets = [
        "auth.url=https://example.org/idp",
        "users.url=https://example.org/directory/",
    ];
    let route = [
        "auth.ingress.enabled=false",
        "auth.httpRoute.enabled=true",
        "auth.httpRoute.parentRefs[0].name=gateway",
        "users.ingress.enabled=false",
        "users.httpRoute.enabled=true",
        "users.httpRoute.parentRefs[0].name=gateway",
    ];
    let objects = render(SMALL, &sets);
    let paths = |service: &str| -> Vec<(String, String)> {
        let ingress = objects.find("Ingress", &format!("vestibule-{service}"));
        let rule = &ingress["spec"]["rules"][0];
        assert_eq!(rule["host"], "example.org");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let paths = rule["http"]["paths"].as_array().unwrap().iter();
        paths
            .map(|path| (text(&path["path"]), text(&path["pathType"])))
            .collect()
    };
    let owned = |(path, kind): (&str, &str)| (path.to_owned(), kind.to_owned());
    let metadata = "/.well-known/oauth-authorization-server/idp";
    assert_eq!(
        paths("auth"),
        [("/idp", "Prefix"), (metadata, "Exact")].map(owned)
    );
    let resource = "/.well-known/oauth-protected-resource/directory";
    assert_eq!(
        paths("users"),
        [("/directory", "Prefix"), (resource, "Exact")].map(owned)
    );
    let objects = render(SMALL, &[sets.as_slice(), &route].concat());
    for (service, path, metadata) in [("auth", "/idp", metadata), ("users", "/directory", resource)] {
        let route = objects.find("HTTPRoute", &format!("vestibule-{service}"));
        assert_eq!(
            route["spec"]["rules"][0]["matches"],
            json!([
                { "path": { "type": "PathPrefix", "value": path } },
                { "path": { "type": "Exact", "value": metadata } },
            ])
        );
    }
    // At the root nothing changes.
    let objects = render(SMALL, &[]);
    let paths = &objects.find("Ingress", "vestibule-auth")["spec"]["rules"][0]["http"]["paths"];
    assert_eq!(
        (paths.as_array().map(Vec::len), &paths[0]["path"]),
        (Some(1), &json!("/"))
    );
}

#[test]
fn probes_ask_the_management_port() {
    let objects = render(SMALL, &[]);
    for (service, http, management) in SERVICES {
        let container = &deployment(&objects, service)["spec"]["template"]["spec"]["containers"][0];
        assert_eq!(
            container["ports"][0],
            json!({ "name": "http", "containerPort": http })
        );
        assert_eq!(
            container["ports"][1],
            json!({ "name": "management", "containerPort": management })
        );
        for (probe, path) in [
            ("startupProbe", "/health/started"),
            ("readinessProbe", "/health/ready"),
            ("livenessProbe", "/health/live"),
        ] {
            assert_eq!(
                container[probe]["httpGet"],
                json!({ "path": path, "port": "management" })
            );
        }
        // The public Service has no way to the management port.
        let ports = &objects.find("Service", &format!("vestibule-{service}"))["spec"]["ports"];
        assert_eq!(ports.as_array().map(Vec::len), Some(1));
    }
}

/// An address of IPv6 at which nothing listens would be an endpoint that refuses every other connection.
#[test]
fn a_service_has_addresses_of_both_families_only_when_the_pods_listen_on_both() {
    for (sets, expected) in [
        (vec![], Value::Null),
        (vec!["listenHost=[::]"], json!("PreferDualStack")),
    ] {
        let objects = render(SMALL, &sets);
        for (service, ..) in SERVICES {
            let spec = &objects.find("Service", &format!("vestibule-{service}"))["spec"];
            assert_eq!(spec["ipFamilyPolicy"], expected);
        }
    }
}

/// SB-7: a trusted proxy says under which address a caller is counted, so no values file believes a network
/// that is only likely.
#[test]
fn no_values_file_believes_a_proxy_that_nobody_named() {
    for values in FILES {
        let objects = render(values, &[]);
        for (service, ..) in SERVICES {
            let map = objects.find("ConfigMap", &format!("vestibule-{service}"));
            let file = map["data"][format!("{service}.toml")].as_str().expect("a file");
            assert!(file.contains("trusted_proxies = []"), "{values}: {file}");
        }
    }
}

#[test]
fn sqlite_is_one_pod_with_a_volume_that_outlives_it() {
    let objects = render(SQLITE, &[]);
    for (service, ..) in SERVICES {
        let spec = &deployment(&objects, service)["spec"];
        assert_eq!(
            (&spec["replicas"], &spec["strategy"]),
            (&json!(1), &json!({ "type": "Recreate" }))
        );
        let claim = objects.find("PersistentVolumeClaim", &format!("vestibule-{service}-data"));
        assert_eq!(
            claim["metadata"]["annotations"]["helm.sh/resource-policy"],
            "keep"
        );
    }
    for kind in ["Job", "HorizontalPodAutoscaler", "PodDisruptionBudget"] {
        assert!(!objects.has(kind), "{kind}");
    }
}

#[test]
fn no_secret_is_made_but_for_a_trial_and_none_stands_in_a_configmap() {
    for values in [SMALL, PRODUCTION, SQLITE] {
        let objects = render(values, &[]);
        assert!(!objects.has("Secret"), "{values}");
        for map in objects.all("ConfigMap") {
            let Some(data) = map["data"].as_object() else {
                continue;
            };
            for line in data.values().filter_map(Value::as_str).flat_map(str::lines) {
                let key = line.split(" = ").next().unwrap_or_default();
                assert!(
                    !matches!(key, "secret" | "client_secret" | "password" | "k1"),
                    "{line}"
                );
                assert!(
                    !line.contains("postgres://") && !line.contains("amqp://"),
                    "{line}"
                );
            }
        }
    }
    let objects = render(TRIAL, &[]);
    let secret = objects.find("Secret", "vestibule-trial");
    assert!(
        secret["metadata"]["annotations"]["vestibule/purpose"]
            .as_str()
            .is_some_and(|text| text.contains("never"))
    );
}

#[test]
fn a_changed_configuration_rolls_the_pods_and_nothing_else_does() {
    let sum = |sets: &[&str]| {
        let objects = render(SMALL, sets);
        let template = &deployment(&objects, "auth")["spec"]["template"];
        template["metadata"]["annotations"]["checksum/config"].clone()
    };
    assert_eq!(sum(&[]), sum(&["users.drainSeconds=9"]));
    assert_ne!(sum(&[]), sum(&["auth.config.tokens.access_seconds=60"]));
}

#[test]
fn services_select_the_pods_that_carry_their_labels() {
    for values in [SMALL, PRODUCTION, SQLITE] {
        let objects = render(values, &[]);
        let selectors = objects.all("Service").map(|service| &service["spec"]["selector"]);
        let monitors = objects
            .all("ServiceMonitor")
            .map(|monitor| &monitor["spec"]["selector"]["matchLabels"]);
        let pods: Vec<&Value> = objects
            .0
            .iter()
            .filter_map(pod)
            .map(|(labels, _)| labels)
            .collect();
        let services: Vec<&Value> = objects
            .all("Service")
            .map(|service| &service["metadata"]["labels"])
            .collect();
        let carried = |selector: &Value, candidates: &[&Value]| {
            let wanted = selector.as_object().expect("labels");
            let found = candidates
                .iter()
                .filter(|labels| wanted.iter().all(|(name, value)| labels.get(name) == Some(value)));
            found.count()
        };
        for selector in selectors {
            // With the version in it, pods of the old one would get no requests during a rollout.
            assert_eq!(
                selector.as_object().map(serde_json::Map::len),
                Some(3),
                "{selector}"
            );
            assert_eq!(carried(selector, &pods), 1, "{values}: {selector}");
        }
        for selector in monitors {
            assert_eq!(carried(selector, &services), 1, "{values}: {selector}");
        }
    }
}

#[test]
fn the_way_in_leads_to_the_host_of_the_public_url() {
    let small = render(SMALL, &[]);
    let production = render(PRODUCTION, &[]);
    for (service, port, _) in SERVICES {
        let host = if service == "auth" {
            "login.example.org"
        } else {
            "users.example.org"
        };
        let name = format!("vestibule-{service}");
        let ingress = &small.find("Ingress", &name)["spec"];
        assert_eq!(
            (&ingress["rules"][0]["host"], &ingress["tls"][0]["hosts"][0]),
            (&json!(host), &json!(host))
        );
        let route = &production.find("HTTPRoute", &name)["spec"];
        assert_eq!(route["hostnames"], json!([host]));
        assert_eq!(
            route["rules"][0]["backendRefs"],
            json!([{ "name": name, "port": port }])
        );
    }
}
