//! Test support: fresh databases of both engines, the real programs on free ports with personas that use them, brokers, and
//! a network that fails on demand.

mod balancer;
pub mod brokers;
mod certificates;
mod db;
mod generated;
mod log_capture;
pub mod logs;
mod people;
mod pooler;
mod process;
mod proxy;
mod stack;
mod visitor;
mod wait;

pub use balancer::Balancer;
pub use certificates::{CertificateFiles, CertificateKey, TestAuthority};
pub use db::{TestDb, block_on, databases, migrations_until, of_engine, postgres, sqlite};
pub use generated::{assert_api_reference, assert_generated, is_generating, operations_without_example};
pub use log_capture::{LogCapture, capture_log};
pub use people::{Person, Tokens, pkce_challenge};
pub use pooler::Pooler;
pub use process::{Process, Program, free_port, program};
pub use proxy::FaultProxy;
pub use stack::{Engine, Release, Service, Stack, StackOptions, StackTls, Transport};
pub use visitor::{Page, Visitor};
pub use wait::{eventually, poll_until, within};
