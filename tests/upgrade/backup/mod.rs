//! Backups are taken and put back: what is lost comes back, and what must not come back does not.

mod brokers;
mod erased;
mod operator;
mod refusals;
mod story;
