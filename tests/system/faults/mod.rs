//! Fault tests of the whole system: outages, crashes and redelivery.

mod crashes;
mod deletion;
mod holdings;
mod outage;
mod saga;
