//! Tests of the network policies: each pod reaches only the peers that it needs.

use serde_json::json;

use super::chart::{NAMESPACE, Objects, PRODUCTION, SMALL, SQLITE, render};
use super::policies::{Peer, allows, allows_tcp};

struct RenderedCluster {
    objects: Objects,
    auth: Peer,
    users: Peer,
    test: Peer,
}

fn render_cluster(values: &str, sets: &[&str]) -> RenderedCluster {
    let objects = render(values, sets);
    RenderedCluster {
        auth: Peer::of(objects.find("Deployment", "vestibule-auth")),
        users: Peer::of(objects.find("Deployment", "vestibule-users")),
        test: Peer::of(objects.find("Pod", "vestibule-test")),
        objects,
    }
}

fn foreign_pod(namespace: &str) -> Peer {
    Peer::pod(namespace, json!({ "app": "stranger" }))
}

fn dns() -> Peer {
    Peer::pod("kube-system", json!({ "k8s-app": "kube-dns" }))
}

#[test]
fn the_services_and_the_test_reach_each_other_and_nobody_reaches_management() {
    let RenderedCluster {
        objects,
        auth,
        users,
        test,
    } = &render_cluster(SMALL, &[]);
    for (from, to, port, expected) in [
        (auth, users, 8001, true),
        (users, auth, 8000, true),
        (test, auth, 8000, true),
        (test, users, 8001, true),
        (auth, test, 8000, false),
        (auth, users, 9001, false),
        (users, auth, 9000, false),
        (test, auth, 9000, false),
        (test, users, 22, false),
    ] {
        assert_eq!(
            allows_tcp(objects, from, to, port),
            expected,
            "{from:?} → {to:?}:{port}"
        );
    }
    for pod in [auth, users, test] {
        assert!(allows(objects, pod, &dns(), 53, "UDP") && allows_tcp(objects, pod, &dns(), 53));
        assert!(
            !allows_tcp(objects, pod, &foreign_pod("kube-system"), 53),
            "only the cluster's DNS"
        );
        assert!(
            !allows_tcp(objects, pod, &Peer::outside("169.254.169.254"), 80),
            "the cloud's metadata"
        );
        assert!(
            !allows_tcp(objects, pod, &Peer::outside("203.0.113.9"), 443),
            "no webhooks"
        );
        assert!(!allows_tcp(objects, pod, &foreign_pod(NAMESPACE), 8000));
    }
}

#[test]
fn who_is_named_comes_in_and_strangers_do_not() {
    let RenderedCluster {
        objects, auth, users, ..
    } = &render_cluster(SMALL, &[]);
    let ingress = Peer::pod("ingress-nginx", json!({}));
    let prometheus = Peer::pod("monitoring", json!({}));
    for (to, http, management) in [(auth, 8000, 9000), (users, 8001, 9001)] {
        assert!(allows_tcp(objects, &ingress, to, http));
        assert!(
            !allows_tcp(objects, &ingress, to, management),
            "never for an ingress"
        );
        assert!(allows_tcp(objects, &prometheus, to, management));
        assert!(!allows_tcp(objects, &prometheus, to, http));
        for from in [
            foreign_pod("default"),
            foreign_pod(NAMESPACE),
            Peer::outside("203.0.113.9"),
        ] {
            assert!(
                !allows_tcp(objects, &from, to, http) && !allows_tcp(objects, &from, to, management),
                "{from:?}"
            );
        }
    }
}

#[test]
fn each_service_finds_its_own_database_and_not_the_other_ones() {
    let RenderedCluster {
        objects,
        auth,
        users,
        test,
    } = &render_cluster(PRODUCTION, &[]);
    let database = |cluster: &str| Peer::pod(NAMESPACE, json!({ "cnpg.io/cluster": cluster }));
    let jobs =
        ["auth", "users"].map(|name| Peer::of(objects.find("Job", &format!("vestibule-{name}-migrate"))));
    let [auth_job, users_job] = &jobs;
    for (pod, own, foreign) in [
        (auth, "auth-db", "users-db"),
        (users, "users-db", "auth-db"),
        (auth_job, "auth-db", "users-db"),
        (users_job, "users-db", "auth-db"),
    ] {
        assert!(allows_tcp(objects, pod, &database(own), 5432), "{pod:?}");
        assert!(!allows_tcp(objects, pod, &database(foreign), 5432), "{pod:?}");
        assert!(!allows_tcp(objects, pod, &database(own), 22));
    }
    assert!(!allows_tcp(objects, test, &database("auth-db"), 5432));
    // The migration talks to the database and to nobody else, and nobody to it.
    for job in &jobs {
        assert!(allows(objects, job, &dns(), 53, "UDP"));
        assert!(!allows_tcp(objects, job, users, 8001) && !allows_tcp(objects, auth, job, 8000));
    }
}

#[test]
fn brokers_traces_and_webhooks_are_let_out_when_they_are_in_use() {
    let RenderedCluster {
        objects, auth, users, ..
    } = &render_cluster(PRODUCTION, &[]);
    for pod in [auth, users] {
        assert!(allows_tcp(objects, pod, &foreign_pod("kafka"), 9093));
        assert!(!allows_tcp(objects, pod, &foreign_pod("kafka"), 9092));
        assert!(allows_tcp(objects, pod, &foreign_pod("observability"), 4318));
        for (address, port, expected) in [
            ("203.0.113.9", 443, true),
            ("2001:db8::1", 8443, true),
            ("203.0.113.9", 25, false),
            ("10.1.2.3", 443, false),
            ("169.254.169.254", 443, false),
            ("fd00::1", 443, false),
        ] {
            assert_eq!(
                allows_tcp(objects, pod, &Peer::outside(address), port),
                expected,
                "{address}:{port}"
            );
        }
    }
    let RenderedCluster { objects, auth, .. } = &render_cluster(SMALL, &[]);
    assert!(!allows_tcp(objects, auth, &foreign_pod("kafka"), 9093));
    assert!(!allows_tcp(objects, auth, &foreign_pod("observability"), 4318));
    // With SQLite there is no database to find.
    let RenderedCluster { objects, auth, .. } = &render_cluster(SQLITE, &[]);
    assert!(!allows_tcp(objects, auth, &foreign_pod(NAMESPACE), 5432));
}

/// OpenShift's DNS is elsewhere and at another port; what a site adds is for the migration and the chart test, too.
#[test]
fn the_dns_is_where_the_values_say_and_additions_hold_for_every_pod() {
    let sets = [
        "networkPolicy.dns.to[0].namespaceSelector.matchLabels.kubernetes\\.io/metadata\\.name=openshift-dns",
        "networkPolicy.dns.ports={5353}",
        "networkPolicy.extraEgress[0].to[0].ipBlock.cidr=192.0.2.1/32",
        "networkPolicy.extraEgress[0].ports[0].port=3128",
        "networkPolicy.extraEgress[0].ports[0].protocol=TCP",
    ];
    let objects = render(SMALL, &sets);
    let (resolver, proxy) = (foreign_pod("openshift-dns"), Peer::outside("192.0.2.1"));
    let pods = objects
        .0
        .iter()
        .filter(|object| super::chart::pod(object).is_some());
    for pod in pods.map(Peer::of) {
        assert!(
            allows(&objects, &pod, &resolver, 5353, "UDP") && allows_tcp(&objects, &pod, &resolver, 5353)
        );
        assert!(!allows_tcp(&objects, &pod, &dns(), 53), "{pod:?}");
        assert!(allows_tcp(&objects, &pod, &proxy, 3128), "{pod:?}");
    }
}

#[test]
fn every_pod_of_the_release_is_closed_in_both_directions() {
    for values in [SMALL, PRODUCTION, SQLITE] {
        let objects = render(values, &[]);
        let pods = objects
            .0
            .iter()
            .filter(|object| super::chart::pod(object).is_some());
        for pod in pods {
            let peer = Peer::of(pod);
            let (inside, outside) = (foreign_pod("default"), Peer::outside("203.0.113.9"));
            assert!(!allows_tcp(&objects, &inside, &peer, 1), "{values}: {peer:?}");
            assert!(!allows_tcp(&objects, &peer, &outside, 1), "{values}: {peer:?}");
        }
    }
}
