//! Load balancer in front of replicas: gives each new connection to the next replica that accepts it.

#![expect(clippy::expect_used, reason = "a test that cannot start must say why")]

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A round-robin TCP load balancer. It skips a replica that refuses, and ends when it is dropped.
#[derive(Debug)]
pub struct Balancer {
    #[expect(dead_code, reason = "ends the tasks when dropped")]
    tasks: JoinSet<()>,
}

impl Balancer {
    /// Listens on `port` of this machine, in front of `targets`.
    ///
    /// # Panics
    /// The port is in use.
    pub async fn start(port: u16, targets: Vec<SocketAddr>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .expect("the balancer's port");
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, targets));
        Self { tasks }
    }
}

async fn accept(listener: TcpListener, mut targets: Vec<SocketAddr>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        connections.spawn(pass(client, targets.clone()));
        targets.rotate_left(1);
        while connections.try_join_next().is_some() {}
    }
}

/// Forwards a connection to the first target that accepts it. Without one, the client's connection is closed.
async fn pass(mut client: TcpStream, targets: Vec<SocketAddr>) {
    for target in targets {
        if let Ok(mut server) = TcpStream::connect(target).await {
            // If one side closes, both end, as a client of a killed replica would see it.
            let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            return;
        }
    }
}
