//! Name resolution with the outbound policy applied to every address.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::error::Unresolved;
use super::policy::{Policy, Strictness};
use futures_util::future::BoxFuture;

/// Resolves names to addresses.
pub trait Resolver: Send + Sync + fmt::Debug + 'static {
    /// Resolves `name` to all of its addresses, at least one.
    ///
    /// # Errors
    /// The name has no address, or no server responds.
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>>;
}

/// The resolver of the system: the hosts file, then DNS.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        Box::pin(async move {
            let found: Vec<IpAddr> = tokio::net::lookup_host((name, 0))
                .await?
                .map(|at| at.ip())
                .collect();
            match found.is_empty() {
                true => Err(io::ErrorKind::NotFound.into()),
                false => Ok(found),
            }
        })
    }
}

/// A resolver that returns checked addresses only. The client connects to the addresses that it gets from here.
pub(super) struct GuardedResolver {
    policy: Arc<Policy>,
    resolver: Arc<dyn Resolver>,
    strictness: Strictness,
}

impl GuardedResolver {
    pub(super) fn new(policy: &Arc<Policy>, resolver: &Arc<dyn Resolver>, strictness: Strictness) -> Self {
        Self {
            policy: Arc::clone(policy),
            resolver: Arc::clone(resolver),
            strictness,
        }
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (policy, resolver, strictness) = (
            Arc::clone(&self.policy),
            Arc::clone(&self.resolver),
            self.strictness,
        );
        Box::pin(async move {
            let found = resolver.resolve(name.as_str()).await.map_err(|_| Unresolved)?;
            policy.check_all(&found, strictness)?;
            // The client sets the port of the URL.
            let checked: Addrs = Box::new(found.into_iter().map(|ip| SocketAddr::new(ip, 0)));
            Ok(checked)
        })
    }
}
