//! End-to-end tests of the real programs, from the view of people, applications and operators.

mod authority;
mod bad_input;
mod brokers;
mod canary;
mod claims;
mod commands;
mod consents;
mod declared;
mod delegations;
mod events;
mod groups;
mod leaving;
mod operations;
mod passwords;
mod quick_start;
mod rotation;
mod secrets;
mod separation;
mod set_up;
mod storage;
mod webhooks;
