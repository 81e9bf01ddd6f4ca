//! The authentication service: it stores credentials, signs people in, and issues tokens to applications.
//!
//! Each domain has a folder with its model, its store, its use cases and its tests: [`accounts`],
//! [`credentials`], [`breach_list`], [`sessions`], [`authorization_requests`], [`form_submissions`],
//! [`registration`], [`sign_up`], [`provisioning`], [`subjects`], [`setup_links`], [`setup`], [`throttle`],
//! [`clients`], [`consents`], [`assignments`], [`scopes`], [`grants`], [`tokens`], [`device_authorizations`],
//! [`direct_sign_in`], [`protected_hosts`], [`host_sessions`], [`keys`], [`restore`].
//! `routes` lists every route, `openapi` describes them,
//! [`http`] and [`pages`] have the handlers, [`html`] what the pages are made of, [`app`] the collaborators
//! that handlers take, [`config`] the settings. `service` wires everything together.

pub mod accounts;
pub mod app;
pub mod assignments;
pub mod authorization_requests;
pub mod breach_list;
mod catalogue;
pub mod clients;
pub mod config;
pub mod consents;
pub mod credential_export;
pub mod credential_import;
pub mod credentials;
pub mod detail_types;
pub mod device_authorizations;
pub mod direct_sign_in;
pub mod form_submissions;
pub mod grants;
mod groups;
pub mod host_sessions;
pub mod html;
pub mod http;
pub mod keys;
mod log_catalogue;
mod logout_delivery;
mod logouts;
pub mod managed;
mod openapi;
mod own_tokens;
pub mod pages;
pub mod pending_credentials;
mod personal_data;
pub mod protected_hosts;
pub mod provisioning;
mod quotas;
pub mod registration;
pub mod restore;
mod routes;
mod row_counts;
pub mod scopes;
mod service;
pub mod sessions;
pub mod setup;
pub mod setup_links;
pub mod sign_up;
pub mod subjects;
mod sweeper;
#[cfg(test)]
pub(crate) mod testing;
pub mod throttle;
pub mod tokens;

use chassis::db::Migrations;
use chassis::telemetry::Declarations;

pub use catalogue::METRICS;
pub use service::{AuthService, SCHEMA};

/// The migrations of this service's tables. Those of [`events::MIGRATIONS`] are in the same database.
pub static MIGRATIONS: Migrations = Migrations {
    name: "auth",
    sqlite: sqlx_macros::migrate!("migrations/sqlite"),
    postgres: sqlx_macros::migrate!("migrations/postgres"),
};

/// The metrics, actions and log fields of this crate.
pub const TELEMETRY: Declarations = Declarations {
    metrics: METRICS,
    actions: log_catalogue::ACTIONS,
    fields: log_catalogue::FIELDS,
};
