//! The authentication service: it stores credentials, signs people in, and issues tokens to applications.
//!
//! Each domain has a folder with its model, its store, its use cases and its tests: [`accounts`],
//! [`credentials`], [`breach_list`], [`sessions`], [`authorization_requests`], [`form_submissions`],
//! [`registration`], [`subjects`], [`setup`], [`throttle`], [`clients`], [`grants`], [`keys`], `restore`.
//! [`http`] and [`pages`] have the handlers, [`app`] the collaborators that they share, [`config`] the
//! settings. `service` wires everything together.

pub mod accounts;
pub mod app;
pub mod authorization_requests;
pub mod breach_list;
mod catalogue;
pub mod clients;
pub mod config;
pub mod credentials;
pub mod form_submissions;
pub mod grants;
pub mod http;
pub mod keys;
mod own_tokens;
pub mod pages;
pub mod registration;
mod restore;
mod service;
pub mod sessions;
pub mod setup;
pub mod subjects;
mod sweeper;
#[cfg(test)]
pub(crate) mod testing;
pub mod throttle;

use chassis::db::Migrations;

pub use catalogue::METRICS;
pub use service::{AuthService, SCHEMA};

/// The migrations of this service's tables. Those of [`events::MIGRATIONS`] are in the same database.
pub static MIGRATIONS: Migrations = Migrations {
    name: "auth",
    sqlite: sqlx::migrate!("migrations/sqlite"),
    postgres: sqlx::migrate!("migrations/postgres"),
};
