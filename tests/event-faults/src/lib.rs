//! Fault tests of the guarantees of `libs/events`: every committed change is published at least once, in order for each
//! person, and applied once.
//!
//! A [`driver`] starts real processes ([`worker`]) on real databases and transports, does to them what production does
//! to services, and hands the log of all that happened ([`history`]) to the [`checker`]. Every choice comes from a
//! seed. `docs/reliability.md` says what is checked and shows the report of the long run.

pub mod checker;
pub mod driver;
pub mod history;
pub mod seeded;
pub mod settings;
pub mod worker;
