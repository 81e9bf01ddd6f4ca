//! What tests stand on: fresh databases of both engines.

mod db;

pub use db::{TestDb, block_on, databases, postgres, sqlite};
