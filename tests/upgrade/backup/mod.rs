//! Backups are taken and put back: what is lost comes back, and what must not come back does not.

mod brokers;
mod operator;
mod refusals;
mod story;
