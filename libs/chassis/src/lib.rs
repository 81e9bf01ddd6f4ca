//! What every Vestibule service stands on: configuration, telemetry, HTTP, health, the database handle, time,
//! randomness, secrets and a graceful end.
//!
//! Nothing here knows what a password, a person or a client is.

pub mod clock;
pub mod db;
pub mod random;
pub mod secret;
