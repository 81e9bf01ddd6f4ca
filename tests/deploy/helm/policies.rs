//! An evaluator of Kubernetes network policies: which pod may connect to which, at which port.

use std::net::IpAddr;

use serde_json::Value;

use super::chart::{NAMESPACE, Objects};

/// A peer of a connection.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    /// Of a pod: its namespace, which is known by the label that every namespace has.
    namespace: String,
    labels: Value,
    ports: Vec<(String, u64)>,
    address: Option<IpAddr>,
}

impl Peer {
    /// A pod of the release: the template of an object that the chart rendered.
    pub(super) fn of(object: &Value) -> Self {
        let (labels, spec) = super::chart::pod(object).expect("a pod");
        let containers = spec["containers"].as_array().expect("containers");
        let ports = containers
            .iter()
            .filter_map(|container| container["ports"].as_array());
        Self {
            namespace: NAMESPACE.to_owned(),
            labels: labels.clone(),
            ports: ports
                .flatten()
                .map(|port| {
                    let name = port["name"].as_str().expect("a name").to_owned();
                    (name, port["containerPort"].as_u64().expect("a port"))
                })
                .collect(),
            address: None,
        }
    }

    /// A pod outside of the release.
    pub(super) fn pod(namespace: &str, labels: Value) -> Self {
        Self {
            namespace: namespace.to_owned(),
            labels,
            ports: Vec::new(),
            address: None,
        }
    }

    /// An address outside of the cluster.
    pub(super) fn outside(address: &str) -> Self {
        Self {
            address: Some(address.parse().expect("an address")),
            ..Self::pod("", Value::Null)
        }
    }

    fn port_named(&self, name: &str) -> Option<u64> {
        self.ports
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, port)| *port)
    }
}

/// True if the policies of `objects` let `from` connect to `to` by TCP.
pub(super) fn allows_tcp(objects: &Objects, from: &Peer, to: &Peer, port: u64) -> bool {
    allows(objects, from, to, port, "TCP")
}

/// True if the policies of `objects` let `from` send to `to`.
pub(super) fn allows(objects: &Objects, from: &Peer, to: &Peer, port: u64, protocol: &str) -> bool {
    let policies: Vec<&Value> = objects.all("NetworkPolicy").collect();
    let passes = |subject: &Peer, kind: &str, rules: &str, side: &str, peer: &Peer| {
        let selecting: Vec<&&Value> = policies
            .iter()
            .filter(|policy| selects_pod(policy, subject) && has_type(policy, kind))
            .collect();
        // A pod that no policy selects is open.
        selecting.is_empty()
            || selecting.iter().any(|policy| {
                list(&policy["spec"][rules]).iter().any(|rule| {
                    port_matches(rule, to, port, protocol)
                        && any_peer_matches(&rule[side], peer, &policy["metadata"]["namespace"])
                })
            })
    };
    passes(from, "Egress", "egress", "to", to) && passes(to, "Ingress", "ingress", "from", from)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn has_type(policy: &Value, kind: &str) -> bool {
    list(&policy["spec"]["policyTypes"])
        .iter()
        .any(|known| known == kind)
}

fn selects_pod(policy: &Value, pod: &Peer) -> bool {
    pod.address.is_none()
        && policy["metadata"]["namespace"] == pod.namespace.as_str()
        && matches(&policy["spec"]["podSelector"], &pod.labels)
}

/// `matchLabels` alone: the chart uses nothing else, and what it would not understand it does not accept.
fn matches(selector: &Value, labels: &Value) -> bool {
    let selector = selector.as_object().expect("a selector");
    assert!(selector.keys().all(|key| key == "matchLabels"), "{selector:?}");
    selector.get("matchLabels").is_none_or(|wanted| {
        let wanted = wanted.as_object().expect("labels");
        wanted.iter().all(|(name, value)| labels.get(name) == Some(value))
    })
}

fn port_matches(rule: &Value, to: &Peer, port: u64, protocol: &str) -> bool {
    let ports = list(&rule["ports"]);
    ports.is_empty()
        || ports.iter().any(|wanted| {
            let number = match &wanted["port"] {
                Value::String(name) => to.port_named(name),
                other => other.as_u64(),
            };
            number == Some(port) && wanted["protocol"] == protocol
        })
}

fn any_peer_matches(peers: &Value, peer: &Peer, own: &Value) -> bool {
    let peers = list(peers);
    peers.is_empty() || peers.iter().any(|wanted| peer_matches(wanted, peer, own))
}

fn peer_matches(wanted: &Value, peer: &Peer, own: &Value) -> bool {
    if let Some(block) = wanted.get("ipBlock") {
        let Some(address) = peer.address else { return false };
        let within = |network: &Value| contains(network.as_str().expect("a network"), address);
        return within(&block["cidr"]) && !list(&block["except"]).iter().any(within);
    }
    if peer.address.is_some() {
        return false;
    }
    let namespace = match wanted.get("namespaceSelector") {
        Some(selector) => {
            let labels = serde_json::json!({ "kubernetes.io/metadata.name": peer.namespace });
            matches(selector, &labels)
        }
        None => *own == peer.namespace.as_str(),
    };
    let pod = wanted.get("podSelector");
    namespace && pod.is_none_or(|selector| matches(selector, &peer.labels))
}

fn contains(network: &str, address: IpAddr) -> bool {
    let (base, length) = network.split_once('/').expect("a network");
    let length: u32 = length.parse().expect("a length");
    match (base.parse().expect("an address"), address) {
        (IpAddr::V4(base), IpAddr::V4(address)) => {
            let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
            base.to_bits() & mask == address.to_bits() & mask
        }
        (IpAddr::V6(base), IpAddr::V6(address)) => {
            let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
            base.to_bits() & mask == address.to_bits() & mask
        }
        _ => false,
    }
}
