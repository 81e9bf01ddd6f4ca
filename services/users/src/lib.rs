//! The user service: it owns users and groups, and alone decides whether a user name is free.
//!
//! A domain has a folder with its model, its store, its use cases and its tests: `users`, `groups`, `registrations`,
//! `revocations`, `provisioning_clients`, `delegations`; `bulk` and `directory` have what concerns users and groups together. It is a struct that owns its few collaborators.
//! `routes` lists every route, `http` turns requests into use cases, [`app`] holds the domains, `openapi` describes the API,
//! `service` wires everything together,
//! [`config`] reads the settings.

pub mod app;
mod authority;
mod bulk;
mod catalogue;
pub mod config;
mod credentials;
mod delegations;
mod directory;
mod groups;
mod http;
mod log_catalogue;
mod memberships;
mod namespace;
mod openapi;
mod personal_data;
mod provisioning_clients;
mod registrations;
mod revocations;
mod routes;
mod schedule;
mod service;
#[cfg(test)]
mod testing;
mod token_checks;
mod user_created_waiters;
mod users;

use chassis::db::Migrations;
use chassis::telemetry::Declarations;

pub use catalogue::METRICS;
pub use service::{SCHEMA, UsersService};
pub use users::{indexed_rows, word_keys};

/// The tables of this service.
pub static MIGRATIONS: Migrations = Migrations {
    name: "users",
    sqlite: sqlx_macros::migrate!("migrations/sqlite"),
    postgres: sqlx_macros::migrate!("migrations/postgres"),
};

/// The metrics, actions and log fields of this crate.
pub const TELEMETRY: Declarations = Declarations {
    metrics: METRICS,
    actions: log_catalogue::ACTIONS,
    fields: log_catalogue::FIELDS,
};
