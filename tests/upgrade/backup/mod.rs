//! Tests of backup and restoration.

mod brokers;
mod erased;
mod operator;
mod refusals;
mod story;
