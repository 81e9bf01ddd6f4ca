//! The two engines.

pub(super) mod postgres;
pub(super) mod sqlite;
