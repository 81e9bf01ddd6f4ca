//! What may fail, and what holds all the same.

mod crashes;
mod deletion;
mod holdings;
mod outage;
mod saga;
