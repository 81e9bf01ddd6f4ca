//! Restarts, new versions, backups: what an operator does to services at work.
