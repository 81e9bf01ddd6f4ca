//! What a worker is told when it starts.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

/// Which part a worker plays.
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
    /// Where it serves the feed and takes orders.
    pub listen: SocketAddr,
    /// Where the follower finds the source.
    pub source: Url,
    /// `[events]`, as a service would have it.
    pub events: serde_json::Value,
    /// The socket of the log.
    pub log: PathBuf,
    /// While this file is there, the follower refuses what is marked.
    pub poison: PathBuf,
    /// The key of the access tokens (PKCS #8, base64).
    pub key: String,
    /// Whose changes are told.
    pub people: Vec<Uuid>,
    /// Where its random choices come from.
    pub seed: u64,
    /// Its writers rest at first.
    pub quiet: bool,
    /// It is the release after this one: it says more than this one understands.
    pub newer: bool,
}
