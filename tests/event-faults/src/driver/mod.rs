//! The driver: starts worlds of real processes and injects faults.

mod broker;
mod faults;
mod kinds;
mod report;
mod round;
mod side;
mod tables;
mod world;

pub use broker::{Broker, Transport};
pub use kinds::{FaultKind, FaultTarget};
pub use report::{Report, insert};
pub use round::{Campaign, RoundTotals, each_once, round};
pub use world::{World, WorldShape};
