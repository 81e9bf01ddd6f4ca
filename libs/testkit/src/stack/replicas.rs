//! Second replicas of the services, on the same databases, with a balancer in front of each pair.

use std::net::{Ipv4Addr, SocketAddr};

use super::Stack;
use super::configuration::{Ports, SecondPorts};
use crate::balancer::Balancer;
use crate::process::{Process, Program};

/// One of the two services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// `auth`, the authentication service.
    Auth,
    /// `users`, the user service.
    Users,
}

/// The second replicas.
#[derive(Debug)]
pub(super) struct Replicas {
    auth: Process,
    users: Process,
    ports: SecondPorts,
    /// The balancers, which end when they are dropped.
    balancers: Vec<Balancer>,
}

impl Replicas {
    /// Starts a second process of `auth` and of `users`, on `second`.
    pub(super) fn start(second: SecondPorts, auth: Program, users: Program) -> Self {
        Self {
            auth: Process::start(as_second_replica(
                auth,
                "AUTH",
                second.auth,
                second.auth_management,
            )),
            users: Process::start(as_second_replica(
                users,
                "USERS",
                second.users,
                second.users_management,
            )),
            ports: second,
            balancers: Vec::new(),
        }
    }

    /// Starts a balancer in front of each pair.
    pub(super) async fn balance(&mut self, ports: Ports) {
        let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        self.balancers = vec![
            Balancer::start(ports.auth, vec![at(ports.auth_listen), at(self.ports.auth)]).await,
            Balancer::start(ports.users_public, vec![at(ports.users), at(self.ports.users)]).await,
        ];
    }
}

impl Replicas {
    /// Kills both.
    pub(super) fn kill(&mut self) {
        self.auth.kill();
        self.users.kill();
    }
}

/// The same program with the ports and the log of the second replica.
fn as_second_replica(mut program: Program, service: &str, port: u16, management: u16) -> Program {
    for (key, port) in [("ADDRESS", port), ("MANAGEMENT", management)] {
        let name = format!("VESTIBULE_{service}__LISTEN__{key}");
        program.environment.push((name, format!("127.0.0.1:{port}")));
    }
    program.log.set_extension("second.log");
    program
}

impl Stack {
    /// A replica of a service: 0 is the first, 1 the second of [`StackOptions::two_replicas`](super::StackOptions::two_replicas).
    ///
    /// # Panics
    /// There is no such replica.
    pub fn replica(&mut self, service: Service, number: usize) -> &mut Process {
        match (service, number, &mut self.second) {
            (Service::Auth, 0, _) => &mut self.auth,
            (Service::Users, 0, _) => &mut self.users,
            (Service::Auth, 1, Some(second)) => &mut second.auth,
            (Service::Users, 1, Some(second)) => &mut second.users,
            _ => missing(number),
        }
    }

    /// The URL of `path` at one replica, not at the balancer in front of it.
    ///
    /// # Panics
    /// There is no such replica.
    pub fn replica_url(&self, service: Service, number: usize, path: &str) -> String {
        let port = match (service, number, &self.second) {
            (Service::Auth, 0, _) => self.ports.auth_listen,
            (Service::Users, 0, _) => self.ports.users,
            (Service::Auth, 1, Some(second)) => second.ports.auth,
            (Service::Users, 1, Some(second)) => second.ports.users,
            _ => missing(number),
        };
        format!("{}://localhost:{port}{path}", self.ports.scheme)
    }

    /// Waits until a replica is ready.
    ///
    /// # Panics
    /// It is not ready within a minute, or there is no such replica.
    pub async fn replica_ready(&self, service: Service, number: usize) {
        let management = self.management_port(service, number);
        self.wait_ready(&format!("replica {number} of {service:?}"), management)
            .await;
    }

    /// The management port of a replica.
    ///
    /// # Panics
    /// There is no such replica.
    pub fn management_port(&self, service: Service, number: usize) -> u16 {
        match (service, number, &self.second) {
            (Service::Auth, 0, _) => self.ports.auth_management,
            (Service::Users, 0, _) => self.ports.users_management,
            (Service::Auth, 1, Some(second)) => second.ports.auth_management,
            (Service::Users, 1, Some(second)) => second.ports.users_management,
            _ => missing(number),
        }
    }
}

#[expect(clippy::panic, reason = "a test that asks for what it did not start is wrong")]
fn missing(number: usize) -> ! {
    panic!("the stack has no replica {number}")
}
