//! The settings of a worker.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

/// The role of a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Changes people, and publishes that.
    Source,
    /// Follows the source.
    Follower,
}

/// The settings of one worker, as JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Settings {
    /// Its part.
    pub role: Role,
    /// Its database.
    pub database: String,
    /// The address of the feed and of the control routes.
    pub listen: SocketAddr,
    /// The URL of the source, for the follower.
    pub source: Url,
    /// `[events]`, as a service would have it.
    pub events: serde_json::Value,
    /// The socket of the log.
    pub log: PathBuf,
    /// While this file exists, the follower rejects marked events.
    pub poison: PathBuf,
    /// The key of the access tokens (PKCS #8, base64).
    pub key: String,
    /// The people whom the writers change.
    pub people: Vec<Uuid>,
    /// The seed of its random choices.
    pub seed: u64,
    /// Its writers rest at first.
    pub quiet: bool,
    /// It is the release after this one: it says more than this one understands.
    pub newer: bool,
}
