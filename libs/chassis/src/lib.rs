//! Shared foundation of the services: configuration, telemetry, HTTP, routes and their description, health, database access, time, randomness,
//! secrets and graceful shutdown.
//!
//! This crate knows nothing of passwords, users and clients.

pub mod access;
pub mod backoff;
pub mod cipher;
pub mod client_certificate;
pub mod clock;
pub mod config;
pub mod cors;
pub mod db;
pub mod dispatch;
pub mod health;
pub mod http;
pub mod http_client;
pub mod network;
pub mod openapi;
pub mod outbound;
pub mod random;
pub mod routes;
pub mod schedule;
pub mod secret;
pub mod server;
pub mod service;
pub mod shutdown;
pub mod telemetry;

mod client_tls;
mod text;
