//! The HTTP endpoints, one file each. They turn a request into a use case and its outcome into a response.

use std::net::IpAddr;

use axum::Router;

use crate::app::SharedApp;

/// Who called: where from, and with which program.
#[derive(Clone, Debug)]
pub struct ClientInfo {
    /// The caller's address, as trusted proxies tell it.
    pub ip: IpAddr,
    /// The `User-Agent` header.
    pub user_agent: Option<String>,
}

/// Every endpoint of this folder.
pub fn routes() -> Router<SharedApp> {
    Router::new()
}
