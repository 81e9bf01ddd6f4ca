//! The user service: it owns people and groups, and alone decides whether a user name is free.
//!
//! A domain has a folder with its model, its store, its use cases and its tests: `people`, `groups`, `registrations`,
//! `revocations`.
//! `http` turns requests into use cases, [`app`] holds what they share, `service` wires everything together,
//! [`config`] reads the settings.

pub mod app;
mod catalogue;
pub mod config;
mod groups;
mod http;
mod registrations;
mod revocations;
mod service;
#[cfg(test)]
mod testing;
mod user_created_waiters;
mod users;

use chassis::db::Migrations;

pub use catalogue::METRICS;
pub use service::{SCHEMA, UsersService};

/// The tables of this service.
pub static MIGRATIONS: Migrations = Migrations {
    name: "users",
    sqlite: sqlx::migrate!("migrations/sqlite"),
    postgres: sqlx::migrate!("migrations/postgres"),
};
