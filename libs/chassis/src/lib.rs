//! What every Vestibule service stands on: configuration, telemetry, HTTP, health, the database handle, time,
//! randomness, secrets and a graceful end.
//!
//! Nothing here knows what a password, a person or a client is.

pub mod access;
pub mod backoff;
pub mod cipher;
pub mod clock;
pub mod config;
pub mod db;
pub mod health;
pub mod http;
pub mod http_client;
pub mod outbound;
pub mod program;
pub mod random;
pub mod secret;
pub mod server;
pub mod shutdown;
pub mod startup;
pub mod telemetry;

mod text;
