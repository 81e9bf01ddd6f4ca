//! The authentication service: it holds credentials, signs people in, and gives tokens to applications.
//!
//! A domain has a folder with its model, its store, its use cases and its tests: [`accounts`], [`credentials`],
//! [`sessions`], [`authorization_requests`], [`form_submissions`], [`registration`], [`subjects`], [`setup`], [`throttle`], [`clients`], [`grants`], [`keys`]. [`http`]
//! and [`pages`] turn requests into use cases, [`app`] holds what they share, `service` wires everything together,
//! [`config`] reads the settings.

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
pub use service::{RunError, SCHEMA, migrate, run, run_with};

/// The tables of this service; those of [`events::MIGRATIONS`] stand beside them.
pub static MIGRATIONS: Migrations = Migrations {
    name: "auth",
    sqlite: sqlx::migrate!("migrations/sqlite"),
    postgres: sqlx::migrate!("migrations/postgres"),
};
