//! Groups: what registration and a person's record need of them.

pub(crate) mod store;
