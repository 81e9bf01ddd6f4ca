//! Objects that a declarative file manages, and the state that a change of one expects.

use chassis::clock::Timestamp;
pub use contract::FileName;
use serde_json::Value;

/// The state in which an object has to be for a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// It does not exist (`If-None-Match: *`).
    Absent,
    /// It has this version (`If-Match`).
    Version(i64),
}

/// The end of the management of an object by a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The object is deleted, which only the file that made it may ask for.
    Delete,
    /// The object stays, and no file manages it.
    Release,
}

/// The mark of an object that a declarative file manages.
#[derive(Clone, Debug)]
pub struct Managed {
    /// `client_id` of a client, or the host with its port.
    pub id: String,
    /// The name of the file.
    pub managed_by: String,
    /// True if the file made it. It may only release what it took over.
    pub made: bool,
    /// The settings that the file wrote last.
    pub settings: Value,
    /// The time at which it did.
    pub applied_at: Timestamp,
}
