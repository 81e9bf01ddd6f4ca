//! Configuration of a service: one TOML file, overlaid by environment variables, with secrets from files of their own.
//!
//! The key `database.url` of the service `auth` is set by, from weakest to strongest:
//! `url = "…"` or `url_file = "PATH"` under `[database]` in the file; `VESTIBULE_AUTH__DATABASE__URL`, or
//! `VESTIBULE_AUTH__DATABASE__URL_FILE` with the path of a file. A `_file` key means the trimmed content of that file;
//! its path is relative to the configuration file's folder. An unknown key is an error.

mod error;
mod load;
mod map_access;
mod schema;
mod sections;
mod value;

#[cfg(test)]
mod tests;

pub use error::ConfigError;
pub use load::load;
pub use schema::schema;
pub(crate) use sections::BODY_BUDGET_SHARE;
pub use sections::{LimitsConfig, ListenConfig, LogConfig, LogFormat, TlsConfig, TracesConfig};
